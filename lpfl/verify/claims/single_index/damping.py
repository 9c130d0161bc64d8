"""SI-04, SI-05: the best damping, and when KFAC without damping beats SGD."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.setups.exact import exact_scalar
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import damping_pictures as pictures
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of
from theory.single_index import kfac_beats_sgd, optimal_damping

AWAY = 8.0  # dampings this far on either side of the best one are compared with it
NEVER_SMALLER = 1e-4
SLOPE_STEP = 1.5  # dampings on either side of the best one, between which a slope is taken
PEAK_REPLICATES = 1200
PEAK = judgement(0.2, "well below the distance to one and a half times the best damping")
BEST_ANCHORS = (
    setup.scenario(
        100,
        n=200,
        covariance=setup.two_atom(100, 0.9, "haar"),
        link="he12",
        noise_std=0.5,
        damping_factor=2.0,
    ),
    setup.scenario(120, n=240, link="relu", damping_factor=4.0),
)
COUNTER_EXAMPLE = setup.scenario(
    160, n=320, covariance=setup.two_atom(160, 0.9), link="he12", noise_std=0.5
)


@check(
    "SI-04",
    (*setup.WIDE_AXES, Reals("damping_factor", 1.0, 8.0, log=True)),
    anchors=BEST_ANCHORS,
    decisions=7,
    facts=setup.facts,
)
def best_damping(trial: Trial) -> Iterator[Comparison]:
    """Runs at lam*, at lam*/8 and 8 lam*, at a drawn multiple of lam*, and of SGD."""
    yield exact_scalar(trial, "derivative")
    best = max(setup.predicted(trial, "best_damping"), NEVER_SMALLER)
    dampings = {
        "best": best,
        "smaller": best / AWAY,
        "larger": best * AWAY,
        "multiple": best * trial.scenario.damping_factor,
    }
    known = setup.limits(trial.scenario)
    limit = {name: alignment_of("kfac", damping=x, **known) for name, x in dampings.items()}
    limit["sgd"] = alignment_of("sgd", **known)
    peak = setup.predicted(trial, "best_alignment", damping=best)
    weighted = setup.predicted(trial, "best_correlation", damping=best)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n)
        trial.memory.setdefault("batch", batch)
        found = {"sgd": compare.signed(trial, directions.sgd_direction(batch), problem)}
        for name, damping in dampings.items():
            beta = directions.kfac_direction(batch, damping=damping)
            found[name] = compare.signed(trial, beta, problem)
            if name == "best":
                found["weighted"] = compare.signed(trial, beta, problem, weighted=True)
        return found

    replicates = max(
        compare.replicates_for_order(trial), compare.replicates_for_limits(trial, peak, weighted)
    )
    seen = setup.replicated(trial, replicates, measure)
    rivals = {"SGD": limit["sgd"], "λ⋆/8": limit["smaller"], "8 λ⋆": limit["larger"]}
    yield compare.near(trial, "best_alignment", seen["best"], peak, rivals=rivals)
    sgd = alignment_of("sgd", weight="covariance", **known)
    yield compare.near(trial, "best_correlation", seen["weighted"], weighted, rivals={"SGD": sgd})
    yield compare.fixed_point(trial, "fixed_point", trial.memory["batch"], best)
    yield cases.printed_units(trial, "best_damping", unit=cases.INPUT_UNIT**2)
    for part in ("best_alignment", "best_correlation"):
        yield cases.printed_units(trial, part, damping=best)
    rule = optimal_damping(**{name: known[name] for name in ("aspect", "c1", "residual_var")})
    yield cases.same_function("best_damping", rule, setup.predicted(trial, "best_damping"))
    correlation = alignment_of("kfac", damping=best, weight="covariance", **known)
    if best > NEVER_SMALLER:
        yield cases.same_function("best_correlation", correlation, weighted)
    for name, word in (("smaller", "λ⋆/8"), ("larger", "8 λ⋆")):
        gap = limit["best"] - limit[name]
        yield compare.ordered(trial, "peak", seen["best"], seen[name], gap, label=f"above {word}")
    gap = limit["multiple"] - limit["sgd"]
    yield compare.ordered(trial, "beats_sgd", seen["multiple"], seen["sgd"], gap)


@best_damping.extra("best_damping", on=BEST_ANCHORS)
def peak_of_runs(trial: Trial) -> Iterator[Comparison]:
    """Find the damping at which the slope of the runs' alignment vanishes.

    The slope between lam*/1.5 and 1.5 lam* is what the derivative gives for another best damping:
    the printed derivative, linear in it near lam*, is inverted for every run.
    """
    best = setup.predicted(trial, "best_damping")
    low, high = best / SLOPE_STEP, best * SLOPE_STEP

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block, name="peak")
        ahead, behind = (
            compare.signed(trial, directions.kfac_direction(batch, damping=x), problem)
            for x in (high, low)
        )
        found = batch_moments(batch, best)
        return {"slope": (ahead - behind) / (high - low), **found}

    seen = setup.replicated(trial, PEAK_REPLICATES, measure, name="peak teacher")
    moments = {name: seen[name] for name in ("moment_u1", "moment_u2", "moment_u3")}

    def slope(value: float) -> NDArray[np.float64]:
        known = {"best_damping": value, "damping": best, **moments}
        return np.asarray(setup.printed(trial, "derivative", **known))

    up, down = slope(best * 1.1), slope(best * 0.9)
    found = best + seen["slope"] / ((up - down) / (0.2 * best))
    term = finite_size(
        compare.WIDE_TERM / trial.scenario.input_dim * best, "6/d of the best damping"
    )
    yield Near(
        part="best_damping",
        samples=found,
        predicted=best,
        tolerance=term + judgement(PEAK.value * best, PEAK.why),
        rival=Rival("one and a half times the best damping", 1.5 * best),
    )


def batch_moments(batch: sampler.Moments, damping: float) -> dict[str, Tensor]:
    """Return u_j = tr(t/(t + lam)^j)/d over the eigenvalues t of each batch."""
    t = torch.linalg.eigvalsh(batch.second_moment).clamp(min=0.0)
    u = 1.0 / (t + damping)
    return {f"moment_u{j}": (t * u**j).mean(-1) for j in (1, 2, 3)}


@check(
    "SI-05",
    (
        setup.INPUT_DIM,
        setup.WIDE_COVARIANCE,
        Reals("aspect", 0.1, 0.6, log=True),
        setup.LINK,
        setup.NOISE_STD,
    ),
    anchors=(
        COUNTER_EXAMPLE,
        setup.scenario(100, n=400, covariance=setup.two_atom(100, 0.9, "haar")),
    ),
    decisions=3,
    facts=setup.facts,
)
def advantage(trial: Trial) -> Iterator[Comparison]:
    """KFAC without damping against SGD on the same batches; the sign is the theory's."""
    known = setup.limits(trial.scenario)
    sgd, kfac = alignment_of("sgd", **known), alignment_of("kfac", damping=0.0, **known)
    rule = known["aspect"] * known["residual_var"] / known["c1"] ** 2
    best = max(rule, NEVER_SMALLER)
    damped = alignment_of("kfac", damping=best, **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n, damping=0.0)
        found = {
            "sgd": directions.sgd_direction(batch),
            "kfac": directions.kfac_direction(batch, damping=0.0),
            "best": directions.kfac_direction(batch, damping=best),
        }
        return {name: compare.signed(trial, beta, problem) for name, beta in found.items()}

    replicates = max(
        compare.replicates_for_order(trial), compare.replicates_for_limits(trial, sgd, kfac)
    )
    seen = setup.replicated(trial, replicates, measure)
    trial.memory["seen"] = seen
    kfac_wins = setup.predicted(trial, "winner") > 0
    winner, loser = ("kfac", "sgd") if kfac_wins else ("sgd", "kfac")
    yield compare.ordered(
        trial,
        "winner",
        seen[winner],
        seen[loser],
        abs(kfac - sgd),
        label="KFAC without damping" if kfac_wins else "SGD",
    )
    yield difference_of_inverses(trial, seen)
    yield cases.formula_units(
        trial,
        "advantage",
        lambda *, damping_unit, **other: setup.predicted(trial, "advantage", **other),
    )
    yield cases.printed_units(trial, "winner")
    said = kfac_beats_sgd(**known)
    yield cases.same_function(
        "advantage", said.advantage, setup.predicted(trial, "advantage"), label="the comparison"
    )
    yield cases.same_function(
        "winner",
        np.array([said.kfac_wins, said.kfac, said.sgd]),
        np.array([kfac_wins, kfac, sgd]),
        label="the comparison",
    )
    yield compare.ordered(trial, "damped", seen["best"], seen["sgd"], damped - sgd)


def difference_of_inverses(trial: Trial, seen: dict[str, Any]) -> Near:
    """Compare rho^2 - rho_SGD^2 over the product of both limits with 1/rho_SGD^2 - 1/rho^2.

    It has no inverse of a small measured number, as without damping at a large condition number.
    """
    limit, known = setup.predicted(trial, "advantage"), setup.limits(trial.scenario)
    x, y = alignment_of("sgd", **known), alignment_of("kfac", damping=0.0, **known)
    samples = (seen["kfac"] - seen["sgd"]) / (x * y)
    allowed = compare.margin(trial.scenario, y, damped=False).times(
        1.0 / (x * y), "of the difference of the two, over their product"
    )
    noise = known["aspect"] * known["residual_var"] / known["c1"] ** 2
    s = known["spectrum"]
    amplified = noise * s.moment(-1) * known["aspect"] / (1.0 - known["aspect"])
    return compare.near(
        trial,
        "advantage",
        samples,
        limit,
        rivals={"noise not amplified by 1/(1 - d/n)": limit + amplified, "a draw": 0.0},
        tolerance=allowed,
    )


@advantage.picture(on=[COUNTER_EXAMPLE])
def advantage_picture(trial: Trial) -> dict[str, Any]:
    """Draw the three limits against the noise of the labels, and the runs of this scenario."""
    return pictures.against_noise(trial, trial.memory["seen"], least=NEVER_SMALLER)
