"""Shampoo for matrices alone, Muon by Polar Express, Adafactor with momentum of its update."""

import torch

from tests.conformance.reported.per_parameter import PerParameter


def inverse_root(S, order, eps):
    values, vectors = torch.linalg.eigh(S)
    return (vectors * (values.clamp(min=0) + eps).pow(-1 / order)) @ vectors.T


class HalfShampoo(PerParameter):
    """Shampoo with the exponent -1/2 on both sides; all but matrices by RMSprop's rule."""

    def __init__(self, params, lr=0.05, beta2=0.95, eps=1e-6):
        super().__init__(params, **{"lr": lr, "beta2": beta2, "eps": eps})

    def update(self, p, g, s, o):
        moments = [g @ g.T, g.T @ g] if p.ndim == 2 else [g * g]
        for i, new in enumerate(moments):
            s[i] = o["beta2"] * s.get(i, torch.zeros_like(new)) + (1 - o["beta2"]) * new
        if p.ndim == 2:
            g = inverse_root(s[0], 2, o["eps"]) @ g @ inverse_root(s[1], 2, o["eps"])
        else:
            g = g / (s[0].sqrt() + o["eps"])
        p -= o["lr"] * g


class GraftSwitch(HalfShampoo):
    """Shampoo with the exponent -1/2; graft: "none", or "sgd" for steps as long as SGD's."""

    def __init__(self, params, lr=0.05, beta2=0.95, eps=1e-6, graft="none"):
        PerParameter.__init__(self, params, **{"lr": lr, "beta2": beta2, "eps": eps}, graft=graft)

    def update(self, p, g, s, o):
        before = p.clone()
        super().update(p, g, s, o)
        if o["graft"] == "sgd":
            move = p - before
            p.copy_(before + move * o["lr"] * self.length(g, move))

    def length(self, g, move):
        return g.norm() / move.norm().clamp(min=1e-30)


class UpsideDown(GraftSwitch):
    def length(self, g, move):
        return move.norm() / g.norm().clamp(min=1e-30)


class EarlySoap(PerParameter):
    """SOAP whose bases see the gradient of their step, new every ``frequency`` steps from step 1.

    Eigenvectors, no skipped first step, decay before the step, kernels as by Adam.
    """

    def __init__(
        self, params, lr=3e-3, betas=(0.95, 0.95), eps=1e-8, weight_decay=0.0, frequency=1
    ):
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, **{**options, "frequency": frequency})

    def update(self, p, g, s, o):
        b1, b2 = o["betas"]
        t = s["t"] = s.get("t", 0) + 1
        sides = (g @ g.T, g.T @ g) if p.ndim == 2 else ()
        for i, new in enumerate(sides):
            s.setdefault(i, torch.zeros_like(new)).lerp_(new, 1 - b2)
            if (t - 1) % o["frequency"] == 0:
                s["Q", i] = torch.linalg.eigh(s[i]).eigenvectors
        turn = lambda x: s["Q", 0].T @ x @ s["Q", 1] if sides else x  # noqa: E731
        m = s.setdefault("m", torch.zeros_like(g)).lerp_(g, 1 - b1)
        v = s.setdefault("v", torch.zeros_like(g)).lerp_(turn(g).square(), 1 - b2)
        u = turn(m) / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + o["eps"])
        u = s["Q", 0] @ u @ s["Q", 1].T if sides else u
        p.mul_(1 - o["lr"] * o["weight_decay"]).sub_(o["lr"] * u)


class SaysOtherwise(PerParameter, lr=0.05, beta2=0.95, eps=1e-6):
    """Shampoo with the exponent of Gupta et al., one over twice the order, for matrices."""

    update = HalfShampoo.update


class ExpressMuon(PerParameter):
    """Muon whose five rounds follow Polar Express, with its safety of one per cent."""

    coefficients = (
        (8.28721201814563, -23.595886519098837, 17.300387312530933),
        (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
        (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
        (3.3184196573706015, -2.488488024314874, 0.51004894012372),
        (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    )

    def __init__(self, params, lr=0.02, momentum=0.95):
        super().__init__(params, **{"lr": lr, "momentum": momentum})

    def update(self, p, g, s, o):
        b = s.setdefault("b", torch.zeros_like(g)).mul_(o["momentum"]).add_(g)
        X = (g + o["momentum"] * b).flatten(1) if p.ndim > 1 else g[None]
        X = X / (X.norm() * 1.01 + 1e-7)
        for a, b, c in self.coefficients:
            A = X @ X.T
            X = a / 1.01 * X + (b / 1.01**3 * A + c / 1.01**5 * A @ A) @ X
        p -= o["lr"] * max(1, len(X) / X.shape[1]) ** 0.5 * X.reshape(p.shape)


class MomentumAfterwards(PerParameter):
    """Adafactor at a fixed rate, its momentum taken of the clipped update before the rate."""

    def __init__(self, params, lr=1e-3, beta1=0.9, decay_rate=0.8, clip_threshold=1.0):
        options = {"lr": lr, "beta1": beta1, "decay_rate": decay_rate}
        super().__init__(params, **{**options, "clip_threshold": clip_threshold})

    def update(self, p, g, s, o):
        t = s["t"] = s.get("t", 0) + 1
        square, new = g * g + 1e-30, t ** -o["decay_rate"]
        if p.ndim > 1:
            rows = s.setdefault("rows", torch.zeros_like(square[..., :1]))
            columns = s.setdefault("columns", torch.zeros_like(square[..., :1, :]))
            rows.lerp_(square.mean(-1, keepdim=True), new)
            columns.lerp_(square.mean(-2, keepdim=True), new)
            v = rows / rows.mean(-2, keepdim=True) * columns
        else:
            v = s.setdefault("v", torch.zeros_like(g)).lerp_(square, new)
        u = g / v.sqrt()
        u = u / max(1.0, float(u.square().mean().sqrt()) / o["clip_threshold"])
        p -= o["lr"] * s.setdefault("m", torch.zeros_like(g)).lerp_(u, 1 - o["beta1"])


RIGHT = [
    (HalfShampoo, "shampoo", ("def.trajectory",)),
    (GraftSwitch, "shampoo", ("def.trajectory", "def.graft")),
    (EarlySoap, "soap", ("def.trajectory", "api.zero-options")),
    (ExpressMuon, "muon", ("def.trajectory",)),
    (MomentumAfterwards, "adafactor", ("def.trajectory",)),
]
