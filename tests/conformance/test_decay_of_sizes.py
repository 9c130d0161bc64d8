"""Weight decay reaches weights of every size, and a strong one may pass zero."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_layers as faulty
from tests.conformance.faulty_more import ConstantDecay
from tests.conformance.faulty_small import Sgd


class Strong(Sgd, weight_decay=0.0):
    """Decay in the gradient, through a preconditioner that magnifies it."""

    def update(self, p, g, state, group):
        p -= group["lr"] * 500 * (g + group["weight_decay"] * p)


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (faulty.DecaysAll, "conforms", "by the factor"),
        (faulty.SparesMatrices, "limit", "and 0 of one of 7 x 5, beside a gradient too."),
        (faulty.SparesOnPurpose, "documented variant", "its documentation speaks"),
        (faulty.ByItsGradient, "conforms", "by the factor"),
        (Strong, "conforms", "with weight_decay=0.001"),
        (ConstantDecay, "deviates", "growth of a weight"),
    ],
)
def test_decay_is_judged_by_direction_and_size(kind, outcome, words):
    report = check_optimizer(OptimizerSpec("s", kind), on_fail=None, checks=["api.decay"])
    said = " ".join(r.message for r in report.results)
    assert (str(report.outcome("api.decay")), words in said) == (outcome, True), said
    assert outcome not in ("deviates", "limit") or report.results[0].snippet
