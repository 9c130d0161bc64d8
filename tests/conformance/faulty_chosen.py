"""Options with a value that is told, and what becomes of it there.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments, orthogonal


class Orthogonal(PerParameter):
    """Steps along the nearest orthogonal matrix; vectors are stepped by their signs.

    coefficients: "quintic", or "cubic" with twice as many rounds.
    """

    rounds, a, b = 10, 1.5, -0.5

    def __init__(self, params, lr=0.02, coefficients="quintic"):
        if coefficients not in {"quintic", "cubic"}:
            raise ValueError(f"coefficients={coefficients!r}, needs 'quintic' or 'cubic'")
        super().__init__(params, lr=lr, coefficients=coefficients)

    def direction(self, g, group):
        if g.ndim < 2:
            return g.sign()
        M = g.flatten(1)
        if group["coefficients"] == "quintic":
            return orthogonal(M).reshape(g.shape)
        X = M / (M.norm() + 1e-7)
        for _ in range(self.rounds):
            X = self.a * X + self.b * X @ X.mT @ X
        return X.reshape(g.shape)

    def update(self, p, g, state, group):
        p -= group["lr"] * self.direction(g, group)


class FarFromOrthogonal(Orthogonal):
    """coefficients: "quintic", or "cubic" with twice as many rounds."""

    rounds, a, b = 3, 3.0, -0.5


class InBlocks(PerParameter):
    """Steps along the signs of the gradient, in some blocks of rows."""

    def __init__(self, params, lr=0.01, blocks=1):
        super().__init__(params, lr=lr, blocks=blocks)

    def parts(self, g, k):
        return g.tensor_split(k)

    def update(self, p, g, state, group):
        rows, slopes = (x if x.ndim else x[None] for x in (p, g))
        moves = torch.cat([part.sign() for part in self.parts(slopes, group["blocks"])])
        rows[: len(moves)] -= group["lr"] * moves


class WholeBlocks(InBlocks):
    """Steps along the signs of the gradient, in some blocks of equal length."""

    def parts(self, g, k):
        return g[: len(g) // k * k].tensor_split(k)


class SomeBlocks(WholeBlocks):
    """Steps along the signs of the gradient.

    blocks: in so many blocks of equal length; rows left over are frozen.
    """


class Rises(PerParameter):
    """Signs.

    rise: steps over which the rate rises; None or 0: off.
    """

    def __init__(self, params, lr=0.01, rise=None):
        super().__init__(params, lr=lr, rise=rise)

    def rises(self, rise):
        return bool(rise)

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        share = min(1, state["t"] / group["rise"]) if self.rises(group["rise"]) else 1
        p -= share * group["lr"] * g.sign()


class RisesAtZero(Rises):
    def rises(self, rise):
        return rise is not None


class FallsAtZero(Rises):
    """At 0 the rate is another one."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g.sign() / (2 if group["rise"] == 0 else 1)


class NaNAtZero(Rises):
    """At 0 the rate is no number."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g.sign() * (float("nan") if group["rise"] == 0 else 1)


class RefusesZero(Rises):
    """At 0 nothing rises."""

    def rises(self, rise):
        if rise == 0:
            raise ValueError("rise=0, needs at least one step or None")
        return rise is not None


class Stable(PerParameter, lr=1e-3, betas=(0.9, 0.99)):
    """Adam; stable: the rate is divided by the root mean square of g / sqrt(v) where it is > 1."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), stable=False):
        super().__init__(params, lr=lr, betas=betas, stable=stable)

    def size(self, r):
        return r.square().mean().sqrt()

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        m, v = corrected(m, v, t, group)
        rate = group["lr"]
        if group["stable"] and g.numel():
            rate = rate / self.size(g / (v.sqrt() + 1e-8)).clamp(min=1)
        p -= rate * m / (v.sqrt() + 1e-8)


class StableByNorm(Stable):
    def size(self, r):
        return r.norm()


FAULTS = [
    ("api.left-behind", WholeBlocks, (), "limit"),
    ("api.off-at-zero", RisesAtZero, (), "limit"),
    ("api.off-at-zero", FallsAtZero, (), "deviates"),
    ("api.off-at-zero", NaNAtZero, (), "limit"),
    ("def.coefficients", FarFromOrthogonal, ("muon",), "deviates"),
    ("def.tiles", StableByNorm, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
