"""SI-17: a mixture of the own batch and another, and a different mixture of the same numbers."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import factors, functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.sizes import DECISIONS, Law, follow
from lpfl.verify.setups.stated import at_the_edge
from lpfl.verify.space import Reals
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of
from theory.single_index import (
    independent_batch_alignment,
    mixture_alignment,
    population_whitening_alignment,
)
from theory.single_index.variants.mixture import solve_mixture

# The other batch's share split in two unequal parts, of batches so much smaller that the energy of
# the shares stays: 0.6^2 + 0.4^2 = 0.52.
SPLIT = (0.6, 0.4)
SMALLER = 0.52
FEW_ROWS = 2.0  # d/n of a batch that has half as many rows as dimensions
ANCHORS = (
    setup.scenario(72, n=144, whitening_aspect=0.3, damping=0.05, own_weight=0.5),
    setup.scenario(
        64,
        n=128,
        covariance=setup.two_atom(64, 0.8, "haar"),
        whitening_aspect=0.5,
        damping=0.05,
        own_weight=0.8,
    ),
)
LARGE = setup.scenario(192, n=384, whitening_aspect=0.3, damping=0.05, own_weight=0.5)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the aspect of the other batch, after rounding its number of samples."""
    return {
        **setup.facts(scenario),
        "whitening_aspect": setup.aspect(scenario, "whitening_aspect"),
    }


@check(
    "SI-17",
    (
        *setup.AXES,
        Reals("whitening_aspect", 0.1, 0.7, log=True),
        setup.DAMPING,
        Reals("own_weight", 0.1, 0.9),
    ),
    anchors=ANCHORS,
    large=(LARGE,),
    decisions=6 + DECISIONS,
    facts=facts,
)
def mixture(trial: Trial) -> Iterator[Comparison]:
    """Invert a0 Shat0 + (1 - a0) Shat1; then a mixture of three batches with the same u and g."""
    known = setup.limits(trial.scenario)
    damping, own = float(trial.scenario.damping), float(trial.scenario.own_weight)
    aspects = (known["aspect"], setup.aspect(trial.scenario, "whitening_aspect"))
    weights = (own, 1.0 - own)
    at = {
        "whitening_aspect": aspects[1],
        "damping": damping,
        "own_weight": own,
        "other_weight": 1.0 - own,
    }
    found = solve_mixture(known["spectrum"], weights=weights, aspects=aspects, damping=damping)
    at["mixture_scale"] = found.scale
    scale = setup.predicted(trial, "fixed_point", **at)
    share = setup.predicted(trial, "own_share", **at)
    at |= {"own_share": share, "effective_damping": damping / scale}
    energy = setup.predicted(trial, "share_energy", **at)
    at["share_energy"] = energy
    limit = setup.predicted(trial, "alignment", **at)
    weighted = setup.predicted(trial, "correlation", **at)
    sizes = [setup.batch_size(trial.scenario, x) for x in ("aspect", "whitening_aspect")]
    three = SameNumbers(trial, share, damping / scale, sizes)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        other = factors.unlabelled(trial, problem, block, sizes[1], "other batch")
        setup.admit(trial, problem, batch.n, whitening_aspect=aspects[1], damping=damping)
        factor = factors.mixed(weights, (batch.second_moment, other))
        beta = directions.factor_direction(batch, factor, damping=damping)
        again = directions.factor_direction(
            batch, three.factor(trial, problem, block, batch), damping=damping / scale
        )
        return {
            "plain": compare.signed(trial, beta, problem),
            "weighted": compare.signed(trial, beta, problem, weighted=True),
            "again": compare.signed(trial, again, problem),
            **traces(trial, factor, own * batch.second_moment, damping),
        }

    replicates = compare.replicates_for_limits(trial, limit, weighted)
    seen = setup.replicated(trial, replicates, measure)
    rivals = {
        "the own batch alone": alignment_of("kfac", damping=damping, **known),
        "the other batch alone": independent_batch_alignment(
            whitening_aspect=aspects[1], damping=damping, **known
        ),
        "the exact covariance": mixture_alignment(u=0.0, g=0.0, damping=damping, **known),
    }
    yield compare.near(trial, "alignment", seen["plain"], limit, rivals=rivals)
    yield compare.near(
        trial, "alignment", seen["again"], limit, rivals=rivals, label="another mixture, same u, g"
    )
    yield compare.near(trial, "correlation", seen["weighted"], weighted, rivals={"plain": limit})
    yield factors.near_trace(trial, "fixed_point", seen["scale"], scale, exact_covariance=1.0)
    yield factors.near_trace(trial, "own_share", seen["share"], share, weight_as_share=own)
    measured = seen["share"] ** 2 + aspects[1] / aspects[0] * (1.0 - seen["share"]) ** 2
    yield factors.near_trace(trial, "share_energy", measured, energy, own_share_alone=share**2)


mixture.extra("decay", on=(LARGE,))(follow(mixture, Law("alignment")))


@mixture.extra("the function", on=ANCHORS)
def special_cases(trial: Trial) -> Iterator[Comparison]:
    """One batch alone, the exact covariance, a batch in two halves; and the stated limit."""
    known, at = setup.limits(trial.scenario), trial.scenario
    phi, other = known["aspect"], setup.aspect(at, "whitening_aspect")
    damping, own = float(at.damping), float(at.own_weight)
    mix = partial(mixture_alignment, damping=damping, **known)
    for weight, part in (("identity", "alignment"), ("covariance", "correlation")):
        cases = {
            "the own batch": (
                mix(shares=[1.0], weight=weight),
                alignment_of("kfac", damping=damping, weight=weight, **known),
            ),
            "halves of the other batch": (
                mix(shares=[own, 1 - own], aspects=[phi, other], weight=weight),
                mix(
                    shares=[own, (1 - own) / 2, (1 - own) / 2],
                    aspects=[phi, 2 * other, 2 * other],
                    weight=weight,
                ),
            ),
        }
        if weight == "identity":
            cases["the other batch"] = (
                mix(shares=[0.0, 1.0], aspects=[phi, other]),
                independent_batch_alignment(whitening_aspect=other, damping=damping, **known),
            )
            exact: dict[str, Any] = {"damping": 0.0, "u": 0.0, "g": 0.0}
            cases["the exact covariance"] = (
                mixture_alignment(**exact, **known),
                population_whitening_alignment(**known),
            )
        yield functions.special_cases(part, cases)

    def predict(unit: float, weight: str = "identity", **labels: Any) -> float:
        return mixture_alignment(
            aspect=phi,
            shares=[own, 1 - own],
            aspects=[phi, other],
            damping=damping * unit,
            weight=weight,
            **labels,
        )

    yield functions.any_spectrum(trial, "alignment", predict, partial(predict, weight="covariance"))
    few = {**known, "damping": 0.0, "aspect": FEW_ROWS}
    halves, alone = [0.5, 0.5], [1.0, 0.0]
    yield at_the_edge(
        "fixed_point",
        mixture_alignment,
        {
            "more than d rows in all": (few | both(halves, 0.95 * FEW_ROWS), True),
            "d rows in all": (few | both(halves, FEW_ROWS), False),
            "fewer rows beside the exact covariance": (few | both(halves, 0.0), True),
            "the exact covariance with weight 0": (few | both(alone, 0.0), False),
        },
    )


def both(shares: list[float], other: float) -> dict[str, Any]:
    """Return the weights of two batches, the first with ``FEW_ROWS``."""
    return {"shares": shares, "aspects": [FEW_ROWS, other]}


def traces(trial: Trial, factor: Tensor, own: Tensor, damping: float) -> dict[str, Tensor]:
    """Return W = tr M R / tr S R and the share tr a0 Shat0 R / tr M R, R = (M + damping)^-1."""
    eye = torch.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    R = torch.linalg.inv(factor + damping * eye)
    total = (factor * R).sum((-2, -1))
    return {
        "scale": total / (factors.dense(trial) * R).sum((-2, -1)),
        "share": (own * R).sum((-2, -1)) / total,
    }


class SameNumbers:
    """Weights and sizes of three batches with the given u, effective damping and energy.

    With W = 1 the weight of a batch of share u_j is u_j / (1 - u_j phi_j E[P]).
    """

    def __init__(self, trial: Trial, share: float, damping: float, sizes: list[int]) -> None:
        spectrum, d = setup.spectrum(trial.scenario), trial.scenario.input_dim
        s = spectrum.eigenvalues
        kept = spectrum.expect(s / (s + damping))
        small = round(SMALLER * sizes[1])
        self.sizes = (sizes[0], small, small)
        shares = (share, *((1.0 - share) * part for part in SPLIT))
        pairs = zip(shares, self.sizes, strict=True)
        self.weights = [u / (1.0 - u * d / n * kept) for u, n in pairs]

    def factor(
        self, trial: Trial, problem: model.SingleIndexProblem, block: int, own: sampler.Moments
    ) -> Tensor:
        """Return the mixture of the own batch and two new ones."""
        more = [
            factors.unlabelled(trial, problem, block, n, "third batches", k)
            for k, n in enumerate(self.sizes[1:])
        ]
        return factors.mixed(self.weights, (own.second_moment, *more))
