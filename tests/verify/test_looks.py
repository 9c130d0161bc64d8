"""The second look: when it is taken, what it draws, what it may decide."""

from dataclasses import fields

import numpy as np
import pytest

from lpfl.decide import Outcome
from lpfl.verify.check import check, findings_of, worst
from lpfl.verify.expect import Near, Rival, Same
from lpfl.verify.registry import CHECKS
from lpfl.verify.running.looks import EFFORT, SECOND, look
from lpfl.verify.running.runner import make_trial
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import judgement
from lpfl.verify.trial import Trial
from theory.claims import CLAIMS

AXES = (
    Integers("input_dim", 4, 6),
    Integers("rank", 1, 2),
    Integers("output_dim", 2, 3),
    Reals("step_size", 0.1, 1.0),
    Reals("momentum", 0.1, 0.9),
)
SCENARIO = Scenario({"input_dim": 5, "rank": 1, "output_dim": 2, "step_size": 0.5, "momentum": 0.5})
# Read from the first block of replicates only, whose size is that of the memory.
FIRST_BLOCK = ("fixed_point", "head", "mean_of_two", "noise_of_two", "endless")
PILOT = ("LR-17",)  # a pilot of each look's own truth plans its replicates
TOLERANCE = judgement(0.1, "a test of the test")


def trial(effort: int = 1) -> Trial:
    return Trial(CLAIMS["LR-38"], SCENARIO, 0, 1e-6, effort=effort)


def noisy(spread: float, mean: float = 1.0, planned: int = 64):
    """Return a check of a mean of ``planned`` normal numbers, and the efforts it was asked for."""
    efforts: list[int] = []

    @check("LR-38", AXES, decisions=1)
    def one(trial: Trial):
        efforts.append(trial.effort)
        trial.admit(momentum=0.5, input_law="gaussian")
        rng = np.random.default_rng(trial.integer_seed("numbers"))
        samples = mean + spread * rng.standard_normal(trial.replicates(planned))
        rival = Rival("twice as much", 2.0)
        yield Near(
            part="heavy_ball_sum", samples=samples, predicted=1.0, tolerance=TOLERANCE, rival=rival
        )

    return one, efforts


def test_an_open_scenario_is_looked_at_once_more_with_more_replicates() -> None:
    one, efforts = noisy(spread=0.18)
    (finding,) = look(one, trial())
    assert efforts == [1, EFFORT]
    assert finding.verdict.outcome is Outcome.CONFIRMED
    assert finding.verdict.replicates == EFFORT * 64
    assert finding.verdict.detail.endswith(SECOND)


def test_a_decided_scenario_is_looked_at_once() -> None:
    for mean in (1.0, 3.0):
        one, efforts = noisy(spread=0.01, mean=mean)
        (finding,) = look(one, trial())
        assert efforts == [1]
        assert SECOND not in finding.verdict.detail


def test_the_second_look_may_stay_open() -> None:
    one, efforts = noisy(spread=5.0)
    (finding,) = look(one, trial())
    assert efforts == [1, EFFORT]
    assert finding.verdict.outcome is Outcome.INCONCLUSIVE


def test_what_is_not_statistical_is_not_looked_at_again() -> None:
    """Rounding that is too coarse does not shrink with replicates."""
    efforts: list[int] = []

    @check("LR-38", AXES)
    def coarse(trial: Trial):
        efforts.append(trial.effort)
        trial.admit(momentum=0.5, input_law="gaussian")
        tolerance = judgement(0.5, "coarser than an identity may be")
        yield Same(part="heavy_ball_sum", measured=1.0, predicted=1.0, tolerance=tolerance)

    assert worst(look(coarse, trial())).verdict.outcome is Outcome.INCONCLUSIVE
    assert efforts == [1]


def test_the_looks_have_streams_of_their_own() -> None:
    first, second = trial(), trial(EFFORT)
    assert first.integer_seed("a") != second.integer_seed("a")
    assert not np.array_equal(
        first.stream("a").get_state().numpy(), second.stream("a").get_state().numpy()
    )


class Short(Trial):
    """A trial of an eighth of the replicates: only how many are drawn is asked here."""

    def replicates(self, planned: int) -> int:
        return max(16, planned // 8) * self.effort


def shortened(plain: Trial, effort: int) -> Trial:
    values = {field.name: getattr(plain, field.name) for field in fields(Trial)}
    return Short(**{**values, "effort": effort, "memory": {}})


@pytest.mark.parametrize(
    "claim_id", [name for name, one in CHECKS.items() if one.decisions and name not in PILOT]
)
def test_every_check_draws_more_in_a_second_look(claim_id: str) -> None:
    """Otherwise the second look would be the first one again."""
    one = CHECKS[claim_id]
    scenario = [*one.space.anchors, *one.space.sobol(1, 0)][0]
    plain = make_trial(claim_id, scenario, seed=0)
    first, second = (
        {
            finding.name: finding.verdict.replicates
            for finding in findings_of(one, shortened(plain, effort))
            if finding.verdict.alpha > 0.0
        }
        for effort in (1, 2)
    )
    assert first.keys() == second.keys()
    same = [name for name in first if second[name] <= first[name]]
    assert [name for name in same if name.split(":")[0] not in FIRST_BLOCK] == []
