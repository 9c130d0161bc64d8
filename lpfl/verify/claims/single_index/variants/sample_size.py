"""SI-29: run every method with the predicted number of samples, and read the number back."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Ordered, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.single_index.variant_functions import at_the_cap, of_sample_size
from lpfl.verify.setups.stated import stated_order
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import alignment as alignment_of
from theory.single_index.variants.sample_size import samples_for_alignment, target_damping

Array = NDArray[np.float64]

# part -> method and damping of the public function
WAYS: Mapping[str, tuple[str, float | None]] = {
    "sgd": ("sgd", None),
    "undamped": ("kfac", 0.0),
    "best": ("kfac", None),
    "exact": ("population", None),
    "exact_undamped": ("population", 0.0),
}
MOST = 30.0  # n/d: above it the samplers take longer than the limit is worth
FEWEST = 0.25  # n/d below which a few hundred replicates do not see the limit
TARGET_STEP = 1e-4
LOST_ROOM = 2.0  # (1 - r)^2 over 4 r s2/c1^2: two well separated roots below n = d
# At n = d the trace of the inverse is of order d, and the alignment of order 1/(1 + d s2/c1^2).
VISIBLE_DIP = 2.0
# Finite sizes shift both numbers alike: 24 ratios measured beforehand are off by -4 to 5 %.
PRICE = judgement(0.2, "of the ratio: four times what finite sizes were seen to do")
ANCHORS = tuple(
    Scenario({name: value for name, value in {**one, "target": r}.items() if name != "aspect"})
    for one, r in (
        (setup.scenario(96, n=96, noise_std=0.1), 0.3),
        (setup.scenario(80, n=80, covariance=setup.two_atom(80, 0.8, "haar")), 0.6),
    )
)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Return what is planned; every method has its own number of samples."""
    return setup.facts(Scenario({**scenario, "aspect": 1.0}))


@check(
    "SI-29",
    (
        setup.INPUT_DIM,
        setup.COVARIANCE,
        Reals("target", 0.2, 0.8),
        setup.LINK,
        setup.NOISE_STD,
    ),
    anchors=ANCHORS,
    decisions=12,
    facts=facts,
)
def sample_sizes(trial: Trial) -> Iterator[Comparison]:
    """Each method at its predicted n; the alignment that is seen, as a number of samples."""
    known = setup.limits(Scenario({**trial.scenario, "aspect": 1.0}))
    known.pop("aspect")
    r = float(trial.target)
    alpha = target_damping(known["spectrum"], r)
    needed: dict[str, float] = {}
    counts: dict[str, Array] = {}
    margins: dict[str, Tolerance] = {}
    for part, (method, damping) in WAYS.items():
        needed[part] = samples_for_alignment(method, damping=damping, target=r, **known)
        if not runs_at(part, needed[part]):
            continue
        sub = at_samples(trial, needed[part])
        allowed = compare.margin(sub.scenario, r, damped=part != "undamped")
        slope = (
            samples_for_alignment(method, damping=damping, target=r + TARGET_STEP, **known)
            - samples_for_alignment(method, damping=damping, target=r - TARGET_STEP, **known)
        ) / (2.0 * TARGET_STEP)
        seen = aligned(sub, part, alpha)
        counts[part] = 1.0 / setup.aspect(sub.scenario) + (r - seen) * slope
        margins[part] = allowed.times(slope, "as a number of samples")
        if part == "best":
            yield compare.near(
                sub,
                "root",
                seen,
                setup.predicted(sub, "root", spectrum=known["spectrum"], target_damping=alpha),
                rivals={"SGD": alignment_of("sgd", aspect=1.0 / needed[part], **known)},
            )
    for part, seen in counts.items():
        wanted = setup.predicted(
            at_samples(trial, needed[part]), part, target=r, target_damping=alpha
        )
        rivals = {name: x for name, x in needed.items() if name != part and math.isfinite(x)}
        yield compare.near(trial, part, seen, wanted, rivals=rivals, tolerance=margins[part])
    for part, (fewer, more) in ORDERS.items():
        if fewer in counts and more in counts:
            yield order(part, counts, margins, fewer, more, needed)
            numbers = {f"samples_{name}": needed[name] for name in (fewer, more)}
            yield stated_order(trial, part, **numbers)
    if "best" in counts and "exact" in counts:
        yield price(trial, counts, needed, alpha)
    yield from below(trial, r)


ORDERS = {
    "best_or_exact": ("best", "exact"),
    "best_or_undamped": ("best", "undamped"),
    "exact_or_sgd": ("exact", "sgd"),
}


def runs_at(part: str, samples: float) -> bool:
    """Say whether this n/d can be run: neither too many samples nor too close to n = d."""
    if part == "undamped" and samples < 1.0 / compare.RIDGELESS_BELOW:
        return False
    return FEWEST <= samples <= MOST


def at_samples(trial: Trial, samples: float) -> Trial:
    """Return the trial with this n/d."""
    return replace(trial, scenario=Scenario({**trial.scenario, "aspect": 1.0 / samples}))


def aligned(trial: Trial, part: str, alpha: float) -> Array:
    """Return squared cosines (R,) of one method, at the damping that is best for this batch."""
    link, phi = setup.statistics(trial.scenario), setup.aspect(trial.scenario)
    best = phi * link.residual_var / link.c1**2

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block, name=part)
        setup.admit(trial, problem, batch.n, damping=best if part == "best" else 0.0)
        if part == "sgd":
            beta = directions.sgd_direction(batch)
        elif part in ("best", "undamped"):
            beta = directions.kfac_direction(batch, damping=best if part == "best" else 0.0)
        else:
            added = alpha if part == "exact" else 0.0
            beta = directions.population_direction(batch, shifted(problem.covariance, added))
        return {"seen": compare.signed(trial, beta, problem)}

    replicates = compare.replicates_for_limits(trial, float(trial.target))
    return setup.replicated(trial, replicates, measure)["seen"]


def shifted(covariance: Tensor, damping: float) -> Tensor:
    """Return Sigma + damping I, (d,) or (d, d)."""
    if covariance.ndim == 1:
        return covariance + damping
    return covariance + damping * torch.eye(
        covariance.shape[0], dtype=covariance.dtype, device=covariance.device
    )


def order(
    part: str,
    counts: Mapping[str, Array],
    margins: Mapping[str, Tolerance],
    fewer: str,
    more: str,
    needed: Mapping[str, float],
) -> Ordered:
    """Compare two numbers of samples; runs of the two methods are independent."""
    slack = margins[fewer] + margins[more]
    gap = needed[more] - needed[fewer]
    clear = gap > 2.0 * slack.value
    return Ordered(
        part=part,
        better=counts[more][: counts[fewer].size],
        worse=counts[fewer][: counts[more].size],
        slack=finite_size(0.0, "further apart than twice the margins") if clear else slack,
        matters=gap if clear else None,
    )


def price(
    trial: Trial,
    counts: Mapping[str, Array],
    needed: Mapping[str, float],
    alpha: float,
) -> Comparison:
    """Compare the ratio of the two numbers of samples, to first order around the predicted one."""
    top, bottom = needed["exact"], needed["best"]
    size = min(counts["exact"].size, counts["best"].size)
    x, y = counts["exact"][:size], counts["best"][:size]
    limit = setup.predicted(
        at_samples(trial, bottom), "price", target=float(trial.target), target_damping=alpha
    )
    return compare.near(
        trial,
        "price",
        top / bottom + (x - top) / bottom - (y - bottom) * top / bottom**2,
        limit,
        rivals={"no price": 1.0},
        tolerance=PRICE.times(limit, "times the ratio"),
    )


def isotropic(trial: Trial, samples: float) -> float:
    """Return the limit of the alignment without damping at so many samples over d."""
    link = setup.statistics(trial.scenario)
    return alignment_of(
        "kfac",
        spectrum=Spectrum.isotropic(),
        aspect=1.0 / samples,
        c1=link.c1,
        residual_var=link.residual_var,
        damping=0.0,
    )


def reached(trial: Trial, r: float) -> Same:
    """The limit of the alignment at the number of samples below n = d, for any target."""
    samples = setup.predicted(at_samples(trial, 1.0), "below", target=r)
    return Same(
        part="below",
        measured=isotropic(trial, samples),
        predicted=r,
        tolerance=compare.FORMULA.times(10.0, "over the distance of the two roots"),
        label="the alignment at that number of samples",
    )


def below(trial: Trial, r: float) -> Iterator[Comparison]:
    """Isotropic inputs, no damping: the target reached with n < d, and lost at n = d."""
    link = setup.statistics(trial.scenario)
    noise = link.residual_var / link.c1**2
    if (1.0 + r) ** 2 > 4.0 * r * (1.0 + noise):
        yield reached(trial, r)
    if (1.0 - r) ** 2 < LOST_ROOM * 4.0 * r * noise or r * noise * trial.input_dim < VISIBLE_DIP:
        return
    n_d = setup.predicted(at_samples(trial, 1.0), "below", target=r)
    ways = {"few": at_samples(trial, n_d), "square": at_samples(trial, 1.0)}
    ones = trial.tensor(np.ones(trial.scenario.input_dim))
    replicates = trial.replicates(compare.replicates_for_limits(ways["few"], r))
    seen = {}
    for name, sub in ways.items():
        problem = setup.draw_problem(
            sub, ones, replicates=replicates, stream=sub.stream("below", name)
        )
        batch = setup.draw_moments(sub, problem, 0, name=f"below {name}")
        setup.admit(sub, problem, batch.n)
        beta = directions.kfac_direction(batch, damping=0.0)
        seen[name] = compare.signed(sub, beta, problem).cpu().numpy()
    ran = 1.0 / setup.aspect(ways["few"].scenario)
    step = 0.02 * ran
    slope = 2.0 * step / (isotropic(trial, ran + step) - isotropic(trial, ran - step))
    allowed = compare.margin(ways["few"].scenario, r)
    yield compare.near(
        trial,
        "below",
        ran + (r - seen["few"]) * slope,
        n_d,
        rivals={"the number above d": float(1.0 + r * noise / (1.0 - r))},
        tolerance=allowed.times(abs(slope), "as a number of samples"),
    )
    yield Ordered(
        part="lost",
        better=seen["few"],
        worse=seen["square"],
        slack=finite_size(0.0, "the limit at n = d is 0"),
        matters=r / 2.0,
    )


@sample_sizes.extra("the function", on=ANCHORS)
def function(trial: Trial) -> Iterator[Comparison]:
    """At the number of samples every method reaches the target; other units and weights."""
    yield from of_sample_size(trial, list(WAYS.items()))
    yield from at_the_cap(trial)
