"""Copies of an optimizer, and what groups must bring: right optimizers beside wrong ones."""

import threading

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.faulty_frame import CopiesById
from tests.conformance.faulty_small import Sgd
from tests.conformance.reported.per_parameter import PerParameter


def told(factory, check, needs=()):
    spec = OptimizerSpec("s", factory, needs=frozenset(needs))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return report.outcome(check), " ".join(r.message for r in report.results)


class Decayed(PerParameter, lr=0.1, weight_decay=0.0):
    def update(self, p, g, state, group):
        p -= group["lr"] * g


class Counts(Sgd):
    """Its attribute is not copied."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.calls = 0

    def step(self, closure=None):
        self.calls += 1
        return super().step(closure)


class CountsOn(Counts):
    def __getstate__(self):
        return self.__dict__.copy()


class LeavesCountOut(Counts):
    """It says itself what is copied, and forgets one thing."""

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "calls"}


class HoldsLock(CountsOn):
    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.lock = threading.Lock()


class DecaysTheFirst(Decayed):
    """With decay on, a function in the group decays the parameters that it was made for."""

    def __init__(self, params, weight_decay=0.0, **options):
        super().__init__(params, weight_decay=weight_decay, **options)
        for group in self.param_groups if weight_decay else ():
            group["decay"] = lambda rate, held=group["params"]: torch._foreach_mul_(held, 1 - rate)

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            if "decay" in group:
                group["decay"](group["lr"] * group["weight_decay"])
        return super().step(closure)


class DecaysByHook(Decayed):
    """With decay on, a hook decays; a copy has no hooks."""

    def __init__(self, params, weight_decay=0.0, **options):
        super().__init__(params, weight_decay=weight_decay, **options)
        if weight_decay:
            self.register_step_pre_hook(decay)


def decay(optimizer, args, kwargs):
    with torch.no_grad():
        for group in optimizer.param_groups:
            torch._foreach_mul_(group["params"], 1 - group["lr"] * group["weight_decay"])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (LeavesCountOut, "deepcopy: AttributeError: 'LeavesCountOut' object has no attribute"),
        (HoldsLock, "deepcopy: TypeError: cannot pickle '_thread.lock' object"),
        (CopiesById, "deepcopy: its run is"),
        (DecaysTheFirst, "deepcopy with weight_decay=0.5: a copy's step moves the original"),
        (DecaysByHook, "pickle with weight_decay=0.5: its run is"),
    ],
)
def test_a_copy_that_does_not_go_on_is_a_limit(kind, words):
    outcome, message = told(kind, "api.copy")
    assert outcome is Outcome.LIMIT
    assert words in message


class Refuses(Counts):
    def __reduce_ex__(self, protocol):
        raise NotImplementedError("make a new optimizer and load the state_dict")


class SaysSo(Counts):
    """A copy.deepcopy of it cannot step: make a new one and load the state_dict."""


@pytest.mark.parametrize("kind", [Refuses, SaysSo])
def test_a_copy_refused_in_words_is_a_documented_variant(kind):
    assert told(kind, "api.copy")[0] is Outcome.VARIANT


def test_what_torchs_base_class_drops_is_not_laid_at_the_optimizers_door():
    outcome, message = told(Counts, "api.copy")
    assert outcome is Outcome.CONVENTION
    assert "no attribute 'calls'" in message
    assert "LBFGS shows the same" in message


def made_here():
    class Local(Sgd):
        pass

    return Local


class Dithers(Sgd):
    """Rounds by chance, with torch's own generator."""

    def update(self, p, g, state, group):
        p -= group["lr"] * (g + 1e-3 * torch.randn_like(g))


@pytest.mark.parametrize(
    "kind", [CountsOn, made_here(), Dithers, torch.optim.AdamW, torch.optim.SGD]
)
def test_copies_that_go_on_are_no_fault(kind):
    assert told(kind, "api.copy")[0] is Outcome.CONFORMS


class Flagged(PerParameter, lr=0.1, weight_decay=0.1):
    """Each group has the flag `decayed`: whether its weights decay."""

    def __init__(self, params, **options):
        params = list(params)
        groups = params if isinstance(params[0], dict) else [{"params": params, "decayed": True}]
        super().__init__(groups, **options)

    def update(self, p, g, state, group):
        p *= 1 - group["decayed"] * group["lr"] * group["weight_decay"]
        p -= group["lr"] * g


class Unsaid(Flagged):
    """SGD."""


class Forgets(Flagged):
    """Each group has the flag `decayed`. What the constructor notes is asked of later groups."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        for group in self.param_groups:
            group["noted"] = []

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        group["noted"].append(float(g.norm()))


def test_an_entry_that_the_docstring_asks_for_is_given():
    assert told(Flagged, "api.groups")[0] is Outcome.CONFORMS
    assert told(Flagged, "api.add-group")[0] is Outcome.CONVENTION
    assert told(Unsaid, "api.groups")[0] is Outcome.LIMIT


def test_what_is_lacking_beside_it_is_a_limit():
    outcome, message = told(Forgets, "api.add-group")
    assert outcome is Outcome.LIMIT
    assert "after add_param_group with decayed=True raises KeyError: 'noted'" in message


class ByShape(Decayed):
    """Its constructor sorts single parameters into groups, and notes which."""

    def __init__(self, params, **options):
        sorts = {True: [], False: []}
        for p in params:
            sorts[p.ndim > 1].append(p)
        groups = [{"params": held, "matrix": kind} for kind, held in sorts.items() if held]
        super().__init__(groups, **options)

    def update(self, p, g, state, group):
        p -= group["lr"] * (g if group["matrix"] else g.sign())


def test_a_group_is_added_as_the_constructor_writes_its_own():
    assert told(ByShape, "api.groups")[0] is Outcome.CONFORMS
    outcome, message = told(ByShape, "api.add-group")
    assert outcome is Outcome.CONVENTION
    assert "matrix=True" in message


class Named(Sgd):
    """SGD for named parameters."""

    def __init__(self, named_parameters, **options):
        super().__init__([p for _, p in named_parameters], **options)


class NamedOrGroups(Named):
    """named_parameters: pairs of a name and a parameter, or dictionaries of groups."""


def test_named_parameters_are_no_groups_unless_it_is_said():
    assert told(Named, "api.groups", {"named"})[0] is Outcome.CONFORMS
    outcome, message = told(NamedOrGroups, "api.groups", {"named"})
    assert outcome is Outcome.LIMIT
    assert "ValueError" in message
