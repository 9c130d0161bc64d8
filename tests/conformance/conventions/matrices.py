"""Muon, Shampoo, SOAP and KFAC with buffers, polynomials, grafts and dampings of their own."""

import torch

from tests.conformance.conventions.moments import adam_step
from tests.conformance.reported.per_parameter import PerParameter


def polynomial(M, coefficients, rounds, eps=1e-7):
    """Return an odd polynomial of M over its norm, applied some times; never transposed."""
    a, b, c = coefficients
    X = M / (M.norm() + eps)
    for _ in range(rounds):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X


class SummingMuon(PerParameter):
    """Muon on the sum of the gradients; vectors by Adam at a rate of their own."""

    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0, adam_lr=3e-4):
        options = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, **{**options, "adam_lr": adam_lr})

    def update(self, p, g, s, o):
        if p.ndim < 2:
            p -= o["adam_lr"] * adam_step(g, s, (0.9, 0.95), 1e-8)
            return
        b = s.setdefault("b", torch.zeros_like(p)).mul_(o["momentum"]).add_(g)
        X = polynomial((g + o["momentum"] * b).flatten(1), (3.4445, -4.775, 2.0315), 5)
        p *= 1 - o["lr"] * o["weight_decay"]
        p -= o["lr"] * max(1, len(X) / X.shape[1]) ** 0.5 * X.reshape(p.shape)


class PolarMuon(PerParameter):
    """Muon by a singular value decomposition: where the rank is short, any basis will do."""

    def __init__(self, params, lr=0.02, momentum=0.95):
        super().__init__(params, **{"lr": lr, "momentum": momentum})

    def update(self, p, g, s, o):
        b = s.setdefault("b", torch.zeros_like(p)).mul_(o["momentum"]).add_(g)
        M = g + o["momentum"] * b
        M = M.flatten(1) if M.ndim > 1 else M[None]
        U, _, V = torch.linalg.svd(M, full_matrices=False)
        p -= o["lr"] * max(1, len(M) / M.shape[1]) ** 0.5 * (U @ V).reshape(p.shape)


class ConvergentMuon(PerParameter):
    """Muon with Taylor's quintic (15/8, -5/4, 3/8) in 12 rounds; all weights are matrices."""

    coefficients, rounds = (15 / 8, -5 / 4, 3 / 8), 12

    def __init__(self, params, lr=0.02, momentum=0.95):
        super().__init__(params, **{"lr": lr, "momentum": momentum})

    def update(self, p, g, s, o):
        if p.ndim < 2:
            p -= o["lr"] * g.sign()
            return
        m = s.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - o["momentum"])
        X = polynomial(m.flatten(1), self.coefficients, self.rounds)
        p -= o["lr"] * 0.2 * max(X.shape) ** 0.5 * X.reshape(p.shape)


class SixRoundMuon(ConvergentMuon):
    """Muon with the quintic of Jordan et al. in a fixed number of 6 rounds."""

    coefficients, rounds = (3.4445, -4.775, 2.0315), 6


class GraftedShampoo(PerParameter):
    """Shampoo whose step is always grafted to the length of the gradient."""

    def __init__(self, params, lr=0.1, eps=1e-4):
        super().__init__(params, **{"lr": lr, "eps": eps})

    def update(self, p, g, s, o):
        G = g.reshape(1) if g.ndim == 0 else g
        step = G
        for i in range(G.ndim):
            M = G.movedim(i, 0).reshape(G.shape[i], -1)
            eye = torch.eye(len(M), dtype=g.dtype)
            S = s[i] = s.get(i, o["eps"] * eye) + M @ M.T
            values, Q = torch.linalg.eigh(S)
            root = (Q * values.clamp(min=1e-30) ** (-0.5 / G.ndim)) @ Q.T
            step = torch.tensordot(root, step, dims=([1], [i])).movedim(0, i)
        p -= o["lr"] * (step * (G.norm() / step.norm().clamp(min=1e-30))).reshape(p.shape)


class MatrixSoap(PerParameter):
    """SOAP with exact eigenvectors, from the first step on; weights of other orders by Adam."""

    def __init__(self, params, lr=3e-3, betas=(0.95, 0.95), shampoo_beta=0.9, eps=1e-8):
        super().__init__(
            params, **{"lr": lr, "betas": betas, "shampoo_beta": shampoo_beta, "eps": eps}
        )

    def update(self, p, g, s, o):
        if p.ndim != 2:
            p -= o["lr"] * adam_step(g, s, o["betas"], o["eps"])
            return
        b1, b2 = o["betas"]
        t, moments = s.get("t", 0) + 1, (g @ g.T, g.T @ g)
        if t == 1:
            s.update(m=torch.zeros_like(p), v=torch.zeros_like(p))
            s["S"] = [(1 - o["shampoo_beta"]) * M for M in moments]
        U, V = (torch.linalg.eigh(S).eigenvectors.flip(1) for S in s["S"])
        turned = U.T @ g @ V
        s["t"] = t
        s["m"].lerp_(g, 1 - b1)
        s["v"].lerp_(turned * turned, 1 - b2)
        u = (U.T @ s["m"] @ V) / (1 - b1**t) / ((s["v"] / (1 - b2**t)).sqrt() + o["eps"])
        p -= o["lr"] * U @ u @ V.T
        if t > 1:
            both = zip(s["S"], moments, strict=True)
            s["S"] = [S.lerp(M, 1 - o["shampoo_beta"]) for S, M in both]


class ProductKfac(torch.optim.Optimizer):
    """KFAC for linear layers: damping beside products of eigenvalues, Martens' average."""

    def __init__(self, model, lr=0.1, damping=1e-2, stat_decay=0.95):
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        options = {"lr": lr, "damping": damping, "stat_decay": stat_decay}
        super().__init__(list(model.parameters()), options)
        self.seen = {}
        for layer in self.layers:
            layer.register_forward_hook(self.see)
        model.register_forward_hook(self.measure)

    def see(self, layer, inputs, output):
        x = inputs[0].detach()
        ones = [] if layer.bias is None else [torch.ones_like(x[:, :1])]
        self.seen[layer] = (torch.cat([x, *ones], 1), output)

    def measure(self, model, inputs, output):
        if not output.requires_grad or not self.layers:
            return
        outputs = [self.seen[layer][1] for layer in self.layers]
        moments = [0.0] * len(outputs)
        for column in output.unbind(1):
            rows = torch.autograd.grad(column.sum(), outputs, retain_graph=True)
            moments = [G + r.T @ r / len(r) for G, r in zip(moments, rows, strict=True)]
        for layer, G in zip(self.layers, moments, strict=True):
            x, s = self.seen[layer][0], self.state[layer.weight]
            t = s["t"] = s.get("t", 0) + 1
            kept = min(1 - 1 / t, self.param_groups[0]["stat_decay"])
            for key, new in (("A", x.T @ x / len(x)), ("G", G)):
                s[key] = kept * s.get(key, torch.zeros_like(new)) + (1 - kept) * new

    @torch.no_grad()
    def step(self, closure=None):
        (o,) = self.param_groups
        for layer in self.layers:
            W, s = layer.weight, self.state[layer.weight]
            if W.grad is None:
                continue
            bias = [] if layer.bias is None else [layer.bias]
            grad = torch.cat([W.grad, *(b.grad[:, None] for b in bias)], 1)
            (a, U), (g, V) = torch.linalg.eigh(s["A"]), torch.linalg.eigh(s["G"])
            step = V @ ((V.T @ grad @ U) / (torch.outer(g, a) + o["damping"])) @ U.T
            W -= o["lr"] * step[:, : W.shape[1]]
            for b in bias:
                b -= o["lr"] * step[:, -1]


class PreconditionedSgd(torch.optim.SGD):
    """Torch's SGD, its decay and its momentum, on gradients of linear layers that KFAC changed."""

    def __init__(self, model, lr=0.05, momentum=0.0, weight_decay=0.0, damping=1e-2):
        super().__init__(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)
        self.param_groups[0]["damping"] = damping
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        self.inputs, self.slopes = {}, {}
        for layer in self.layers:
            layer.register_forward_hook(self.see)

    def see(self, layer, inputs, output):
        x = inputs[0].detach()
        ones = [] if layer.bias is None else [torch.ones_like(x[:, :1])]
        self.inputs[layer] = torch.cat([x, *ones], 1)
        if output.requires_grad:
            output.register_hook(lambda b: self.slopes.__setitem__(layer, b.detach() * len(b)))

    def step(self, closure=None):
        damping = self.param_groups[0]["damping"]
        for layer, b in self.slopes.items():
            x, held = self.inputs[layer], list(layer.parameters())
            grad = torch.cat([p.grad.reshape(len(p), -1) for p in held], 1)
            for rows in (b, x):  # first over the outputs, then, transposed, over the inputs
                moment = rows.T @ rows / len(rows) + damping * torch.eye(rows.shape[1]).to(rows)
                grad = torch.linalg.solve(moment, grad).T
            for p, new in zip(held, grad.split([p[:1].numel() for p in held], 1), strict=True):
                p.grad = new.reshape(p.shape).contiguous()
        return super().step(closure)


RIGHT = [
    (SummingMuon, "muon", ("def.trajectory", "api.lr-zero")),
    (PolarMuon, "muon", ("def.trajectory",)),
    (ConvergentMuon, "muon", ("def.trajectory",)),
    (SixRoundMuon, "muon", ("def.trajectory",)),
    (GraftedShampoo, "shampoo", ("def.trajectory",)),
    (MatrixSoap, "soap", ("def.trajectory",)),
    (PreconditionedSgd, "kfac", ("def.trajectory", "inv.convolution", "api.flatten")),
    (ProductKfac, "kfac",
     ("def.trajectory", "theory.alignment", "inv.convolution", "api.shapes", "api.dtypes")),
]  # fmt: skip
