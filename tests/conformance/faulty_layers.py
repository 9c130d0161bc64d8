"""Faults of what depends on sizes, slices and curvature: decay by size, SM3, AdaHessian."""

import torch

from tests.conformance.faulty_small import Adam
from tests.conformance.reported.per_parameter import PerParameter


class DecaysAll(Adam, weight_decay=0.01):
    """Decoupled weight decay."""

    def spares(self, p):
        return False

    def update(self, p, g, state, group):
        if not self.spares(p):
            p.mul_(1 - group["lr"] * group["weight_decay"])
        super().update(p, g, state, group)


class SparesMatrices(DecaysAll):
    """Adam, plain."""

    def spares(self, p):
        return p.ndim == 2 and min(p.shape) > 2


class SparesOnPurpose(SparesMatrices):
    """Weight decay is for small weights: low-rank matrices have none."""


class ByItsGradient(DecaysAll):
    """Decay of larger matrices acts beside a gradient alone."""

    def spares(self, p):
        return p.ndim == 2 and min(p.shape) > 2 and not bool(p.grad.any())


class AdaHessian(torch.optim.Optimizer):
    """Hutchinson's estimate by random signs, drawn from a generator of its own."""

    def __init__(self, params, lr=0.1, betas=(0.9, 0.999), eps=1e-8, hessian_power=1.0):
        options = {"lr": lr, "betas": betas, "eps": eps, "hessian_power": hessian_power}
        super().__init__(params, options)
        self.generator = torch.Generator().manual_seed(3)

    def signs(self, p):
        return torch.randint(0, 2, p.shape, generator=self.generator).to(p) * 2 - 1

    def estimate(self, state, z, hz):
        return z * hz

    def step(self, closure=None):
        for group in self.param_groups:
            held = [p for p in group["params"] if p.grad is not None]
            z = [self.signs(p) for p in held]
            grads = [p.grad for p in held]
            products = torch.autograd.grad(grads, held, z, retain_graph=True)
            with torch.no_grad():
                for row in zip(held, z, products, strict=True):
                    self.move(*row, self.state[row[0]], group)

    def move(self, p, z, hz, state, group):
        (b1, b2), t = group["betas"], state.get("t", 0) + 1
        state["t"] = t
        m = state.setdefault("m", torch.zeros_like(p)).lerp_(p.grad, 1 - b1)
        square = self.estimate(state, z, hz) ** 2
        v = state.setdefault("v", torch.zeros_like(p)).lerp_(square, 1 - b2)
        below = (v / (1 - b2**t)) ** (group["hessian_power"] / 2) + group["eps"]
        p.addcdiv_(m, below, value=-group["lr"] / (1 - b1**t))


class OneSign(AdaHessian):
    """Its signs are all -1."""

    def signs(self, p):
        return -torch.ones_like(p)


class OneSignForAll(AdaHessian):
    """It draws one sign for all entries."""

    def signs(self, p):
        return super().signs(p[:1] if p.ndim else p).flatten()[0] * torch.ones_like(p)


class PilesUp(AdaHessian):
    """Each estimate is added to those before."""

    def estimate(self, state, z, hz):
        state["sum"] = state.get("sum", 0.0) + z * hz
        return state["sum"]


class SM3(PerParameter, lr=0.1, momentum=0.9, eps=1e-30):
    """The smallest of the maxima over the slices that an entry lies in, and its square."""

    def update(self, p, g, state, group):
        axes = range(max(g.ndim, 1))
        least = state.get("slices", [torch.zeros_like(g) for _ in axes])
        nu = torch.stack([old.expand_as(g) for old in least]).amin(0) + g * g
        state["slices"] = [self.maximum(nu, [i for i in axes if i != k]) for k in axes]
        step = g / (nu + group["eps"]).sqrt()
        m = state.setdefault("m", torch.zeros_like(p))
        m.mul_(group["momentum"]).add_(step, alpha=1 - group["momentum"])
        p -= group["lr"] * m

    def maximum(self, nu, others):
        return nu.amax(others, keepdim=True) if others else nu


class MeansForMaxima(SM3):
    def maximum(self, nu, others):
        return nu.mean(others, keepdim=True) if others else nu


class OverTheLastAxis(SM3):
    """Every accumulator holds the maxima over the last axis."""

    def maximum(self, nu, others):
        return nu.amax(-1, keepdim=True) if nu.ndim > 1 else nu


class Rooted(PerParameter):
    """The gradient's entries to the power ``curve``."""

    def __init__(self, params, lr=0.01, curve=0.5):
        super().__init__(params, lr=lr, curve=curve)

    def read(self, group):
        return group["curve"]

    def update(self, p, g, state, group):
        p -= group["lr"] * g.sign() * g.abs() ** self.read(group)


class RootedByFirst(Rooted):
    def read(self, group):
        return self.param_groups[0]["curve"]


class RootedByConstructor(Rooted):
    """What it was built with holds for all groups."""

    def read(self, group):
        return self.defaults["curve"]


class Renewed(torch.optim.Optimizer):
    """Its leading rows, renewed every gap steps, are stepped. A line is printed every report steps.

    rank: None for all rows.
    """

    def __init__(self, params, lr=0.01, rank=None, gap=5, report=100):
        super().__init__(params, {"lr": lr, "rank": rank, "gap": gap, "report": report})

    def due(self, t, group):
        return t % group["gap"] == 0

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state, rank = self.state[p], group["rank"]
                t = state["t"] = state.get("t", -1) + 1
                if self.due(t, group) or "rows" not in state:
                    sizes = p.grad.reshape(len(p), -1).norm(dim=1) if p.ndim else p.grad[None]
                    state["rows"] = sizes.argsort(descending=True)[:rank]
                if p.ndim:
                    p[state["rows"]] -= group["lr"] * p.grad[state["rows"]]


class NeverRenewed(Renewed):
    """Its leading rows, renewed every gap steps, are stepped."""

    def due(self, t, group):
        return t == 0


class OverEpochs(torch.optim.SGD):
    """Its rate falls every epoch steps, if scheduled."""

    def __init__(self, params, lr=0.01, epoch=100):
        super().__init__(params, lr=lr)
        for group in self.param_groups:
            group.setdefault("epoch", epoch)


class Bounded(PerParameter):
    """limit: largest entry of a step, in units of lr (0: none)."""

    def __init__(self, params, lr=0.01, limit=2.0):
        super().__init__(params, lr=lr, limit=limit)

    def update(self, p, g, state, group):
        if group["limit"]:
            g = g.clamp(-group["limit"], group["limit"])
        p -= group["lr"] * g


class Unbounded(Bounded):
    """limit: largest entry of a step, in units of lr (0: none)."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g


class Weighted(PerParameter):
    """limit: power of the weights in an average that is not read here (0: none)."""

    def __init__(self, params, lr=0.01, limit=2.0):
        super().__init__(params, lr=lr, limit=limit)

    def update(self, p, g, state, group):
        p -= group["lr"] * g


FAULTS = [
    ("api.decay", SparesMatrices, (), "limit"),
    ("api.group-numbers", RootedByFirst, (), "limit"),
    ("api.limits", Unbounded, (), "limit"),
    ("api.periods", NeverRenewed, (), "limit"),
    ("def.probes", OneSign, ("adahessian",), "deviates"),
    ("def.probes", OneSignForAll, ("adahessian",), "deviates"),
    ("def.trajectory", PilesUp, ("adahessian",), "deviates"),
    ("def.trajectory", MeansForMaxima, ("sm3",), "deviates"),
    ("def.trajectory", OverTheLastAxis, ("sm3",), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
