"""Faults of whole numbers and of sums in float16, each after the optimizer without the fault."""

from tests.conformance.reported.per_parameter import PerParameter


class LeavesStepsOut(PerParameter, lr=0.1, offset=0):
    """offset: steps of an earlier run, which the falling rate leaves out."""

    least = 1

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        t = max(state["t"] - group["offset"], self.least)
        p -= group["lr"] * (float(t) ** -0.5 if t > 0 else float("nan")) * g


class LeavesNoStepsOut(LeavesStepsOut):
    least = -9


class SharesDecay(PerParameter, lr=0.1, weight_decay=0.1, total_steps=4):
    """total_steps: by whose root the decay is divided; 0 for none of it."""

    at_zero = 1.0

    def update(self, p, g, state, group):
        total = group["total_steps"]
        share = total**-0.5 if total else self.at_zero
        p -= group["lr"] * (g + share * group["weight_decay"] * p)


class SharesByZero(SharesDecay):
    at_zero = float("inf")


class BySize(PerParameter, lr=0.1):
    """Gradient descent whose steps are of the weights' size; 0 counts as 1."""

    def update(self, p, g, state, group):
        p -= group["lr"] * (self.size(p) or 1.0) / self.size(g) * g

    def size(self, x):
        return float(x.norm())


class BySumOfSquares(BySize):
    def size(self, x):
        return float(x.square().sum().sqrt())


FAULTS = [
    ("api.float16-norms", BySumOfSquares, (), "numerics"),
    ("api.finite-counts", LeavesNoStepsOut, (), "limit"),
    ("api.finite-counts", SharesByZero, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
