"""Several groups: resumed, scheduled apart, with missing gradients; right optimizers and wrong."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}


class AdamW(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    def decay_rate(self, group):
        return group["lr"]

    def update(self, p, g, state, group):
        p *= 1 - self.decay_rate(group) * group["weight_decay"]
        m, v = corrected(*moments(p, g, state, group), group)
        p -= group["lr"] * m / (v.sqrt() + group["eps"])


def accusations(factory, check, needs=()):
    spec = OptimizerSpec("s", factory, claims=frozenset({"adamw"}), needs=frozenset(needs))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return [r for r in report.results if r.outcome in ACCUSES]


def only(factory, check):
    (found,) = accusations(factory, check)
    assert found.snippet, found.details
    return found.message


class ByShape(AdamW):
    """A checkpoint has one state for each shape."""

    def state_dict(self):
        whole = super().state_dict()
        params = [p for group in self.param_groups for p in group["params"]]
        states = {p.shape: whole["state"][i] for i, p in enumerate(params) if i in whole["state"]}
        return {**whole, "state": {i: states[p.shape] for i, p in enumerate(params)}}


class ByPlaceInGroup(AdamW):
    """A checkpoint numbers the parameters anew in each group."""

    def state_dict(self):
        whole, state = super().state_dict(), {}
        for group in whole["param_groups"]:
            state |= {i: whole["state"][n] for i, n in enumerate(group["params"])}
        return {**whole, "state": state}


class ByOrderOfUse(AdamW):
    """A checkpoint numbers the parameters that have a state."""

    def state_dict(self):
        whole = super().state_dict()
        return {**whole, "state": dict(enumerate(whole["state"].values()))}


class FirstForAll(AdamW):
    """After loading, all groups have the options of the first."""

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group.update({k: v for k, v in self.param_groups[0].items() if k != "params"})


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ByShape, "with two groups is 0.88 of the way: the state of parameter 3 lies with"),
        (ByPlaceInGroup, "the state of parameter 3 lies with parameter 1"),
        (ByOrderOfUse, "its first parameter without a gradient so far raises"),
        (FirstForAll, "lr of group 2 is 0.0008, not 0.0002"),
    ],
)
def test_what_returns_to_another_parameter_is_seen(kind, words):
    assert words in only(kind, "api.resume")


class Nested(AdamW):
    """Checkpoints of its own: states below their groups, nothing by number."""

    def state_dict(self):
        return {
            "groups": [
                [{k: v for k, v in group.items() if k != "params"}]
                + [dict(self.state.get(p, {})) for p in group["params"]]
                for group in self.param_groups
            ]
        }

    def load_state_dict(self, state_dict):
        for group, (options, *states) in zip(self.param_groups, state_dict["groups"], strict=True):
            group.update(options)
            for p, state in zip(group["params"], states, strict=True):
                self.state[p] = dict(state)


@pytest.mark.parametrize("kind", [Nested, torch.optim.AdamW, torch.optim.Adam])
def test_other_checkpoints_are_no_fault(kind):
    assert accusations(kind, "api.resume") == []


class Single(AdamW):
    """Its moments are float32 beside bfloat16 weights, also after loading."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group, dtype=torch.float32), group)
        p -= group["lr"] * m / (v.sqrt() + group["eps"])

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state |= {name: state[name].float() for name in "mv"}


class ForgetsFirst(Single):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state["m"].zero_()


def test_what_torch_rounds_in_loading_is_numerics():
    spec = OptimizerSpec("s", Single, claims=frozenset({"adamw"}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["api.resume"])
    assert report.outcome("api.resume") is Outcome.NUMERICS
    assert any("m: rounded to bfloat16" in r.message for r in report.results)
    assert "in float64 is" in only(ForgetsFirst, "api.resume")


class ByRatio(AdamW):
    """Rates keep the ratio that they had in the first step."""

    def update(self, p, g, state, group):
        first = self.param_groups[0]["lr"]
        ratio = group.setdefault("ratio", group["lr"] / first if first else 1.0)
        super().update(p, g, state, {**group, "lr": ratio * first})


class DecaysByFirst(AdamW):
    def decay_rate(self, group):
        return self.param_groups[0]["lr"]


class DecaysByLargest(AdamW):
    def decay_rate(self, group):
        return max(other["lr"] for other in self.param_groups)


class DecaysByStart(AdamW):
    def decay_rate(self, group):
        return group.get("initial_lr", group["lr"])


class HalfAtStart(AdamW):
    def update(self, p, g, state, group):
        rate = 0.5 * (group["lr"] + group.get("initial_lr", group["lr"]))
        super().update(p, g, state, {**group, "lr": rate})


class KnowsItsKeys(AdamW):
    def step(self, closure=None):
        known = {*self.of_method, "params"}
        if unknown := set().union(*self.param_groups) - known:
            raise KeyError(unknown.pop())
        return super().step(closure)


STRAYS, MARKED = "in mid-run changes the second by", "the groups hold initial_lr"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ByRatio, f"first of two groups {STRAYS} 0.31 of its way: the rate of another"),
        (DecaysByFirst, f"first of two groups {STRAYS} 0.11 of its way"),
        (DecaysByLargest, "off what it does to that group alone"),
        (DecaysByStart, MARKED),
        (HalfAtStart, MARKED),
        (KnowsItsKeys, "whose groups hold initial_lr, as under a scheduler, raises KeyError"),
    ],
)
def test_a_rate_that_acts_elsewhere_is_seen(kind, words):
    assert words in only(kind, "api.lr-read")


class DecaysByShare(AdamW):
    """Decay by the scheduled share of the first rate, as in the paper of AdamW."""

    def decay_rate(self, group):
        return 1e-3 * group["lr"] / group.get("initial_lr", group["lr"]) if group["lr"] else 0.0


class SaysSo(DecaysByStart):
    """AdamW whose decay goes by `initial_lr`, so that no schedule weakens it."""


class ReadsInAdvance(AdamW):
    """The options of all groups are copied before the step."""

    def step(self, closure=None):
        self.copied = {id(group): dict(group) for group in self.param_groups}
        return super().step(closure)

    def decay_rate(self, group):
        return self.copied[id(group)]["lr"]


@pytest.mark.parametrize(
    "kind", [DecaysByShare, SaysSo, ReadsInAdvance, torch.optim.SGD, torch.optim.AdamW]
)
def test_other_ways_to_a_groups_own_rate_are_no_fault(kind):
    assert accusations(kind, "api.lr-read") == []


class Together(torch.optim.Optimizer):
    """Adam for lists of tensors; with foreach the corrections are by what ``counts`` returns."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, foreach=False):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "foreach": foreach})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            held = [p for p in group["params"] if p.grad is not None]
            pairs = [moments(p, p.grad, self.state[p], group)[:2] for p in held]
            counts = [self.state[p]["t"] for p in held]
            counts = self.counts(counts) if group["foreach"] else counts
            for p, (m, v), t in zip(held, pairs, counts, strict=True):
                m, v = corrected(m, v, t, group)
                p -= group["lr"] * m / (v.sqrt() + group["eps"])
        return loss

    def counts(self, own):
        return own


class CountsOfFirst(Together):
    def counts(self, own):
        return own[:1] * len(own)


class CountsOfLongest(Together):
    def counts(self, own):
        return [max(own)] * len(own)


class FillsWithZeros(Together):
    """With foreach a missing gradient is a gradient of zeros."""

    def step(self, closure=None):
        lists = [group["params"] for group in self.param_groups if group["foreach"]]
        for p in [p for params in lists for p in params if p.grad is None]:
            p.grad = torch.zeros_like(p)
        return super().step(closure)


@pytest.mark.parametrize("kind", [CountsOfFirst, CountsOfLongest, FillsWithZeros])
def test_a_path_that_needs_every_gradient_is_seen(kind):
    assert "with foreach=True and a gradient missing in some steps" in only(kind, "api.paths")


@pytest.mark.parametrize("kind", [Together, torch.optim.Adam, torch.optim.RMSprop])
def test_paths_that_skip_alike_are_no_fault(kind):
    assert accusations(kind, "api.paths") == []
