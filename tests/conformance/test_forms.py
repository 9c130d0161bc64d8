"""Options that choose a form of Muon or Scion: each value is judged, not the default alone."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter, orthogonal


class Muon(PerParameter, lr=0.02, momentum=0.95, use_adjusted_lr=False):
    """A factor of 0.2 sqrt(max(m, n)) where that is asked for."""

    def update(self, p, g, state, group):
        if p.ndim < 2:
            return
        m = state.setdefault("m", 0.0 * g).lerp_(g, 1 - group["momentum"])
        matrix = m.flatten(1)
        kind = self.adjusted if group["use_adjusted_lr"] else self.usual
        p -= group["lr"] * kind(*matrix.shape) * orthogonal(matrix).reshape(p.shape)

    def usual(self, m, n):
        return max(1.0, m / n) ** 0.5

    def adjusted(self, m, n):
        return 0.2 * max(m, n) ** 0.5


class BySmallerSide(Muon):
    def adjusted(self, m, n):
        return 0.2 * min(m, n) ** 0.5


class NeverAdjusted(Muon):
    def adjusted(self, m, n):
        return self.usual(m, n)


class Scion(PerParameter, lr=0.02, momentum=0.9, unconstrained=False):
    """Steps in the spectral ball; ``unconstrained`` leaves out the pull towards it."""

    def update(self, p, g, state, group):
        m = state.setdefault("m", 0.0 * g).lerp_(g, 1 - group["momentum"])
        if not self.loose(group):
            p *= 1 - group["lr"]
        if p.ndim < 2:
            p -= group["lr"] * m / m.square().mean().sqrt()
            return
        matrix = m.flatten(1)
        factor = (matrix.shape[0] / matrix.shape[1]) ** 0.5
        p -= group["lr"] * factor * orthogonal(matrix).reshape(p.shape)

    def loose(self, group):
        return group["unconstrained"]


class AlwaysPulled(Scion):
    def loose(self, group):
        return False


class NeverPulled(Scion):
    def loose(self, group):
        return True


def judged(kind, claim):
    """Return the answer about a claim, and those about forms of it that are wrong."""
    spec = OptimizerSpec(kind.__name__, kind, claims={claim})
    report = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True)
    answer, *wrong = report.results
    assert answer.outcome in (Outcome.CONFORMS, Outcome.CONVENTION, Outcome.VARIANT)
    return answer, wrong


@pytest.mark.parametrize(
    ("kind", "claim", "said"),
    [
        (Muon, "muon", ["With use_adjusted_lr=True: Every step is muon's"]),
        (Scion, "scion", ["With unconstrained=True: Every step is scion's"]),
        (
            torch.optim.Muon,
            "muon",
            [f"With adjust_lr_fn={name!r}: Every" for name in ("match_rms_adamw", "original")],
        ),
    ],
)
def test_the_form_that_an_option_asks_for_is_judged_too(kind, claim, said):
    answer, wrong = judged(kind, claim)
    assert wrong == []
    forms = answer.details["forms"]
    assert [a.startswith(b) for a, b in zip(forms, said, strict=True)] == [True] * len(said), forms


@pytest.mark.parametrize(
    ("kind", "claim", "words"),
    [
        (BySmallerSide, "muon", "With use_adjusted_lr=True: "),
        (NeverAdjusted, "muon", "With use_adjusted_lr=True: "),
        (AlwaysPulled, "scion", "With unconstrained=True: "),
        (NeverPulled, "scion", "With unconstrained=False: "),
    ],
)
def test_a_form_that_an_option_gets_wrong_is_told_with_a_program(kind, claim, words):
    _, (wrong,) = judged(kind, claim)
    assert wrong.outcome is Outcome.DEVIATES
    assert wrong.message.startswith(words)
    assert wrong.snippet
