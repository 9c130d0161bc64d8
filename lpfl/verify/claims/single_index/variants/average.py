"""SI-19: runs with averaged factors, over several steps; stale inverses and rare updates too."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import factors
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.single_index.variant_functions import of_average
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, truncation
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of
from theory.single_index import average_alignment
from theory.single_index.variants.average import Movement
from theory.single_index.variants.schedule import newest_batches

SMALL_ASPECT = 0.02  # of the runs in which d/n is taken to be small
SMALL_REPLICATES = 400
NOISE_TERM = 6.0  # over d: finite-size term of a noise level over E y^2
SPREAD = 1.6  # of a product of two noises over E y^2, times sqrt(d): 1.2 to 1.5 seen beforehand
RELATIVE = judgement(0.05, "5 % of E y², well below the shares of c_1²E[s] that are told apart")
EVERY_STEP = setup.scenario(
    56,
    n=112,
    damping=0.05,
    average_decay=0.5,
    movement_steps=4,
    inverse_every=1,
    factor_every=1,
)
STALE = setup.scenario(
    56,
    n=140,
    covariance=setup.two_atom(56, 0.8, "haar"),
    damping=0.05,
    average_decay=0.2,
    movement_steps=8,
    inverse_every=8,
    factor_every=1,
)
# Averaged factors win over four steps: the same batches' noise is amplified by 1/(1 - d/n).
WINNING = setup.scenario(
    96,
    n=161,
    link="he12",
    damping=0.01,
    average_decay=0.3,
    movement_steps=4,
    inverse_every=1,
    factor_every=1,
)
# A factor of the first batch alone: three of four steps have a batch that is in no factor.
RARE = setup.scenario(
    56,
    n=112,
    covariance=setup.two_atom(56, 0.8, "haar"),
    damping=0.05,
    average_decay=0.1,
    movement_steps=4,
    inverse_every=1,
    factor_every=4,
)
ANCHORS = (EVERY_STEP, STALE, WINNING, RARE)


def movement(trial: Trial) -> Movement:
    """Return the prediction for this scenario's averages and schedule."""
    at = trial.scenario
    return Movement(
        damping=at.damping,
        decay=at.average_decay,
        newest=newest_batches(at.movement_steps, at.inverse_every, at.factor_every),
        factor_every=at.factor_every,
        **setup.limits(at),
    )


@check(
    "SI-19",
    (
        Integers("input_dim", 48, 60),
        setup.COVARIANCE,
        Reals("aspect", 0.1, 0.6, log=True),
        Choice("link", ("tanh", "erf", "relu", "he12", "identity", "sign")),  # he13: heavy tails
        setup.NOISE_STD,
        Reals("damping", 0.03, 1.0, log=True, easy="high"),
        Reals("average_decay", 0.1, 0.6),
        Integers("movement_steps", 2, 4),
        Integers("inverse_every", 1, 2),
        Integers("factor_every", 1, 2),
    ),
    anchors=ANCHORS,
    decisions=7,
    facts=setup.facts,
)
def averaged(trial: Trial) -> Iterator[Comparison]:
    """Add up the movement of several steps; compare it with the same batch's factors."""
    at, known = trial.scenario, setup.limits(trial.scenario)
    steps, damping = int(at.movement_steps), float(at.damping)
    limit, weighted = (limit_of(trial, steps, weight) for weight in ("identity", "covariance"))
    same = average_alignment(decay=0.0, steps=steps, damping=damping, **known)
    planned = movement(trial)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        n = setup.batch_size(at)
        setup.admit(trial, problem, n, damping=damping)
        run = list(
            factors.averaged_steps(
                trial,
                problem,
                block,
                n=n,
                decay=at.average_decay,
                steps=steps,
                factor_every=at.factor_every,
                inverse_every=at.inverse_every,
            )
        )
        moves = [directions.factor_direction(*one, damping=damping) for one in run]
        own = torch.stack([directions.kfac_direction(b, damping=damping) for b, _ in run]).sum(0)
        total = torch.stack(moves).sum(0)
        noise = noise_of(trial, problem, moves[-2:], planned)
        return {
            "total": compare.signed(trial, total, problem),
            "weighted": compare.signed(trial, total, problem, weighted=True),
            "same": compare.signed(trial, own, problem),
            "pair": (noise[0] * noise[1]).sum(-1),
            "length": length(trial, run[0][0].second_moment, run[0][1]),
        }

    allowed = of_energy(trial)
    energy = planned.label_energy * SPREAD
    replicates = max(
        compare.replicates_for_limits(trial, limit, weighted),
        compare.replicates_for(trial, allowed.value, spread=energy),
    )
    seen = setup.replicated(trial, replicates, measure)
    rivals = {
        "the same batches": same,
        "one step": limit_of(trial, 1, "identity"),
        "SGD": alignment_of("sgd", **{**known, "aspect": known["aspect"] / steps}),
    }
    yield compare.near(trial, "alignment", seen["total"], limit, rivals=rivals)
    yield compare.near(trial, "correlation", seen["weighted"], weighted, rivals={"plain": limit})
    sign = setup.predicted(trial, "average_or_same", alignment_same_batch=same, **planned.values())
    better, worse = ("total", "same") if sign > 0 else ("same", "total")
    yield compare.ordered(
        trial,
        "average_or_same",
        seen[better],
        seen[worse],
        abs(limit - same),
        label="averaged factors" if sign > 0 else "the same batches",
    )
    yield pair_noise(trial, planned, seen["pair"], allowed)
    longer = {"effective_damping": planned.factor.effective_damping}
    longer |= {"own_share": float(planned.factor.shares[0]), "aspect": known["aspect"]}
    predicted = setup.predicted(trial, "length", **longer)
    yield factors.near_trace(trial, "length", seen["length"], predicted, all_equally_long=1.0)


def limit_of(trial: Trial, steps: int, weight: str) -> float:
    """Return the limit for this scenario's schedule and this many steps."""
    at = trial.scenario
    return average_alignment(
        decay=at.average_decay,
        damping=at.damping,
        steps=steps,
        inverse_every=at.inverse_every,
        factor_every=at.factor_every,
        weight=weight,
        **setup.limits(at),
    )


def noise_of(
    trial: Trial, problem: model.SingleIndexProblem, moves: list[Tensor], planned: Movement
) -> list[Tensor]:
    """Return the last steps' movements over their lengths, less their mean c1 P beta*.

    P = S (S + l)^-1 with the effective damping l.
    """
    S = factors.dense(trial)
    damping = planned.factor.effective_damping
    shifted = S + damping * torch.eye(len(S), dtype=S.dtype, device=S.device)
    mean = planned.common["c1"] * torch.linalg.solve(shifted, S @ problem.teacher.mT).mT
    scale = planned.lengths[-len(moves) :] / planned.factor.scale
    return [move / float(x) - mean for x, move in zip(scale, moves, strict=True)]


def pair_noise(
    trial: Trial, planned: Movement, products: np.ndarray, allowed: Tolerance
) -> Comparison:
    """Compare <e_t, e_t'> of the last two steps with phi N_tt' E[P^2 / s]."""
    s = planned.spectrum.eigenvalues
    gain = planned.spectrum.expect(s / (s + planned.factor.effective_damping) ** 2)
    gain *= planned.common["aspect"]
    predicted = float(planned.noise(np.array([planned.newest.size - 2]))[0, -1])
    apart = -(planned.common["c1"] ** 2) * planned.spectrum.moment(1)
    return compare.near(
        trial,
        "noise_matrix",
        products / gain,
        predicted,
        rivals={"steps without a common noise": 0.0, "the whole signal": apart},
        tolerance=allowed,
    )


def of_energy(trial: Trial) -> Tolerance:
    """Return the tolerance of a noise level: a finite-size term and a share, both of E y^2."""
    energy = movement(trial).label_energy
    term = finite_size(NOISE_TERM / trial.scenario.input_dim * energy, "6/d of E y²")
    return term + judgement(RELATIVE.value * energy, RELATIVE.why)


def length(trial: Trial, own: Tensor, factor: Tensor) -> Tensor:
    """Return tr Shat R / tr S R (R,): the mean movement by the own batch over that by a fresh one.

    R = (factor + damping)^-1; both are means over all teachers of the overlap with the teacher.
    """
    eye = torch.eye(own.shape[-1], dtype=own.dtype, device=own.device)
    R = torch.linalg.inv(factor + trial.scenario.damping * eye)
    return (own * R).sum((-2, -1)) / (factors.dense(trial) * R).sum((-2, -1))


@averaged.extra("kept", on=[EVERY_STEP])
def small_aspect(trial: Trial) -> Iterator[Comparison]:
    """With many rows and no damping, read the noise level of one step and of several off the runs.

    The formula is the leading order in d/n: what the exact limit adds is the truncation.
    """
    at, known = trial.scenario, setup.limits(trial.scenario)
    n = round(at.input_dim / SMALL_ASPECT)
    aspect, steps = at.input_dim / n, int(at.movement_steps)
    energy = known["c1"] ** 2 * known["spectrum"].moment(1) + known["residual_var"]

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        run = factors.averaged_steps(
            trial, problem, block, n=n, decay=at.average_decay, steps=steps, name="small"
        )
        moves = [directions.factor_direction(*one) for one in run]
        return {
            str(T): noise_level(trial, problem, torch.stack(moves[:T]).mean(0), aspect)
            for T in (1, steps)
        }

    seen = setup.replicated(trial, SMALL_REPLICATES, measure, name="small teacher")
    for T in (1, steps):
        predicted = setup.predicted(trial, "kept", average_decay=at.average_decay, movement_steps=T)
        noise = energy / known["c1"] ** 2
        allowed = truncation(aspect * noise, "d/n of E y²/c_1², next order: half of it was seen")
        term = finite_size(2.0 / at.input_dim * noise, "2/d of E y²/c_1²")
        yield compare.near(
            trial,
            "kept",
            (energy - T * seen[str(T)]) / known["c1"] ** 2,
            predicted,
            rivals={"nothing kept": 0.0, "all kept": 1.0},
            tolerance=allowed + term,
            label=f"{T} steps" if T > 1 else "one step",
        )


def noise_level(
    trial: Trial, problem: model.SingleIndexProblem, beta: Tensor, aspect: float
) -> Tensor:
    """Return |S^(1/2) e|^2 n/d (R,), e the part of beta beside its mean along the teacher."""
    weighted = model.times_covariance(problem.teacher, problem.covariance)
    along = (beta * weighted).sum(-1, keepdim=True)
    c1 = setup.limits(trial.scenario)["c1"]
    gap = beta * (c1 / along.mean()) - c1 * problem.teacher
    return (gap * model.times_covariance(gap, problem.covariance)).sum(-1) / aspect


@averaged.extra("the function", on=ANCHORS)
def function(trial: Trial) -> Iterator[Comparison]:
    """Special cases of averages, other units and weights."""
    yield from of_average(trial)
