"""More small optimizers with one fault each: of shapes, groups, precision and direction."""

import torch

from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class UnitLength(Sgd):
    """g / |g| without care for zero."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g / g.norm()


class MatricesByName(Sgd):
    """Raises for kernels."""

    def update(self, p, g, state, group):
        p -= group["lr"] * (g.t() if g.ndim > 1 else g).contiguous().t()


class Centred(Sgd):
    """Centred over rows: a single column cannot move."""

    def update(self, p, g, state, group):
        p -= group["lr"] * (g - g.mean(-1, keepdim=True) if g.ndim > 1 else g)


class DifferenceBeforeSign(PerParameter, lr=0.1, maximize=False):
    """The previous gradient is stored before the sign is turned."""

    def update(self, p, g, state, group):
        before = state.get("before", g)
        state["before"] = g.clone()
        if group["maximize"]:
            g = -g
        p -= group["lr"] * (g + 0.5 * (g - before))


class TurnsGradient(PerParameter, lr=0.1, maximize=False):
    def update(self, p, g, state, group):
        p -= group["lr"] * (g.neg_() if group["maximize"] else g)


class ForgetsClosure(Sgd):
    def step(self, closure=None):
        return super().step(None)


class KeepsLoss(Sgd):
    def step(self, closure=None):
        super().step(closure)


class EvalTooEarly(Sgd):
    def eval(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["seen"].add_(0.0)

    def train(self):
        pass

    def update(self, p, g, state, group):
        state.setdefault("seen", torch.zeros_like(p))
        super().update(p, g, state, group)


class SharedByClass(Sgd):
    """Its sum belongs to the class; each new object sets it back."""

    total = torch.zeros((), dtype=torch.float64)

    def __init__(self, params, **options):
        super().__init__(params, **options)
        SharedByClass.total = torch.zeros((), dtype=torch.float64)

    def update(self, p, g, state, group):
        SharedByClass.total += float(g.square().sum())
        p -= group["lr"] * g / (1 + SharedByClass.total.sqrt())


class ClipsTogether(Sgd):
    @torch.no_grad()
    def step(self, closure=None):
        held = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        self.norm = sum(float(p.grad.square().sum()) for p in held) ** 0.5
        return super().step(closure)

    def update(self, p, g, state, group):
        p -= group["lr"] * g / max(1.0, self.norm)


class FirstIsSpecial(Sgd):
    def update(self, p, g, state, group):
        first = p is self.param_groups[0]["params"][0]
        p -= group["lr"] * (1.0 if first else 0.5) * g


class ConstantDecay(PerParameter, lr=0.1, weight_decay=0.0):
    def update(self, p, g, state, group):
        p -= group["lr"] * (g + group["weight_decay"])


class DtypeOfTheFirst(Sgd):
    """The momentum of every parameter has the dtype of the first one."""

    def update(self, p, g, state, group):
        first = self.param_groups[0]["params"][0]
        speed = state.setdefault("speed", torch.zeros(p.shape, dtype=first.dtype))
        p -= group["lr"] * speed.lerp_(g, 0.1)


class Uphill(Sgd):
    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        p -= group["lr"] * g * (-1.0 if state["t"] <= 3 else 1.0)


class SqrtOfSquare(Adam):
    """Adam without the root: the step falls as the gradient grows."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p -= group["lr"] * m / (v + group["eps"])


class WholeBlocksAlone(Sgd, block_size=64):
    """Steps by blocks of rows; what is left of the last one is left out."""

    def update(self, p, g, state, group):
        size = group["block_size"]
        rows = len(p) // size * size if len(p) > size else len(p)
        p[:rows] -= group["lr"] * g[:rows]
