"""What belongs to the caller: flags, checkpoints, dictionaries of groups, the state, repr()."""

import math

import pytest
import torch

from tests.conformance.faulty_scheduled import Heavy
from tests.conformance.twin_answers import judged, require_apart


class CannotBeShown(Heavy):
    def __repr__(self):
        return f"Heavy(lr={self.lr})"


class CountsInState(Heavy):
    """A counter stands in the state, beside the parameters' own entries."""

    def run(self, group):
        self.state["calls"] = self.state.get("calls", 0) + 1
        super().run(group)


class Inference(Heavy):
    def update(self, p, g, state, group):
        with torch.inference_mode():
            state.setdefault("kept", torch.zeros_like(p))
        p -= group["lr"] * g


class Thaws(Heavy):
    def run(self, group):
        super().run(group)
        for p in group["params"]:
            p.requires_grad_(True)


class Counts(Heavy):
    """Its checkpoint holds a count of calls."""

    def state_dict(self):
        return {**super().state_dict(), "calls": 1}

    def load_state_dict(self, state):
        self.calls = state["calls"]
        super().load_state_dict({k: v for k, v in state.items() if k != "calls"})


class TakesCountsOut(Counts):
    def load_state_dict(self, state):
        self.calls = state.pop("calls")
        torch.optim.Optimizer.load_state_dict(self, state)


class TakesParamsOut(Heavy):
    def __init__(self, params, lr=0.1, momentum=0.9):
        params = list(params)
        if isinstance(params[0], dict):
            params = [{"params": group.pop("params"), **group} for group in params]
        super().__init__(params, lr, momentum)


PAIRS = [
    (Heavy, CannotBeShown, "repr() of the optimizer raises"),
    (Heavy, CountsInState, "a bare int beside"),
    (Heavy, Inference, "inference tensors"),
    (Heavy, Thaws, "thaws what is frozen"),
    (Counts, TakesCountsOut, "out of the checkpoint"),
    (Heavy, TakesParamsOut, "out of the dictionary of a group"),
]
FAULTS = [("api.callers", Thaws, (), "limit"), ("api.callers", TakesCountsOut, (), "limit")]
"""(check, optimizer, claims, outcome)."""


@pytest.mark.parametrize(("right", "wrong", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(right, wrong, words):
    require_apart("api.callers", right, wrong, "limit", words)


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.LBFGS, torch.optim.Adafactor])
def test_torch_itself_leaves_what_is_the_callers(kind):
    assert judged(kind, "api.callers")[0] in ("conforms", "cannot be driven here")


class ForgetsDefaults(Heavy):
    """A copy of it has groups and state, and no defaults."""

    def __getstate__(self):
        return {"defaults": {}, "state": self.state, "param_groups": self.param_groups}


class Logarithm(Heavy):
    """Its momentum goes through a logarithm."""

    def update(self, p, g, state, group):
        weight = math.exp(math.log(group["momentum"]))
        super().update(p, g, state, {**group, "momentum": weight})


class WeightOfTheNew(Heavy):
    """Its option is the weight of the new gradient, by which it divides."""

    def __init__(self, params, lr=0.1, momentum=0.1):
        super().__init__(params, lr, momentum)

    def update(self, p, g, state, group):
        new = group["momentum"]
        mean = state.setdefault("mean", torch.zeros_like(p)).lerp_(g, new)
        state["t"] = state.get("t", 0) + 1
        p -= group["lr"] * mean / (1 - (1 - new) ** state["t"])


def test_a_copy_takes_another_group():
    require_apart("api.copy", Heavy, ForgetsDefaults, "limit", "a group added to the copy raises")


def test_a_stumble_over_zero_is_no_refusal():
    require_apart("api.zero-options", Heavy, Logarithm, "limit", "math domain error")
    assert judged(WeightOfTheNew, "api.zero-options")[0] == "not claimed"
