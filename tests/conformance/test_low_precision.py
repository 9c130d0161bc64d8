"""The way in bfloat16 and float16 against that in float32."""

import pytest
import torch

from tests.conformance.faulty_counts import BySize, BySumOfSquares
from tests.conformance.faulty_paths import BetasOfTheWeights, FineMoments, SquaresFirst
from tests.conformance.reported.per_parameter import PerParameter, orthogonal
from tests.conformance.twin_answers import judged, require_apart

BRAIN, HALF = "api.bfloat16", "api.float16-sizes"


class Orthogonalized(PerParameter, lr=0.02, momentum=0.95, nesterov=True):
    """Muon whose matrices are made orthogonal in bfloat16, in place."""

    def update(self, p, g, state, group):
        average = state.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - group["momentum"])
        used = g.lerp(average, group["momentum"]) if group["nesterov"] else average
        matrix = self.narrow(used).view(len(p), -1)
        matrix.div_(matrix.norm().clamp(min=1e-7))
        p.sub_(orthogonal(matrix).view_as(p).to(p.dtype), alpha=group["lr"])

    def narrow(self, used):
        return used.to(torch.bfloat16, copy=True)


class SharesItsAverage(Orthogonalized):
    """What is bfloat16 already is not copied."""

    def narrow(self, used):
        return used.bfloat16()


class Masters(PerParameter, lr=0.1, weight_decay=0.0):
    """Gradient descent on a copy in single precision."""

    def decayed(self, p, master):
        return master

    def update(self, p, g, state, group):
        master = state.setdefault("master", p.float()) if p.dtype == torch.bfloat16 else p
        self.decayed(p, master).mul_(1 - group["lr"] * group["weight_decay"])
        p.copy_(master.sub_(g.to(master.dtype), alpha=group["lr"]))


class DecaysTheCopy(Masters):
    """The decay is of the weights, which the copy overwrites."""

    def decayed(self, p, master):
        return p


PAIRS = [
    (BRAIN, Masters, DecaysTheCopy, "numerics", "weight_decay=3.0"),
    (BRAIN, FineMoments, BetasOfTheWeights, "numerics", "0.5"),
    (BRAIN, Orthogonalized, SharesItsAverage, "numerics", "nesterov=False"),
    (HALF, FineMoments, SquaresFirst, "numerics", "gradients x 0.0001"),
    ("api.float16-norms", BySize, BySumOfSquares, "numerics", "9e+04 together"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


def test_state_in_float16_is_graded_as_that_of_torch():
    answer, said, _ = judged(torch.optim.Adam, HALF)
    assert answer == "documented variant"
    assert "torch's own Adam" in said


def test_norms_of_small_weights_are_compared_too():
    class Large(BySumOfSquares):
        def size(self, x):
            return float(x.norm()) if x.numel() > 1024 else super().size(x)

    answer, said, _ = judged(Large, "api.float16-norms")
    assert (answer, "entries of size 0.0001" in said) == ("numerics", True)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
def test_rounding_to_bfloat16_is_not_accused(kind):
    assert judged(kind, BRAIN)[0] == "conforms"
