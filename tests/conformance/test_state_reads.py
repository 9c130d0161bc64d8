"""Checkpoints that are read, gone back to or loaded before a schedule; gradients that stay."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.faulty_frame import FirstGroupAlone
from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.reported.per_parameter import PerParameter


def judged(factory, check):
    spec = OptimizerSpec("s", factory)
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    accused = [r for r in report.results if str(r.outcome) in ("limit", "deviates")]
    assert all(r.snippet for r in accused)
    return str(report.outcome(check)), " ".join(r.message for r in accused)


class ShortMemory(PerParameter, lr=0.1):
    """It steps along the mean of the gradients it remembers."""

    def update(self, p, g, state, group):
        seen = state["seen"] = [*state.get("seen", []), g.clone()][-4:]
        p -= group["lr"] * sum(seen) / len(seen)


class CountsReads(Adam):
    """A read checkpoint is a step for the bias correction."""

    def state_dict(self):
        for state in self.state.values():
            state["t"] += 1
        return super().state_dict()


class FilledByReading(Adam):
    """State that a checkpoint makes, were it not there, is that of a first step at 0."""

    counted = 0

    def state_dict(self):
        for p in self.param_groups[0]["params"]:
            if not self.state[p]:
                self.state[p] = {"t": self.counted, "m": 0 * p.data, "v": 0 * p.data}
        return super().state_dict()


class FillsByStepping(FilledByReading):
    counted = 1


class OldBesideNew(ShortMemory):
    """What it remembers before it loads a checkpoint, it remembers after."""

    def load_state_dict(self, state_dict):
        before = [dict(self.state[p]).get("seen", []) for p in self.param_groups[0]["params"]]
        super().load_state_dict(state_dict)
        for p, seen in zip(self.param_groups[0]["params"], before, strict=True):
            self.state[p]["seen"] = [*self.state[p].get("seen", []), *seen]


class Wrapped(torch.optim.Optimizer):
    """Adam behind groups of its own that are those of the optimizer inside."""

    joined = True

    def __init__(self, params, lr=0.01):
        super().__init__(params, {"lr": lr})
        self.inside = Adam(self.param_groups, lr=lr)
        self.param_groups, self.state = self.inside.param_groups, self.inside.state

    def state_dict(self):
        return self.inside.state_dict()

    def load_state_dict(self, state_dict):
        self.inside.load_state_dict(state_dict)
        self.state = self.inside.state
        if self.joined:
            self.param_groups = self.inside.param_groups

    def step(self, closure=None):
        return self.inside.step(closure)


class WrappedOnce(Wrapped):
    """After loading, its groups are those of nobody."""

    joined = False


class PausesOnce(Sgd):
    """It looks after loading at which parameters have state."""

    awaited = ()

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self.awaited = self.await_these([p for p in self.state if self.state[p]])

    def await_these(self, params):
        return [p for p in params if p.grad is not None]

    def step(self, closure=None):
        awaited, self.awaited = self.awaited, ()
        for p in awaited:
            p.grad.mul_(1.0)
        return super().step(closure)

    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros_like(p))
        p -= group["lr"] * speed.mul_(0.9).add_(g)


class AwaitsAll(PausesOnce):
    """Every parameter with state must have a gradient in the first step after loading."""

    def await_these(self, params):
        return params


class Averages(PerParameter, lr=0.1, training=True):
    """SGD; in eval mode the weights are moved to the mean of where they were."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g
        state["n"] = state.get("n", 0) + 1
        state.setdefault("mean", torch.zeros_like(p)).lerp_(p, 1 / state["n"])

    def remembered(self):
        return self.param_groups[0]

    @torch.no_grad()
    def turn(self, training):
        if self.remembered()["training"] is not training:
            for p in (p for p in self.state if "mean" in self.state[p]):
                held = self.state[p]
                fast = p.clone()
                p.copy_(held["fast"] if training else held["mean"])
                held["fast"] = fast
        self.remembered()["training"] = training

    def train(self):
        self.turn(True)

    def eval(self):
        self.turn(False)


class AveragesUnsaved(Averages):
    """Its mode lies beside the checkpoint."""

    def remembered(self):
        return self.__dict__.setdefault("mode", {"training": True})


class ClearsTheBuilt(Sgd):
    """zero_grad() knows the parameters it was built with."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.known = [p for group in self.param_groups for p in group["params"]]

    def zero_grad(self, set_to_none=True):
        for p in self.known:
            p.grad = None


class ClearsToNoneAlone(Sgd):
    """Zeros are written into the gradients of the first group alone."""

    def zero_grad(self, set_to_none=True):
        groups = self.param_groups if set_to_none else self.param_groups[:1]
        for p in (p for group in groups for p in group["params"]):
            p.grad = None


class FormatOfEach(Sgd):
    def update(self, p, g, state, group):
        p.copy_((p - group["lr"] * g).to(self.format_of(p)))

    def format_of(self, p):
        return p.dtype


class FormatOfTheFirst(FormatOfEach):
    def format_of(self, p):
        return self.param_groups[0]["params"][0].dtype


class OneGroup(Sgd):
    def __init__(self, params, **options):
        super().__init__(params, **options)
        if len(self.param_groups) > 1:
            raise ValueError("a single list of parameters, please")


WRONG = [
    (CountsReads, "api.resume", "deviates", "state_dict() read"),
    (FillsByStepping, "api.resume", "deviates", "read before the first step"),
    (OldBesideNew, "api.resume", "deviates", "rolled back"),
    (WrappedOnce, "api.resume", "deviates", "lr is set to 0.5 of itself right after loading"),
    (AwaitsAll, "api.resume", "limit", "without a gradient right then"),
    (AveragesUnsaved, "api.resume", "limit", "saved after eval()"),
    (FirstGroupAlone, "api.micro-batches", "deviates", "1 of 2 groups as they are"),
    (ClearsTheBuilt, "api.micro-batches", "deviates", "one was added later"),
    (ClearsToNoneAlone, "api.micro-batches", "deviates", "set_to_none=False"),
    (FormatOfTheFirst, "api.mixed", "deviates", "float32 parameter after bfloat16"),
]
RIGHT = [
    (FilledByReading, "api.resume"),
    (ShortMemory, "api.resume"),
    (Wrapped, "api.resume"),
    (PausesOnce, "api.resume"),
    (Averages, "api.resume"),
    (Sgd, "api.micro-batches"),
    (FormatOfEach, "api.mixed"),
    (OneGroup, "api.no-gradient"),
]


@pytest.mark.parametrize(("factory", "check", "outcome", "words"), WRONG)
def test_the_fault_is_named(factory, check, outcome, words):
    found, said = judged(factory, check)
    assert found == outcome, said
    assert words in said


@pytest.mark.parametrize(("factory", "check"), RIGHT)
def test_right_ones_are_not_accused(factory, check):
    assert judged(factory, check) == ("conforms", "")


def test_a_copy_that_lost_its_mode_is_said_to_have_lost_it():
    class Moded(AveragesUnsaved):
        def __init__(self, params, **options):
            super().__init__(params, **options)
            self.mode = {"training": True}

        def remembered(self):
            return self.mode

    report = check_optimizer(OptimizerSpec("s", Moded), on_fail=None, checks=["api.copy"])
    assert str(report.outcome("api.copy")) == "conforms up to a convention"
    assert "has no attribute 'mode'" in " ".join(r.message for r in report.results)
