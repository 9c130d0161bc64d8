"""Where LARS takes no ratio, for vectors or without decay: a variant only if it is said."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class Lars(PerParameter, lr=0.1, momentum=0.9, weight_decay=1e-2, trust_coefficient=1e-3):
    """Layer-wise rates."""

    exempt = ""
    always = True

    def update(self, p, g, state, group):
        plain = self.exempt and p.ndim < 2
        plain = plain or not (self.always or group["weight_decay"])
        decay = 0.0 if self.exempt == "from both" and plain else group["weight_decay"]
        size = g.norm() + decay * p.norm()
        trust = 1.0
        if not plain and p.norm() > 0 and g.norm() > 0:
            trust = group["trust_coefficient"] * p.norm() / size
        v = state.get("v", 0 * g)
        state["v"] = group["momentum"] * v + group["lr"] * trust * (g + decay * p)
        p -= state["v"]


class NoRatio(Lars):
    exempt = "from the ratio"


class NeitherUnsaid(Lars):
    exempt = "from both"


class NeitherSaid(NeitherUnsaid):
    """Layer-wise rates; biases and norms are excluded from decay and from the trust ratio."""


class PlainUnsaid(Lars, weight_decay=0.0):
    always = False


class PlainSaid(PlainUnsaid):
    """Layer-wise rates; without weight decay no trust ratio is applied."""


class PlainWarned(PlainUnsaid):
    """Layer-wise rates.

    Parameters with weight decay set to 0 will be excluded from layer-wise scaling.
    """


class NeitherByOption(NeitherUnsaid, exclude_bias_n_norm=True):
    pass


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (Lars, Outcome.CONFORMS, ""),
        (NoRatio, Outcome.VARIANT, "vectors: no trust ratio"),
        (NeitherSaid, Outcome.VARIANT, "vectors: no trust ratio and no decay"),
        (NeitherByOption, Outcome.VARIANT, "vectors: no trust ratio and no decay"),
        (NeitherUnsaid, Outcome.DEVIATES, "another rule (vectors: no trust ratio and no decay)"),
        (PlainSaid, Outcome.VARIANT, "without weight decay: no trust ratio"),
        (PlainWarned, Outcome.VARIANT, "without weight decay: no trust ratio"),
        (PlainUnsaid, Outcome.DEVIATES, "another rule (without weight decay: no trust ratio)"),
    ],
)
def test_what_goes_without_a_ratio_must_be_said(kind, outcome, words):
    spec = OptimizerSpec(kind.__name__, kind, claims={"lars"})
    (result,) = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True).results
    assert result.outcome is outcome, result.message
    assert words in result.message
    assert bool(result.snippet) == (outcome is Outcome.DEVIATES)
