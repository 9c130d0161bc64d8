"""SI-20: frozen factors, with infinite data for the gradient and with one batch."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from lpfl.linalg.damped import damped_solve
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import sizes
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import factors, functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import finite_size, judgement, truncation
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of
from theory.single_index import mixture_alignment

AVERAGE_ASPECT = 0.1  # d/n of the batches of an average, small enough for its leading order

LOST = judgement(0.1, "10 % of the correlation lost, a fifth of the way to the nearest rival")
LOST_SPREAD = 1.6  # of the lost correlation over d/n_f, times sqrt(d): 1.3 to 1.4 seen beforehand
LARGE = setup.scenario(192, n=1920, frozen_aspect=0.4, average_decay=0.5)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add d/n of the frozen factor, after rounding its number of rows."""
    return {**setup.facts(scenario), "frozen_aspect": setup.aspect(scenario, "frozen_aspect")}


@check(
    "SI-20",
    (
        setup.INPUT_DIM,
        setup.COVARIANCE,
        Reals("aspect", 0.05, 0.4, log=True),
        setup.LINK,
        setup.NOISE_STD,
        Reals("frozen_aspect", 0.05, 0.4, log=True),
        Reals("average_decay", 0.1, 0.7),
    ),
    anchors=(
        setup.scenario(80, n=800, frozen_aspect=0.4, average_decay=0.5),
        setup.scenario(
            80,
            n=400,
            covariance=setup.two_atom(80, 0.8, "haar"),
            frozen_aspect=0.2,
            average_decay=0.1,
        ),
    ),
    large=(LARGE,),
    decisions=4 + sizes.DECISIONS,
    facts=facts,
)
def frozen(trial: Trial) -> Iterator[Comparison]:
    """Invert a factor of n_f rows on the population's gradient, and on that of n rows."""
    at, known = trial.scenario, setup.limits(trial.scenario)
    still = setup.aspect(at, "frozen_aspect")
    limit = setup.predicted(trial, "cap", frozen_aspect=still)
    capped = setup.predicted(trial, "capped", frozen_aspect=still)
    weighted = setup.predicted(trial, "correlation_cap", frozen_aspect=still)
    less = mixture_alignment(
        shares=[0.0, 1.0], aspects=[known["aspect"], still], damping=0.0, **known
    )
    per_batch = round(at.input_dim / AVERAGE_ASPECT)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        rows = setup.batch_size(at, "frozen_aspect")
        factor = factors.unlabelled(trial, problem, block, rows, "frozen")
        setup.admit(trial, problem, batch.n, frozen_aspect=problem.dim / rows)
        average = factors.long_run_average(
            trial, problem, block, n=per_batch, decay=at.average_decay, name="average"
        )
        cap, worth = (endless(problem, Q) for Q in (factor, average.mean))
        beta = directions.factor_direction(batch, factor)
        return {
            "cap": compare.signed(trial, cap, problem),
            "weighted": compare.signed(trial, cap, problem, weighted=True),
            "less": compare.signed(trial, beta, problem),
            "worth": 1.0 - compare.signed(trial, worth, problem, weighted=True),
        }

    lost = finite_size(4.0 / at.input_dim * still / (1.0 - still), "4/d of d/n_f") + judgement(
        LOST.value * still, LOST.why
    )
    replicates = max(
        compare.replicates_for_limits(trial, limit),
        compare.replicates_for(trial, lost.value, spread=LOST_SPREAD * still),
    )
    seen = setup.replicated(trial, replicates, measure)
    rivals = {
        "no cap": 1.0,
        "the gradient's own batch": alignment_of("kfac", damping=0.0, **known),
    }
    allowed = compare.margin(at, limit).times(
        1.0 / (1.0 - still), "over 1 - d/n_f, by which an inverse without damping fluctuates"
    )
    yield compare.near(trial, "cap", seen["cap"], limit, rivals=rivals, tolerance=allowed)
    yield compare.near(
        trial,
        "correlation_cap",
        seen["weighted"],
        weighted,
        rivals={"no cap": 1.0, "a twice as large factor": 1.0 - still / 2.0},
        tolerance=lost,
    )
    yield compare.ordered(trial, "capped", seen["cap"], seen["less"], capped - less)
    worth = setup.predicted(
        trial, "average", aspect=at.input_dim / per_batch, average_decay=at.average_decay
    )
    # 1 - d/n_eff enters twice, and a twentieth of the start leaves its square in the energy
    order = truncation(2.0 * worth * AVERAGE_ASPECT, "2 d/n of it, the next order")
    yield compare.near(
        trial,
        "average",
        seen["worth"],
        worth,
        rivals={"one batch": AVERAGE_ASPECT, "exact covariance": 0.0},
        tolerance=order + finite_size(4.0 / at.input_dim * worth, "4/d of it"),
    )

    yield functions.any_spectrum(trial, "cap", partial(cap_of, trial, still))


frozen.extra("decay", on=(LARGE,))(sizes.follow(frozen, sizes.Law("cap")))


def cap_of(trial: Trial, still: float, unit: float, **at: Any) -> float:
    """Return the printed cap for another spectrum; no damping has a unit."""
    del unit
    return setup.predicted(trial, "cap", frozen_aspect=still, **at)


def endless(problem: model.SingleIndexProblem, factor: Tensor) -> Tensor:
    """Return Q^-1 S beta* (R, d): the direction with infinite data for the gradient, over c1."""
    right: Tensor = model.times_covariance(problem.teacher, problem.covariance)
    return damped_solve(factor, right, damping=0.0)
