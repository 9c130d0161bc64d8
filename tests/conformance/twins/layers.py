"""KFAC and FOOF with the mistakes of factors, damping and averages."""

import torch

from tests.conformance.twins.frame import Twin


class Layers(torch.optim.Optimizer):
    """Linear layers, each between the inverses of its two second moments."""

    fault = ""

    def __init__(self, model, lr=0.1, damping=1e-3, stat_decay=0.9, momentum=0.0):
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        self.seen, self.batch = {}, []
        groups = [{"params": list(m.parameters())} for m in self.layers]
        options = {"lr": lr, "damping": damping, "stat_decay": stat_decay, "momentum": momentum}
        super().__init__(groups, options)
        for layer in self.layers:
            layer.register_forward_hook(self.remember)
        model.register_forward_hook(self.measure)

    def remember(self, layer, inputs, output):
        if output.requires_grad:
            x = inputs[0].detach()
            if layer.bias is not None:
                ones = torch.ones_like(x[:, :1])
                x = torch.cat(
                    [x, ones if self.fault != "column of zeros for the bias" else 0 * ones], 1
                )
            self.seen[layer] = (x, output)

    def measure(self, model, inputs, output):
        if not output.requires_grad:
            return
        outputs = [self.seen[m][1] for m in self.layers]
        sums = [0.0] * len(outputs)
        for column in output.unbind(1):
            rows = torch.autograd.grad(column.sum(), outputs, retain_graph=True)
            sums = [s + r.T @ r / len(r) for s, r in zip(sums, rows, strict=True)]
        inputs = [self.seen[m][0] for m in self.layers]
        if self.fault == "inputs centred":
            inputs = [x - x.mean(0) for x in inputs]
        self.rows = getattr(self, "rows", len(output))
        rows = self.rows if self.fault == "rows of the first batch" else len(output)
        self.batch = [(x.T @ x / rows, G) for x, G in zip(inputs, sums, strict=True)]
        if self.fault == "divided by the rows less one":
            self.batch = [(A * len(output) / (len(output) - 1), G) for A, G in self.batch]

    def average(self, W, key, new, decay):
        if self.fault == "weights of past and batch swapped":
            decay = 1 - decay
        old = self.state[W].get(key, new)
        self.state[W][key] = decay * old + (1 - decay) * new
        return self.state[W][key]

    def inverse(self, A, damping):
        if self.fault == "damping not for the output factor" and len(A) < 5:
            damping = 1e-12
        values, Q = torch.linalg.eigh(A)
        if self.fault == "damping under no root, but outside":
            return (Q / values.clamp(min=1e-9)) @ Q.T + damping * torch.eye(len(A), dtype=A.dtype)
        return (Q / (values + damping)) @ Q.T

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not self.batch:
            return loss
        for group, pair in zip(self.param_groups, self.batch, strict=True):
            W, *bias = group["params"]
            if W.grad is None:
                continue
            if self.fault == "rate of the first layer for all":
                group = {**group, "lr": self.param_groups[0]["lr"]}
            decay = group["stat_decay"]
            A, G = (self.average(W, k, S, decay) for k, S in zip("AG", pair, strict=True))
            grad = torch.cat([W.grad, *(b.grad[:, None] for b in bias)], 1)
            if self.fault == "gradient of the sum, not the mean":
                grad = grad * 24
            left, right = (self.inverse(S, group["damping"]) for S in (G, A))
            if self.fault == "output factor forgotten":
                left = torch.eye(len(G), dtype=G.dtype)
            if self.fault == "inverse of the product's transpose":
                right = torch.linalg.cholesky(right)
            step = left @ grad @ right
            if group["momentum"]:
                old = self.state[W].get("v", torch.zeros_like(step))
                share = 1.0 if self.fault != "momentum before the factors" else 0.0
                step = self.state[W]["v"] = group["momentum"] * old + share * step
            W -= group["lr"] * step[:, : W.shape[1]]
            for b in bias:
                b -= group["lr"] * step[:, -1]
        return loss


class LayerMethod:
    """Layers, with or without a mistake, as ``Method`` is for rules."""

    claims = frozenset({"kfac"})

    def twin(self, fault=""):
        return type("Layers", (Layers,), {"fault": fault, "__init__": Layers.__init__})


METHODS = {"kfac": LayerMethod()}
TWINS = [
    Twin("kfac", "column of zeros for the bias"),
    Twin("kfac", "inputs centred"),
    Twin("kfac", "divided by the rows less one"),
    Twin("kfac", "weights of past and batch swapped"),
    Twin("kfac", "damping not for the output factor"),
    Twin("kfac", "damping under no root, but outside"),
    Twin("kfac", "gradient of the sum, not the mean"),
    Twin("kfac", "output factor forgotten"),
    Twin("kfac", "inverse of the product's transpose"),
    Twin("kfac", "momentum before the factors"),
    Twin("kfac", "rows of the first batch"),
    Twin("kfac", "rate of the first layer for all", {"api.lr-read": "deviates"}),
]
