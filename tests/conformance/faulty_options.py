"""Small optimizers whose options are not used, accumulate wrongly or are loaded wrongly."""

import torch

from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.reported.per_parameter import PerParameter, orthogonal


class Accumulates(PerParameter):
    """It steps at every ``accumulate``-th call, along the mean of the gradients."""

    always, counts = False, False

    def __init__(self, params, lr=0.01, beta=0.9, weight_decay=0.0, accumulate=1):
        self.of_method = {"lr": lr, "beta": beta, "weight_decay": weight_decay}
        super().__init__(params, accumulate=accumulate)

    def update(self, p, g, state, group):
        k = group["accumulate"]
        state["calls"] = state.get("calls", 0) + 1
        state["sum"] = state.get("sum", 0) + g / k
        due = state["calls"] % k == 0
        if due or self.always:
            p *= 1 - group["lr"] * group["weight_decay"]
        if due:
            t = state["calls"] if self.counts else state["calls"] // k
            state["m"] = group["beta"] * state.get("m", 0) + (1 - group["beta"]) * state["sum"]
            p -= group["lr"] * state["m"] / (1 - group["beta"] ** t)
            state["sum"] = torch.zeros_like(p)


class DecaysAtEachCall(Accumulates):
    always = True


class CountsCalls(Accumulates):
    counts = True


class SquaresOfEach(Accumulates):
    """It joins the squares of gradients, as it may: where they are equal nothing is changed."""

    def update(self, p, g, state, group):
        k = group["accumulate"]
        state["calls"] = state.get("calls", 0) + 1
        state["sum"] = state.get("sum", 0) + g / k
        state["squares"] = state.get("squares", 0) + g * g / k
        if state["calls"] % k == 0:
            p -= group["lr"] * state["sum"] / state["squares"].sqrt()
            state["sum"] = state["squares"] = torch.zeros_like(p)


class Falling(PerParameter):
    """Gradient descent with a rate that falls.

    decay: the rate at step t is lr / (1 + decay * t).
    """

    used = True

    def __init__(self, params, lr=0.1, decay=0.0):
        super().__init__(params, lr=lr, decay=decay)

    def update(self, p, g, state, group):
        state["t"] = state.get("t", -1) + 1
        decay = group["decay"] if self.used else 0.0
        p -= group["lr"] / (1 + decay * state["t"]) * g


class NeverFalls(Falling):
    used = False


class Clipped(PerParameter):
    """Gradient descent. max_norm: longer gradients are cut to it."""

    used = True

    def __init__(self, params, lr=0.1, max_norm=None):
        super().__init__(params, lr=lr, max_norm=max_norm)

    def update(self, p, g, state, group):
        if group["max_norm"] is not None and self.used:
            g = g * (group["max_norm"] / g.norm()).clamp(max=1.0)
        p -= group["lr"] * g


class NeverClips(Clipped):
    used = False


class SignsAlone(Clipped):
    """Steps by signs, which a shorter gradient has too. max_norm: gradients are cut to it."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g.sign()


class Gated(PerParameter):
    """Gradient descent. clips: whether gradients are cut.

    max_norm: what gradients are cut to.
    """

    def __init__(self, params, lr=0.1, max_norm=None, clips=False):
        super().__init__(params, lr=lr, max_norm=max_norm, clips=clips)

    def update(self, p, g, state, group):
        if group["clips"] and group["max_norm"] is not None:
            g = g * (group["max_norm"] / g.norm()).clamp(max=1.0)
        p -= group["lr"] * g


class ToldToWait(NeverClips):
    """Gradient descent.

    lr: rate. max_norm: longer gradients are cut to it; used with lr above 1 only.
    """


class Rounds(PerParameter, lr=0.05, ns_steps=3):
    """Steps along the orthogonal matrix that rounds of an iteration tend to; vectors stay."""

    table = 0
    """Rounds that there are at most; 0 for any number."""

    def update(self, p, g, state, group):
        if p.ndim == 2:
            rounds = min(group["ns_steps"], self.table or group["ns_steps"])
            p -= group["lr"] * orthogonal(g, rounds)


class RoundsOfATable(Rounds):
    table = 3


class SaysHowMany(RoundsOfATable):
    """ns_steps: rounds of the iteration, up to 3."""


class RefusesMore(Rounds):
    def update(self, p, g, state, group):
        if group["ns_steps"] > 3:
            raise ValueError("no coefficients for so many rounds")
        super().update(p, g, state, group)


class DecaysPerFormat(PerParameter, lr=0.1, weight_decay=0.0, foreach=False):
    """Its foreach path decays all weights once for each format that they have."""

    def update(self, p, g, state, group):
        times = len({q.dtype for q in group["params"]}) if group["foreach"] else 1
        p *= (1 - group["lr"] * group["weight_decay"]) ** times
        p -= group["lr"] * g


class TurnsBetas(Adam):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["betas"] = tuple(group["betas"])[::-1]


class HoldsElsewhere(Sgd):
    """Momentum in an attribute of the object, beside a state that is saved."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.memory = {}

    def update(self, p, g, state, group):
        state["g"] = g.clone()
        self.memory[p] = 0.9 * self.memory.get(p, 0) + g
        p -= group["lr"] * self.memory[p]
