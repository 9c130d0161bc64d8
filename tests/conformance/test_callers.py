"""What belongs to the caller: flags, checkpoints, dictionaries of groups, the state, repr()."""

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
