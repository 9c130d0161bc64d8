"""Adam with options whose faults show late: an accumulation, schedules, restarts."""

import torch

from tests.conformance.faulty_optional import Adam


class Accumulates(Adam, accumulation_steps=1, max_grad_norm=0.0):
    """The mean of so many gradients makes a step; it is clipped, each weight's to this norm."""

    coarse = each = missing_waits = False

    def run(self, group):
        k = group["accumulation_steps"]
        group["calls"] = group.get("calls", 0) + 1
        for p in group["params"]:
            state = self.state[p]
            if p.grad is not None:
                g = (
                    p.grad
                    if self.coarse
                    else p.grad.to(torch.promote_types(p.dtype, torch.float32))
                )
                g = self.bounded(g, group) if self.each else g
                state["sum"] = state["sum"] + g if state.get("sum") is not None else g.clone()
            due = group["calls"] % k == 0 and state.get("sum") is not None
            if due and not (self.missing_waits and p.grad is None):
                mean, state["sum"] = (state["sum"] / k).to(p.dtype), None
                self.update(p, mean if self.each else self.bounded(mean, group), state, group)

    def bounded(self, g, group):
        bound, norm = group["max_grad_norm"], g.norm()
        return g * (bound / norm) if bound and norm > bound else g


class AccumulatesCoarsely(Accumulates):
    coarse = True


class ClipsEach(Accumulates):
    each = True


class MissingWaits(Accumulates):
    missing_waits = True


class LosesTheSum(Accumulates):
    def state_dict(self):
        whole = super().state_dict()
        kept = {i: {**s, "sum": None} for i, s in whole["state"].items()}
        return {**whole, "state": kept}


class Falls(Adam, t_total=-1):
    """The rate falls linearly over so many steps."""

    least = 0.0

    def rate(self, t, group):
        left = 1 - t / group["t_total"] if group["t_total"] > 0 else 1.0
        return group["lr"] * max(left, self.least)


class FallsOn(Falls):
    least = -torch.inf


class ByPower(Falls):
    def rate(self, t, group):
        return group["lr"] * (1 - t / group["t_total"]) ** 0.9 if group["t_total"] > 0 else 0.01


class Restarts(Adam, restart_steps=0):
    """After so many steps the moments and the count of steps are set back."""

    def update(self, p, g, state, group):
        k = group["restart_steps"]
        state["age"] = state.get("age", 0) + 1
        if k and state["age"] > 1 and state["age"] % k == 1:
            state["m"].zero_()
            state["v"].zero_()
            state["t"] = self.count(state["t"])
        super().update(p, g, state, group)

    def count(self, t):
        return 0


class RestartsMoments(Restarts):
    def count(self, t):
        return t


ELSEWHERE, END, ANEW = "api.options-elsewhere", "api.past-end", "api.restarts"
PAIRS = [
    (ELSEWHERE, Accumulates, AccumulatesCoarsely, "numerics", "in bfloat16"),
    (ELSEWHERE, Accumulates, ClipsEach, "limit", "on the mean of two gradients"),
    (ELSEWHERE, Accumulates, MissingWaits, "limit", "half of the sum of three"),
    (ELSEWHERE, Accumulates, LosesTheSum, "deviates", "resumed after 7 steps, with accumulation"),
    (END, Falls, FallsOn, "limit", "goes up"),
    (END, Falls, ByPower, "limit", "raises"),
    (ANEW, Restarts, RestartsMoments, "deviates", "from a fresh one"),
]
"""(check, right, wrong, outcome, words)."""
FAULTS = [(check, wrong, (), outcome) for check, _, wrong, outcome, _ in PAIRS]
"""(check, optimizer, claims, outcome)."""
