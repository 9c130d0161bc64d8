"""A later group that must bring an entry of the constructor's is told from one that cannot be."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome


class CountsInTheGroup(torch.optim.Optimizer):
    """Decaying steps; the constructor writes the counter into its groups beside the options."""

    entry = 0

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})
        for group in self.param_groups:
            group["step"] = self.entry

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            group["step"] += 1
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] / self.pace(group) * p.grad

    def pace(self, group):
        return 1.0


class CountsInRounds(CountsInTheGroup):
    """The count begins anew every five steps, as that of slow weights does."""

    def step(self, closure=None):
        super().step()
        for group in self.param_groups:
            group["step"] %= 5


class CountIsDocumented(CountsInTheGroup):
    """A group that is added later needs an entry ``step``, from which it counts."""


class SetsAPace(CountsInTheGroup):
    """What the constructor writes is a setting, and stays as it is."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * 0.5 ** group["step"] * p.grad


class CountsForAll(SetsAPace):
    """A setting too; a warm-down counts the steps of the first group for a later one."""

    count = 0

    def step(self, closure=None):
        self.count += 1
        rates = [group["lr"] for group in self.param_groups]
        for group in self.param_groups[1:]:
            group["lr"] /= self.count
        super().step()
        for group, rate in zip(self.param_groups, rates, strict=True):
            group["lr"] = rate


class ReadsAList(CountsInTheGroup):
    """A later group fails whatever it brings: what it needs is kept outside the groups."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.paces = {id(group["params"][0]): 1.0 for group in self.param_groups}

    def pace(self, group):
        return self.paces[id(group["params"][0])]


class StopsTheLater(CountsInTheGroup):
    """A later group that brings the counter never moves."""

    def pace(self, group):
        return 1.0 if group is self.param_groups[0] else float("inf")


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (CountsInTheGroup, Outcome.LIMIT),
        (CountsInRounds, Outcome.LIMIT),
        (CountIsDocumented, Outcome.CONVENTION),
        (SetsAPace, Outcome.CONVENTION),
        (CountsForAll, Outcome.LIMIT),
        (ReadsAList, Outcome.LIMIT),
        (StopsTheLater, Outcome.LIMIT),
    ],
)
def test_what_a_later_group_needs(kind, outcome):
    spec = OptimizerSpec(name=kind.__name__, factory=kind)
    report = check_optimizer(spec, on_fail=None, checks=["api.add-group"])
    assert report.outcome("api.add-group") is outcome
    if outcome is Outcome.CONVENTION:
        (result,) = report.results
        assert result.convention == {"a later group brings": "step=0"}
    if outcome is Outcome.LIMIT:
        (result,) = report.results
        assert "KeyError: 'step'" in result.message
        assert "# prints: KeyError" in result.snippet
