"""A state that differs in the last digits after loading is no lost state."""

import torch

from lpfl import check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class Watches(PerParameter, lr=0.05):
    """Keeps sums of gradients in float32, for the next rate; loading makes them float64."""

    def update(self, p, g, state, group):
        row = state.setdefault("row", torch.zeros(g.shape, dtype=torch.float32))
        row.sub_(row.mean()).add_(g.to(row.dtype))
        row.flatten()[0] -= 0.999999 * row.flatten()[0]  # hardly anything but rounding is left
        p -= group["lr"] * g


def test_rounding_of_the_state_is_not_called_a_loss():
    """Entries that cancel differ by more than 1e-6 of themselves: PSGDKron of a package."""
    report = check_optimizer(Watches, on_fail=None, checks=["api.resume"], quick=True)
    assert report.outcome("api.resume") is Outcome.CONFORMS


class Forgets(PerParameter, lr=0.05):
    """Keeps sums where state_dict() does not find them, and copies them to the state."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.sums = {}

    def update(self, p, g, state, group):
        self.sums[p] = self.sums.get(p, 0.0) + g
        state["sum"] = self.sums[p].clone()
        p -= group["lr"] * g


def test_a_loss_is_still_a_limit():
    report = check_optimizer(Forgets, on_fail=None, checks=["api.resume"], quick=True)
    (result,) = [r for r in report.results if r.outcome is Outcome.LIMIT]
    assert "its state does not: sum" in result.message
    assert result.snippet


class Scales(PerParameter, lr=0.05):
    """Divides by an average of lengths in single precision, which loading widens."""

    def length(self, p, g, state):
        return g.norm()

    def update(self, p, g, state, group):
        mean = state.setdefault("mean", torch.ones((), dtype=torch.float32))
        mean.mul_(0.5).add_(0.5 * self.length(p, g, state).to(mean.dtype))
        p -= group["lr"] * g / mean


class ScalesByTheLast(Scales):
    """Takes the length of the step before, which lies where no checkpoint holds it."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.last = {}

    def length(self, p, g, state):
        length = self.last.get(p, torch.zeros(()))
        self.last[p] = g.norm()
        return length


def test_numbers_that_loading_only_widens_excuse_no_loss():
    right, wrong = (
        check_optimizer(kind, on_fail=None, checks=["api.resume"], quick=True)
        for kind in (Scales, ScalesByTheLast)
    )
    assert right.outcome("api.resume") is Outcome.NUMERICS
    assert wrong.outcome("api.resume") is Outcome.DEVIATES
