"""SI-21, SI-22: powers of the same batch's covariance and of the exact one."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy import optimize
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.setups import sizes
from lpfl.verify.setups.exact import exact_scalar
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import finite_size, judgement, truncation
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of
from theory.single_index import (
    exponent_alignment,
    optimal_damping,
    population_whitening_alignment,
)
from theory.single_index.variants.exponent import filter_means

NEVER_SMALLER = 1e-4
EXPONENT = Reals("factor_exponent", 0.2, 1.5)
DAMPING = Reals("damping", 0.03, 3.0, log=True, easy="high")
HIGHEST = 1.5  # exponents above 1 only lose
SLOPE_STEP = 0.5  # exponents on either side of the best one, between which a slope is taken
PEAK_REPLICATES = 1500
PEAK = judgement(0.15, "the exponent is 0.3 or more below 1 at the anchor")
# Condition 3, noisy labels: the best exponent of the exact covariance is clearly below 1.
MOVED = setup.scenario(
    120,
    n=1200,
    covariance=setup.two_atom(120, 0.5),
    link="he12",
    noise_std=1.0,
    factor_exponent=0.7,
    damping=0.1,
)
ANCHORS = (
    setup.scenario(80, n=160, factor_exponent=0.5, damping=0.1),
    setup.scenario(
        80,
        n=160,
        covariance=setup.two_atom(80, 0.8, "haar"),
        link="he12",
        factor_exponent=0.75,
        damping=0.03,
    ),
)
LARGE = setup.scenario(192, n=384, factor_exponent=0.5, damping=0.1)


def best_exponent(factor: str, **known: object) -> float:
    """Return the exponent of largest limit without damping."""

    def loss(p: float) -> float:
        return -exponent_alignment(exponent=p, factor=factor, **known)  # type: ignore[arg-type]

    found = optimize.minimize_scalar(loss, bounds=(0.0, HIGHEST), method="bounded")
    return float(found.x)


@check(
    "SI-21",
    (
        setup.INPUT_DIM,
        setup.COVARIANCE,
        Reals("aspect", 0.1, 0.6, log=True),
        setup.LINK,
        setup.NOISE_STD,
        EXPONENT,
        DAMPING,
    ),
    anchors=ANCHORS,
    large=(LARGE,),
    decisions=5 + sizes.DECISIONS,
    facts=setup.facts,
)
def same_batch(trial: Trial) -> Iterator[Comparison]:
    """A drawn exponent with damping; the exponents 1/2 and 1, and the best one, without."""
    at, known = trial.scenario, setup.limits(trial.scenario)
    p, damping = float(at.factor_exponent), float(at.damping)
    shape = {"spectrum": known["spectrum"], "aspect": known["aspect"], "exponent": p}
    limit = setup.predicted(trial, "alignment", **filter_means(damping=damping, **shape))
    means = filter_means(damping=damping, weight="covariance", **shape)
    weighted = setup.predicted(trial, "correlation", **means)
    tuned = best_exponent("same_batch", **known)
    labels = {name: known[name] for name in ("aspect", "c1", "residual_var")}
    best = max(optimal_damping(**labels), NEVER_SMALLER)
    at_best = alignment_of("kfac", damping=best, **known)
    share = setup.predicted(trial, "tuned", alignment_at_best_damping=at_best)
    half = filter_means(damping=0.0, **{**shape, "exponent": 0.5})
    sign = setup.predicted(trial, "half_or_one", **half)
    undamped = {x: exponent_alignment(exponent=x, **known) for x in (0.5, 1.0, tuned)}

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n, damping=damping)
        Q = batch.second_moment
        (drawn,) = directions.power_directions(batch, Q, [p], damping=damping)
        powers = directions.power_directions(batch, Q, [0.5, 1.0, tuned])
        found = dict(zip(("half", "one", "tuned"), powers, strict=True)) | {"drawn": drawn}
        found["best"] = directions.kfac_direction(batch, damping=best)
        seen = {name: compare.signed(trial, beta, problem) for name, beta in found.items()}
        seen["weighted"] = compare.signed(trial, drawn, problem, weighted=True)
        return seen

    replicates = max(
        compare.replicates_for_limits(trial, limit, weighted), compare.replicates_for_order(trial)
    )
    seen = setup.replicated(trial, replicates, measure)
    rivals = {
        "exponent 1": alignment_of("kfac", damping=damping, **known),
        "SGD": alignment_of("sgd", **known),
        "the exact covariance": exponent_alignment(
            exponent=p, damping=damping, factor="population", **known
        ),
    }
    yield compare.near(trial, "alignment", seen["drawn"], limit, rivals=rivals)
    yield compare.near(trial, "correlation", seen["weighted"], weighted, rivals={"plain": limit})
    better, worse = ("half", "one") if sign > 0 else ("one", "half")
    gap = abs(undamped[0.5] - undamped[1.0])
    yield compare.ordered(
        trial, "half_or_one", seen[better], seen[worse], gap, label=f"exponent {better}"
    )
    part = share / at_best
    yield compare.ordered(
        trial, "tuned", seen["tuned"], part * seen["best"], undamped[tuned] - share
    )


@check(
    "SI-22",
    (*setup.AXES, EXPONENT, DAMPING),
    anchors=(*ANCHORS, MOVED),
    large=(LARGE,),
    decisions=4 + sizes.DECISIONS,
    facts=setup.facts,
)
def exact_covariance(trial: Trial) -> Iterator[Comparison]:
    """A drawn power of the exact covariance, with damping and without."""
    yield exact_scalar(trial, "as_damping")
    at, known = trial.scenario, setup.limits(trial.scenario)
    p, damping = float(at.factor_exponent), float(at.damping)
    limit = {x: setup.predicted(trial, "alignment", damping=x) for x in (damping, 0.0)}
    weighted = setup.predicted(trial, "correlation", damping=damping)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n, damping=damping)
        S = setup.covariance(trial)
        (damped,) = directions.power_directions(batch, S, [p], damping=damping)
        (plain,) = directions.power_directions(batch, S, [p])
        return {
            "damped": compare.signed(trial, damped, problem),
            "plain": compare.signed(trial, plain, problem),
            "weighted": compare.signed(trial, damped, problem, weighted=True),
        }

    replicates = compare.replicates_for_limits(trial, *limit.values(), weighted)
    seen = setup.replicated(trial, replicates, measure)
    rivals = {
        "SGD": alignment_of("sgd", **known),
        "exponent 1": setup.predicted(trial, "alignment", factor_exponent=1.0),
        "the same batch": exponent_alignment(exponent=p, damping=damping, **known),
    }
    yield compare.near(trial, "alignment", seen["damped"], limit[damping], rivals=rivals)
    yield compare.near(
        trial, "alignment", seen["plain"], limit[0.0], rivals=rivals, label="without damping"
    )
    plain = {"SGD": alignment_of("sgd", weight="covariance", **known)}
    yield compare.near(trial, "correlation", seen["weighted"], weighted, rivals=plain)


@exact_covariance.extra("best_exponent", on=[MOVED])
def peak(trial: Trial) -> Iterator[Comparison]:
    """Find the exponent at which the slope of the runs' alignment vanishes, without damping.

    The slope between two exponents around the best one is inverted with the curvature of the limit.
    """
    known = setup.limits(trial.scenario)
    best = best_exponent("population", **known)
    predicted = setup.predicted(trial, "best_exponent")
    low, high = best - SLOPE_STEP, best + SLOPE_STEP

    def slope(middle: float) -> float:
        ends = (middle - SLOPE_STEP, middle + SLOPE_STEP)
        a, b = (exponent_alignment(exponent=x, factor="population", **known) for x in ends)
        return b - a

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block, name="peak")
        behind, ahead = (
            compare.signed(trial, beta, problem)
            for beta in directions.power_directions(batch, setup.covariance(trial), [low, high])
        )
        return {"slope": ahead - behind}

    seen = setup.replicated(trial, PEAK_REPLICATES, measure, name="peak teacher")["slope"]
    rate = (slope(best + 0.05) - slope(best - 0.05)) / 0.1
    spread = known["aspect"] * (known["c1"] ** 2 + known["residual_var"]) / known["c1"] ** 2
    spread *= known["spectrum"].moment(-1)
    order = truncation(spread**2 / 2.0, "half of the square of λ_Σ E[1/s], the next order in d/n")
    term = finite_size(compare.MILD_TERM / trial.scenario.input_dim, "2/d")
    yield Near(
        part="best_exponent",
        samples=np.asarray(best - (seen - slope(best)) / rate),
        predicted=predicted,
        tolerance=order + term + judgement(PEAK.value * abs(1.0 - predicted), PEAK.why),
        rival=Rival("whitening, exponent 1", 1.0),
    )


def function_of(trial: Trial, factor: str) -> Iterator[Comparison]:
    """The exponents 0 and 1 are SGD and whitening; other units and weights at the drawn one."""
    known, at = setup.limits(trial.scenario), trial.scenario
    p, damping = float(at.factor_exponent), float(at.damping)
    power = partial(exponent_alignment, factor=factor, **known)
    for weight, part in (("identity", "alignment"), ("covariance", "correlation")):
        sgd = alignment_of("sgd", weight=weight, **known)
        cases = {"exponent 0": (power(exponent=0.0, damping=damping, weight=weight), sgd)}
        if factor == "same_batch":
            cases["exponent 1"] = (
                power(exponent=1.0, damping=damping, weight=weight),
                alignment_of("kfac", damping=damping, weight=weight, **known),
            )
        elif weight == "identity":
            cases["exponent 1"] = (power(exponent=1.0), population_whitening_alignment(**known))
        yield functions.special_cases(part, cases)

    def predict(unit: float, weight: str = "identity", **labels: Any) -> float:
        return exponent_alignment(
            aspect=known["aspect"],
            exponent=p,
            damping=damping * unit,
            factor=factor,
            weight=weight,
            **labels,
        )

    yield functions.any_spectrum(trial, "alignment", predict, partial(predict, weight="covariance"))


same_batch.extra("decay", on=(LARGE,))(sizes.follow(same_batch, sizes.Law("alignment")))
exact_covariance.extra("decay", on=(LARGE,))(sizes.follow(exact_covariance, sizes.Law("alignment")))


@same_batch.extra("the function", on=ANCHORS)
def function_of_batch(trial: Trial) -> Iterator[Comparison]:
    """Look at the public function with the same batch's factor."""
    yield from function_of(trial, "same_batch")


@exact_covariance.extra("the function", on=(*ANCHORS, MOVED))
def function_of_population(trial: Trial) -> Iterator[Comparison]:
    """Look at the public function with the exact covariance."""
    yield from function_of(trial, "population")
