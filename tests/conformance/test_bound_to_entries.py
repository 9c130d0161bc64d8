"""What is bound to entries, told or stands for another option: right optimizers and wrong twins."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome, worst
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.test_blocks import Blocks
from tests.conformance.test_grafts import ByHeartToAdaGrad, Shampoo
from tests.conformance.test_vectors_exempt import Lars


class ByColumns(Shampoo):
    """The columns' moments are divided out entry by entry: no graft makes that a rotation's."""

    def direction(self, g, mean, s, o):
        s["d"] = s.get("d", 0.0) + g * g
        return mean / (s["d"] + o["eps"]).sqrt()


class LargestEntry(Shampoo):
    """The steps of "sgd" are as long as the largest entry of the gradient."""

    def length(self, graft, g, s, o):
        return g.abs().max() if graft == "sgd" else super().length(graft, g, s, o)


class FirstRowTwice(Shampoo):
    """The order of rows matters, which no graft explains."""

    def direction(self, g, mean, s, o):
        u = super().direction(g, mean, s, o)
        u[:1] *= 2
        return u


class ByHeartByColumns(ByHeartToAdaGrad):
    direction = ByColumns.direction


class Small(Blocks, block_size=4):
    """Blocks of four a side."""


class SmallByEntries(Small):
    def of_block(self, g, state, i, group):
        state[i] = state.get(i, 0.0) + g * g
        return g / (state[i] + group["eps"]).sqrt()


def judged(kind, check, *claims, **options):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(claims), options=options)
    results = check_optimizer(spec, checks=[check], on_fail=None, quick=True).results
    if check == "def.graft":
        results = [r for r in results if "graft='sgd'" in r.message]
    return worst(r.outcome for r in results), " ".join(r.message for r in results)


@pytest.mark.parametrize(
    ("kind", "graft", "outcome", "words"),
    [
        (Shampoo, "adagrad", Outcome.VARIANT, "with graft='none' it is"),
        (Shampoo, "sgd", Outcome.CONFORMS, ""),
        (ByHeartToAdaGrad, None, Outcome.VARIANT, "to the length of AdaGrad's step"),
        (Small, None, Outcome.VARIANT, "with block_size=10000 it is"),
        (ByColumns, "adagrad", Outcome.DEVIATES, "rotated"),
        (FirstRowTwice, "adagrad", Outcome.DEVIATES, "shampoo must not feel it"),
        (ByHeartByColumns, None, Outcome.DEVIATES, "rotated"),
        (SmallByEntries, None, Outcome.DEVIATES, "rotated"),
    ],
)
def test_rotations_are_felt_by_grafted_lengths_and_blocks(kind, graft, outcome, words):
    options = {} if graft is None else {"graft": graft}
    found, said = judged(kind, "inv.fingerprint", "shampoo", **options)
    assert (found, words in said) == (outcome, True), said


class LikeSgd(Lars, always_adapt=False):
    """Biases and norms are exempt from decay and from the trust ratio.

    Without weight decay no weight has a ratio, unless always_adapt is set.
    """

    def update(self, p, g, state, group):
        decay = 0.0 if p.ndim < 2 else group["weight_decay"]
        trust = 1.0
        if p.ndim > 1 and (decay or group["always_adapt"]) and p.norm() > 0 and g.norm() > 0:
            trust = group["trust_coefficient"] * p.norm() / (g.norm() + decay * p.norm())
        v = state.get("v", 0 * g)
        state["v"] = group["momentum"] * v + group["lr"] * trust * (g + decay * p)
        p -= state["v"]


class NoRatioAtAll(LikeSgd):
    """Biases and norms are exempt from decay and from the trust ratio."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(LikeSgd, Outcome.CONVENTION), (NoRatioAtAll, Outcome.DEVIATES)],
)
def test_an_exponent_is_that_of_the_documented_reading(kind, outcome):
    found, said = judged(kind, "def.scale", "lars")
    assert found is outcome, said


class Averaged(Shampoo, lr=0.01, smoothing=0.9, graft="sgd"):
    """Grafted to the average of gradients: as long as that, for "sgd"; "none" as it comes."""

    weight = 1.0

    def update(self, p, g, s, o):
        s["a"] = o["smoothing"] * s.get("a", 0.0) + (1 - o["smoothing"]) * g
        super().update(p, g, s, {**o, "betas": (0.0, 0.9)})

    def length(self, graft, g, s, o):
        return s["a"].norm() ** self.weight if graft == "sgd" else None


class AveragedRoot(Averaged):
    weight = 0.5


class Rises(Shampoo, lr=0.1, graft="sgd"):
    """Grafted to "sgd", "none" as it comes."""

    def length(self, graft, g, s, o):
        return self.size(g, s) * s["t"] / o.get("warmup", 20) if graft == "sgd" else None

    def size(self, g, s):
        return g.norm()


class Scheduled(Rises, warmup=20):
    """Rises linearly over the warm-up."""


class ScheduledBySize(Scheduled):
    """The factor follows the largest gradient of the past: no schedule."""

    def size(self, g, s):
        s["most"] = max(s.get("most", 0.0), float(g.norm()))
        return s["most"]


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (Averaged, Outcome.CONVENTION, "of an average of gradients, 0.9 of the past"),
        (LargestEntry, Outcome.DEVIATES, "not grafted to SGD's"),
        (AveragedRoot, Outcome.DEVIATES, "not grafted to SGD's"),
        (Scheduled, Outcome.CONVENTION, "a schedule"),
        (Rises, Outcome.INCONCLUSIVE, "a schedule of which it says nothing"),
        (ScheduledBySize, Outcome.DEVIATES, "not grafted to SGD's"),
    ],
)
def test_lengths_of_averages_and_schedules_are_no_fault(kind, outcome, words):
    found, said = judged(kind, "def.graft")
    assert (found, words in said) == (outcome, True), said


class AveragedSgd(PerParameter, lr=0.1, momentum=0.9, dampening=None):
    """A dampening of None stands for the momentum: weights of all gradients sum to 1."""

    def update(self, p, g, state, group):
        damp = self.of_none(group) if group["dampening"] is None else group["dampening"]
        old = state.get("b")
        state["b"] = g.clone() if old is None else group["momentum"] * old + (1 - damp) * g
        p -= group["lr"] * state["b"]

    def of_none(self, group):
        return group["momentum"]


class NotDampened(AveragedSgd):
    def of_none(self, group):
        return 0.0


class HalfDampened(AveragedSgd):
    def of_none(self, group):
        return group["momentum"] / 2


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (AveragedSgd, Outcome.CONVENTION, "dampening=None: the value of momentum"),
        (NotDampened, Outcome.CONFORMS, ""),
        (HalfDampened, Outcome.DEVIATES, "not for default options"),
    ],
)
def test_a_dampening_of_none_may_stand_for_momentum(kind, outcome, words):
    found, said = judged(kind, "def.trajectory", "momentum")
    assert (found, words in said) == (outcome, True), said
