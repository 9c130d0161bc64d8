"""Sampled KFAC and FOOF with the mistakes of samples and averages."""

import torch

from tests.conformance.twins.frame import Twin


class Layers(torch.optim.Optimizer):
    """Preconditions linear layers by the second moments of inputs and sampled output gradients."""

    fault = ""

    def __init__(self, model, lr=0.1, damping=1e-2, ema=0.0):
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        self.seen, self.sampled = {}, self.method == "kfac-sampled"
        groups = [{"params": list(m.parameters())} for m in self.layers]
        super().__init__(groups, {"lr": lr, "damping": damping, "ema": ema})
        for layer in self.layers:
            layer.register_forward_hook(self.see)
        if self.sampled:
            model.register_forward_hook(self.sample)

    def see(self, layer, inputs, output):
        if output.requires_grad:
            x = inputs[0].detach()
            if layer.bias is not None:
                x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
            self.seen[layer] = output
            self.average(layer, "A", x.T @ x / len(x))

    def sample(self, model, inputs, output):
        if not output.requires_grad or not self.layers:
            return
        noise = torch.randn_like(output)
        if self.fault == "sample of twice the spread":
            noise = 2 * noise
        outputs = [self.seen[layer] for layer in self.layers]
        slopes = torch.autograd.grad((output * noise).sum(), outputs, retain_graph=True)
        for layer, B in zip(self.layers, slopes, strict=True):
            G = B.T @ B / len(B)
            self.average(layer, "G", G)

    def average(self, layer, key, new):
        s, decay = self.state[layer.weight], self.param_groups[0]["ema"]
        s[key] = decay * s.get(key, torch.zeros_like(new)) + (1 - decay) * new
        s[f"n{key}"] = s.get(f"n{key}", 0) + 1

    def factor(self, s, key, damping, decay):
        count = s[f"n{key}"] + (self.fault == "corrected for one batch too many")
        A = s[key] / (1 - decay**count)
        return A + damping * torch.eye(len(A), dtype=A.dtype)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for o in self.param_groups:
            W, *bias = o["params"]
            if W.grad is None:
                continue
            grad = torch.cat([W.grad, *(b.grad[:, None] for b in bias)], 1)
            A = self.factor(self.state[W], "A", o["damping"], o["ema"])
            step = torch.linalg.solve(A, grad.T).T
            if self.sampled:
                step = torch.linalg.solve(
                    self.factor(self.state[W], "G", o["damping"], o["ema"]), step
                )
            W -= o["lr"] * step[:, : W.shape[1]]
            for b in bias:
                b -= o["lr"] * step[:, -1]
        return loss


class LayerMethod:
    """Layers, with or without a mistake, as ``Method`` is for rules."""

    def __init__(self, claim):
        self.claims = frozenset({claim})

    def twin(self, fault=""):
        (claim,) = self.claims
        members = {"fault": fault, "method": claim, "__init__": Layers.__init__}
        return type("Layers", (Layers,), members)


METHODS = {claim: LayerMethod(claim) for claim in ("kfac-sampled", "foof")}
TWINS = [
    Twin("kfac-sampled", "sample of twice the spread"),
    Twin("foof", "corrected for one batch too many"),
]
