"""Vectors that LARS leaves undecayed: a variant if it is said, another rule if it is not."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class Lars(PerParameter, lr=0.1, momentum=0.9, weight_decay=1e-2, trust_coefficient=1e-3):
    """Layer-wise rates."""

    exempt = ""

    def update(self, p, g, state, group):
        plain = self.exempt and p.ndim < 2
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
    ],
)
def test_vectors_without_decay_must_be_said(kind, outcome, words):
    spec = OptimizerSpec(kind.__name__, kind, claims={"lars"})
    (result,) = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True).results
    assert result.outcome is outcome, result.message
    assert words in result.message
    assert bool(result.snippet) == (outcome is Outcome.DEVIATES)
