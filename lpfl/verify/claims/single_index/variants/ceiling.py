"""SI-18: other rules against KFAC at its best damping, and the best of the exact covariance."""

from collections.abc import Iterator

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
from lpfl.verify.setups.single_index import factors, functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import (
    alignment as alignment_of,
)
from theory.single_index import (
    ceiling,
    exponent_alignment,
    mixture_alignment,
    optimal_damping,
)
from theory.single_index.variants.one_point import spectral_means

NEVER_SMALLER = 1e-4
AWAY = 8.0  # dampings this far on either side of the best one are compared with it
SLOPE_STEP = 2.0  # dampings on either side of the best one, between which a slope is taken
PEAK_REPLICATES = 1200
PEAK = judgement(0.25, "well below the distance to the same batch's best damping")
RELATIVE = judgement(0.03, "3 %, as for squared cosines")
STRONG = setup.scenario(
    96, n=96, covariance=setup.two_atom(96, 0.9), link="he12", own_weight=0.5, passes=4
)
ANCHORS = (setup.scenario(80, n=160, own_weight=0.3, passes=8), STRONG)


def passes_direction(batch: sampler.Moments, passes: int, step: float) -> Tensor:
    """Return the direction after full-batch gradient steps from 0 on the least squares of y."""
    beta = torch.zeros_like(batch.cross_moment)
    for _ in range(passes):
        residual = batch.cross_moment - torch.einsum("rij,rj->ri", batch.second_moment, beta)
        beta = beta + step * residual
    return beta


@check(
    "SI-18",
    (
        setup.INPUT_DIM,
        setup.COVARIANCE,
        setup.ASPECT,
        Choice("link", ("tanh", "erf", "relu", "he12", "identity", "sign")),  # he13: heavy tails
        setup.NOISE_STD,
        Reals("own_weight", 0.1, 0.9),
        Integers("passes", 2, 12),
    ),
    anchors=ANCHORS,
    decisions=12,
    facts=setup.facts,
)
def best_of_all(trial: Trial) -> Iterator[Comparison]:
    """A mixture, an exponent, several passes: none above KFAC at the best damping."""
    yield exact_scalar(trial, "deficit")
    known = setup.limits(trial.scenario)
    own, passes = float(trial.scenario.own_weight), int(trial.scenario.passes)
    labels = {name: known[name] for name in ("aspect", "c1", "residual_var")}
    best = max(optimal_damping(**labels), NEVER_SMALLER)
    exact_best = setup.predicted(trial, "exact_damping")
    weights = (own, 1.0 - own)
    step = 1.0 / compare.largest_eigenvalue(trial)
    limit = {
        "same": setup.predicted(trial, "same_batch", damping=best),
        "exact": setup.predicted(trial, "exact", best_exact_damping=exact_best),
        "mixture": mixture_alignment(shares=weights, damping=best, **known),
        "half power": exponent_alignment(exponent=0.5, damping=best, **known),
        "passes": passes_limit(passes, step, **known),
    }
    top = ceiling(weight="covariance", **known)
    mixed_top = mixture_alignment(shares=weights, damping=best, weight="covariance", **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        other = factors.unlabelled(trial, problem, block, batch.n, "other batch")
        setup.admit(trial, problem, batch.n)
        factor = factors.mixed(weights, (batch.second_moment, other))
        covariance = setup.covariance(trial)
        same = directions.kfac_direction(batch, damping=best)
        mixture = directions.factor_direction(batch, factor, damping=best)
        found = {
            "same": same,
            "mixture": mixture,
            "half power": directions.power_directions(
                batch, batch.second_moment, [0.5], damping=best
            )[0],
            "passes": passes_direction(batch, passes, step),
        }
        for name, x in (("", 1.0), ("lower", 1.0 / AWAY), ("higher", AWAY)):
            beta = directions.factor_direction(batch, covariance, damping=x * exact_best)
            found[f"exact{name}"] = beta
        seen = {name: compare.signed(trial, beta, problem) for name, beta in found.items()}
        seen["weighted mixture"] = compare.signed(trial, mixture, problem, weighted=True)
        seen["weighted same"] = compare.signed(trial, same, problem, weighted=True)
        seen["error"] = squared_error(problem, same, known["c1"]) + known["residual_var"]
        return seen

    replicates = max(
        compare.replicates_for_order(trial),
        compare.replicates_for_limits(trial, limit["same"], limit["exact"]),
    )
    seen = setup.replicated(trial, replicates, measure)
    sgd = alignment_of("sgd", **known)
    yield compare.near(trial, "same_batch", seen["same"], limit["same"], rivals={"SGD": sgd})
    yield compare.near(trial, "exact", seen["exact"], limit["exact"], rivals={"SGD": sgd})
    for name, weight in (("same", "identity"), ("weighted same", "covariance")):
        yield compare.near(
            trial,
            "same_batch",
            seen[name],
            ceiling(weight=weight, **known),
            rivals={"SGD": alignment_of("sgd", weight=weight, **known)},
            label=f"the ceiling, weight {weight}",
        )
    for name in ("mixture", "half power", "passes"):
        highest = np.full_like(seen[name], ceiling(**known))
        gap = float(highest[0]) - limit[name]
        yield compare.ordered(trial, "ceiling", highest, seen[name], gap, label=name)
    yield compare.ordered(
        trial,
        "correlation_ceiling",
        np.full_like(seen["weighted mixture"], top),
        seen["weighted mixture"],
        top - mixed_top,
    )
    s = known["spectrum"].eigenvalues
    for name, x in (("lower", exact_best / AWAY), ("higher", exact_best * AWAY)):
        filtered = mixture_alignment(u=0.0, g=0.0, damping=x, **known)
        gap = limit["exact"] - filtered
        yield compare.ordered(
            trial, "exact_peak", seen["exact"], seen[f"exact{name}"], gap, label=name
        )
    energy = known["c1"] ** 2 * float(s.mean()) + known["residual_var"]
    risk = setup.predicted(trial, "test_error", damping=best)
    term = compare.finite(trial.scenario).times(energy, "of E y²")
    yield compare.near(
        trial,
        "test_error",
        seen["error"],
        risk,
        rivals={"E y²": energy, "label noise": known["residual_var"]},
        tolerance=term + judgement(RELATIVE.value * risk, RELATIVE.why),
    )


def passes_limit(
    passes: int, step: float, *, spectrum: Spectrum, aspect: float, c1: float, residual_var: float
) -> float:
    """Return the limit of rho^2 for the filter 1 - (1 - step t)^passes of a batch."""

    def functions(z: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], ...]:
        h = 1.0 - (1.0 - step * z) ** passes
        return h, h * h, h * h / z

    mean, square, noise = spectral_means(functions, spectrum=spectrum, aspect=aspect, branch=1.0)
    return c1**2 * mean**2 / (c1**2 * square + aspect * residual_var * noise)


def squared_error(problem: model.SingleIndexProblem, beta: Tensor, c1: float) -> Tensor:
    """Return |Sigma^(1/2) (beta - c1 beta*)|^2 (R,), the error of the linear part."""
    gap = beta - c1 * problem.teacher
    return (gap * model.times_covariance(gap, problem.covariance)).sum(-1)


@best_of_all.extra("the function", on=ANCHORS)
def noiseless(trial: Trial) -> Iterator[Comparison]:
    """Linear labels without noise need no damping: 1 from d rows on, the pseudo-inverse below."""
    known = {**setup.limits(trial.scenario), "residual_var": 0.0}
    cases = {}
    for name, aspect, value in (
        ("more rows than inputs", 0.6, 1.0),
        ("as many rows as inputs", 1.0, 1.0),
        ("fewer rows than inputs", functions.FEWER_ROWS, None),
    ):
        for weight in ("identity", "covariance"):
            at = {**known, "aspect": aspect, "weight": weight}
            stated = alignment_of("kfac", damping=0.0, **at) if value is None else value
            cases[f"{name}, {weight}"] = (ceiling(**at), stated)
    yield functions.special_cases("same_batch", cases)


@best_of_all.extra("exact_damping", on=ANCHORS)
def exact_peak(trial: Trial) -> Iterator[Comparison]:
    """Find the damping at which the slope of the exact covariance's alignment vanishes.

    With u_j = E[s (s + x)^-j] the alignment is u_1^2 / (u_1 + (K - x) u_2); the slope between two
    dampings is inverted for K, to first order.
    """
    best = setup.predicted(trial, "exact_damping")
    low, high = best / SLOPE_STEP, best * SLOPE_STEP
    s = setup.spectrum(trial.scenario).eigenvalues

    def model_of(K: float, x: float) -> float:
        u1, u2 = float((s / (s + x)).mean()), float((s / (s + x) ** 2).mean())
        return u1**2 / (u1 + (K - x) * u2)

    def slope(K: float) -> float:
        return model_of(K, high) - model_of(K, low)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block, name="peak")
        covariance = setup.covariance(trial)
        ahead, behind = (
            compare.signed(trial, beta, problem)
            for beta in (
                directions.factor_direction(batch, covariance, damping=x) for x in (high, low)
            )
        )
        return {"slope": ahead - behind}

    seen = setup.replicated(trial, PEAK_REPLICATES, measure, name="peak teacher")["slope"]
    rate = (slope(best * 1.1) - slope(best * 0.9)) / (0.2 * best)
    same = best * setup.limits(trial.scenario)["residual_var"]
    same /= setup.limits(trial.scenario)["residual_var"] + setup.limits(trial.scenario)["c1"] ** 2
    term = finite_size(compare.WIDE_TERM / trial.scenario.input_dim * best, "6/d of the damping")
    yield Near(
        part="exact_damping",
        samples=best + (seen - slope(best)) / rate,
        predicted=best,
        tolerance=term + judgement(PEAK.value * best, PEAK.why),
        rival=Rival("the same batch's best damping", same),
    )
