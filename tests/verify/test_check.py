"""What the runner refuses: too many decisions, unknown parts, runs that tested no domain."""

import numpy as np
import pytest
import torch

from lpfl.decide import Outcome
from lpfl.verify.check import ALPHA_TOTAL, LOOKS, MAX_SCENARIOS, check, findings_of
from lpfl.verify.expect import (
    Above,
    Below,
    ChiSquare,
    Greater,
    Near,
    Ordered,
    Rival,
    Same,
    Scale,
    Shown,
    UniformLaw,
)
from lpfl.verify.running.claim_run import ClaimRun
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding
from lpfl.verify.trial import Trial
from theory.claims import CLAIMS

TIGHT = rounding(torch.float64, dim=4)
WIDE = judgement(0.3, "a test of the test")
AXES = (
    Integers("input_dim", 4, 6),
    Integers("rank", 1, 2),
    Integers("output_dim", 2, 3),
    Reals("step_size", 0.1, 1.0),
    Reals("momentum", 0.1, 0.9),
)
SCENARIO = Scenario({"input_dim": 5, "rank": 1, "output_dim": 2, "step_size": 0.5, "momentum": 0.5})


def trial() -> Trial:
    return Trial(CLAIMS["LR-38"], SCENARIO, 0, 1e-8)


def confirmed(part: str) -> Same:
    return Same(part=part, measured=1.0, predicted=1.0, tolerance=TIGHT)


def samples(mean: float = 1.0) -> np.ndarray:
    return mean + 0.01 * np.random.default_rng(0).standard_normal(200)


def test_more_decisions_than_declared_are_refused() -> None:
    @check("LR-38", AXES, decisions=1)
    def greedy(trial: Trial):
        trial.admit(momentum=0.5, input_law="gaussian")
        for part in ("heavy_ball_sum", "heavy_ball_product"):
            yield Near(part=part, samples=samples(), predicted=1.0, tolerance=WIDE)

    with pytest.raises(ValueError, match="2 statistical decisions in one scenario, the check decl"):
        findings_of(greedy, trial())


def test_the_level_spent_in_a_run_stays_within_the_budget() -> None:
    """Every decision in every look at every scenario at its own level: the most that can be."""
    from lpfl.verify.check import alpha_per_decision

    for decisions in (1, 3, 10):
        alpha = alpha_per_decision(7, decisions)
        assert 7 * MAX_SCENARIOS * LOOKS * decisions * alpha == pytest.approx(ALPHA_TOTAL)


def test_a_finding_names_a_part_or_a_declared_extra() -> None:
    @check("LR-38", AXES)
    def stray(trial: Trial):
        trial.admit(momentum=0.5, input_law="gaussian")
        yield confirmed("floor")

    with pytest.raises(ValueError, match=r"findings name \['floor'\], needs one of"):
        findings_of(stray, trial())

    @stray.extra("floor")
    def _(trial: Trial):
        yield confirmed("floor")

    assert [finding.part for finding in findings_of(stray, trial())] == ["floor", "floor"]


def test_a_run_that_tested_no_domain_is_refused() -> None:
    @check("LR-38", AXES)
    def careless(trial: Trial):
        yield confirmed("heavy_ball_sum")

    with pytest.raises(LookupError, match="no run was admitted"):
        findings_of(careless, trial())


def test_the_domain_is_tested_on_the_facts_of_the_run() -> None:
    one = trial()
    with pytest.raises(ValueError, match="run outside the domain: assumption fails: Gaussian in"):
        one.admit(momentum=0.5, input_law="signs")


def test_a_part_never_confronted_keeps_a_claim_from_being_confirmed() -> None:
    @check("LR-38", AXES)
    def partial(trial: Trial):
        trial.admit(momentum=0.5, input_law="gaussian")
        yield confirmed("heavy_ball_sum")
        yield confirmed("heavy_ball_product")

    run, one = ClaimRun(CLAIMS["LR-38"]), trial()
    run.add(one, findings_of(partial, one))
    record = run.records()[-1]
    assert record["verdict"] == "inconclusive"
    assert record["worst"]["detail"].startswith("not confronted: heavy_ball_boundary, ")
    assert record["parts"]["heavy_ball_boundary"] == {"kind": "rate", "outcome": "not confronted"}


def test_pictures_and_extras_are_for_their_scenarios() -> None:
    @check("LR-38", AXES)
    def plain(trial: Trial):
        trial.admit(momentum=0.5, input_law="gaussian")
        yield Shown(
            confirmed("heavy_ball_sum"), table={"title": "t", "header": ["a"], "rows": [["b"]]}
        )

    other = Scenario({**SCENARIO, "rank": 2})

    @plain.extra("elsewhere", on=[other])
    def _(trial: Trial):
        yield confirmed("elsewhere")

    @plain.picture(on=[SCENARIO])
    def _(trial: Trial):
        return {"title": "p"}

    (finding,) = findings_of(plain, trial())
    assert finding.picture == {"title": "p"}
    assert finding.table is not None


@pytest.mark.parametrize(
    "build",
    [
        lambda: Same(part="a", measured=1, predicted=1, tolerance=1e-9),
        lambda: Below(part="a", measured=1, limit=1, tolerance=1e-9),
        lambda: Above(part="a", measured=1, least=1e-3),
        lambda: Greater(part="a", measured=2, limit=1, gap=1.0, tolerance=1e-9),
        lambda: Near(part="a", samples=[1], predicted=1, tolerance=0.1),
        lambda: Ordered(part="a", better=[1], worse=[1], slack=0.1),
        lambda: UniformLaw(part="a", transforms=[1], distance=0.1),
    ],
)
def test_a_bare_number_is_no_tolerance(build) -> None:
    with pytest.raises(TypeError, match="is a bare number, needs a Tolerance"):
        build()


@pytest.mark.parametrize(("value", "why"), [(-1.0, "w"), (float("nan"), "w"), (1.0, " ")])
def test_a_tolerance_needs_a_value_and_a_derivation(value: float, why: str) -> None:
    with pytest.raises(ValueError, match="tolerance="):
        Tolerance(value, "rounding", why)


def test_comparisons_carry_both_numbers_in_their_units() -> None:
    measured = np.array([[[3.0, 4.0]], [[3.0, 4.2]]])
    same = Same(part="a", measured=measured, predicted=[[3.0, 4.0]], tolerance=TIGHT, axes=2)
    verdict = same.decide(0.1)
    assert (verdict.outcome, verdict.predicted, verdict.measured) == (Outcome.REFUTED, 4.0, 4.2)
    ordered = Ordered(part="a", better=samples(2.0), worse=samples(1.0), slack=WIDE)
    assert ordered.decide(1e-6).outcome is Outcome.CONFIRMED
    assert ordered.decide(1e-6).predicted == pytest.approx(1.0, abs=0.01)
    law = ChiSquare(part="a", totals=np.full(400, 12.0), dof=12, scale=Scale(1.25, "w"), unit=12)
    assert law.decide(1e-6).predicted == 12
    assert law.decide(1e-6).measured == pytest.approx(12.0)


def test_a_mean_that_cannot_be_told_from_its_rival_is_inconclusive() -> None:
    near = {"part": "a", "samples": samples(), "predicted": 1.0, "tolerance": WIDE}
    assert Near(**near, rival=Rival("far", 5.0)).decide(1e-6).outcome is Outcome.CONFIRMED
    assert Near(**near, rival=Rival("close", 1.01)).decide(1e-6).outcome is Outcome.INCONCLUSIVE


def test_replicates_planned_by_a_scale_see_it() -> None:
    scale = Scale(1.25, "w")
    count = scale.replicates(1e-8, 10)
    law = ChiSquare(part="a", totals=np.full(count, 10.0), dof=10, scale=scale)
    assert law.decide(1e-8).outcome is Outcome.CONFIRMED
    fewer = ChiSquare(part="a", totals=np.full(count // 2, 10.0), dof=10, scale=scale)
    assert fewer.decide(1e-8).outcome is Outcome.INCONCLUSIVE
