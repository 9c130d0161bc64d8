"""LR-45: joint KFAC from a random start: what decays, the clock, the length of the plateau."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.optim.kfac.joint import kfac_joint
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import plateau as runs
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import step
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import judgement, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import plateau_length

Array = NDArray[np.float64]

EXACT = (
    "representation_decay",
    "head_decay",
    "euler_representation",
    "euler_head",
    "conserved",
)
CLOCK_STEPS = 7
STARTS = 4  # on the unstable manifold
STEPS = (0.02, 0.01)  # extrapolated to 0
REPLICATES = 256
WITHIN = judgement(0.15, "the statement says 15 %; refitted heads need a third of the steps")
HORIZON = 1.5  # of the longest predicted plateau; a start that is not there counts as there


@check(
    "LR-45",
    (
        Integers("input_dim", 16, 28),
        Integers("rank", 1, 3),
        Integers("output_dim", lambda v: v["rank"] + 6, lambda v: v["rank"] + 12),
        Integers("batch_size", lambda v: 3 * v["input_dim"], lambda v: 5 * v["input_dim"]),
        Covariances(max_log10_cond=1.5),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.02, 0.04),
        Reals("head_step_size", 0.05, 0.9),
        Reals("tan_angle", 0.5, 1.5),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=1,
)
def plateau(trial: Trial) -> Iterator[Comparison]:
    """One step on a batch, the clock of a run, exact starts, random starts."""
    yield from exact_parts(trial, only=EXACT)
    yield from one_step(trial)
    problem = setup.draw_truth(trial, replicates=STARTS)
    yield from conserved_and_clock(trial, problem)
    yield from on_the_manifold(trial, problem)
    yield random_starts(trial)


def one_step(trial: Trial) -> Iterator[Same]:
    """What a joint step does to the parts outside the solution, on a noiseless batch."""
    drawn = step.draw(trial)
    problem, start = drawn.problem, model.Weights(drawn.head, drawn.representation)
    method = kfac_joint(step_size=trial.step_size, head_step_size=trial.head_step_size)
    after, _ = method.step(start, method.init(start), drawn.batch)
    complement = problem.complement
    inside = problem.head_star @ torch.linalg.pinv(problem.head_star)
    values = drawn.letters(eta=trial.step_size, eta_F=trial.head_step_size, B=as_numpy(complement))
    tolerance = rounding(
        trial.dtype,
        dim=trial.input_dim,
        condition=condition_of(drawn.batch.cov_x, drawn.head, drawn.head, drawn.representation)
        ** 2,
    )
    for part, measured in (
        ("representation_decay", after.representation @ complement.mT),
        ("head_decay", after.head - inside @ after.head),
        ("euler_representation", after.representation),
        ("euler_head", after.head),
    ):
        yield Same(
            part=part,
            label="run",
            measured=measured,
            predicted=step.printed(trial, part, values),
            axes=2,
            tolerance=tolerance,
        )


def conserved_and_clock(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Same]:
    """The change of both determinants in a tiny step; the time that passes in some steps."""
    start = runs.random_start(trial, problem)
    batch = model.population_batch(problem)
    tiny = float(torch.finfo(trial.dtype).eps ** (1 / 3))

    def log_determinants(weights: model.Weights) -> tuple[torch.Tensor, torch.Tensor]:
        F, G = weights
        return torch.logdet(F.mT @ F), torch.logdet(G @ batch.cov_x @ G.mT)

    changes = []
    for size in (tiny, 2.0 * tiny):
        method = kfac_joint(step_size=size, head_step_size=size)
        after, _ = method.step(start, method.init(start), batch)
        pairs = zip(log_determinants(after), log_determinants(start), strict=True)
        changes.append([(then - now) / (2.0 * size) + trial.rank for then, now in pairs])
    # Their scale falls by 1 - eta for each of k rows; the rest is what the flow does.
    of_head, of_rows = (2.0 * a - b for a, b in zip(*changes, strict=True))
    letters = {
        "F": as_numpy(start.head),
        "G": as_numpy(start.representation),
        "F^*": as_numpy(problem.head_star),
        "G^*": as_numpy(problem.representation_star),
        "Sigmahat": as_numpy(batch.cov_x),
    }
    sizes = step.sizes(trial)
    condition = condition_of(batch.cov_x, start.head, start.head, start.representation)
    tolerance = truncation(
        16 * trial.input_dim * tiny**2 * condition,
        f"one-sided differences of second order: 16 d eps^(2/3), condition number {condition:.3g}",
    )
    for label, measured, side in (
        ("determinant of the head", of_head, "left"),
        ("determinant of the representation", of_rows, "right"),
        ("both determinants", of_head, "right"),
    ):
        yield Same(
            part="conserved",
            label=label,
            measured=measured,
            predicted=trial.claim["conserved"].matrix(letters, sizes=sizes, side=side),
            scale=1.0 + float(measured.abs().max()),
            tolerance=tolerance,
        )
    yield from elapsed(trial, problem, start)


def elapsed(
    trial: Trial, problem: model.LinearRepresentation, start: model.Weights
) -> Iterator[Same]:
    """The time of the flow that passes in a run: how far the rescaled weights move along it."""
    batch, eta = model.population_batch(problem), trial.step_size
    method = kfac_joint(step_size=eta, head_step_size=eta)
    _, seen = simulate(
        method,
        start,
        lambda t: batch,
        num_steps=CLOCK_STEPS,
        observe={"head": lambda w: w.head, "rows": lambda w: w.representation},
    )
    powers = (1.0 - eta) ** torch.arange(
        CLOCK_STEPS + 1, dtype=trial.dtype, device=trial.device
    ).reshape(-1, 1, 1, 1)
    heads, rows = seen["head"] / powers, seen["rows"] / powers
    flow = torch.linalg.pinv(heads[:-1]) @ problem.product_star
    moved = rows[1:] - rows[:-1]
    times = (moved * flow).sum((-2, -1)) / flow.square().sum((-2, -1))
    tolerance = rounding(
        trial.dtype,
        dim=trial.input_dim * CLOCK_STEPS,
        condition=condition_of(batch.cov_x, heads, heads) / eta,
    )
    passed = times.sum(0)
    yield Same(
        part="clock",
        measured=passed,
        predicted=trial.number("clock", num_steps=CLOCK_STEPS),
        tolerance=tolerance,
    )
    yield Same(
        part="plateau",
        label="the steps after which this time has passed",
        measured=np.full(passed.shape, float(CLOCK_STEPS)),
        predicted=trial.number("plateau", plateau_time=as_numpy(passed)),
        tolerance=tolerance,
    )


def on_the_manifold(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Same]:
    """Time to an angle from starts of rank 1 on the unstable manifold, extrapolated to step 0.

    There the formula is exact, and so is what the function reads off a start.
    """
    start = runs.manifold_start(trial, problem)
    sizes = {
        name: as_numpy(getattr(start, name))
        for name in ("complement_size", "head_off_size", "start_overlap", "head_eigenvalue")
    }
    predicted = trial.number("needed", **sizes)
    times = []
    for size in STEPS:
        steps = trial.number("plateau", plateau_time=predicted, step_size=size)
        reached = runs.steps_until(
            start.problem,
            start.weights,
            step_size=size,
            tan_angle=trial.tan_angle,
            horizon=math.ceil(2.0 * float(np.max(steps))) + 2,
        )
        times.append(trial.number("clock", step_size=size, num_steps=as_numpy(reached)))
    tolerance = truncation(
        10.0 * STEPS[0] ** 2, "ten times the square of the step that is extrapolated from"
    )
    measured = 2.0 * times[1] - times[0]
    yield Same(part="needed", measured=measured, predicted=predicted, tolerance=tolerance)
    yield Same(
        part="plateau",
        label="read off the start",
        measured=trial.number("plateau", plateau_time=measured),
        predicted=lengths(trial, start.problem, start.weights),
        tolerance=tolerance,
    )


def lengths(trial: Trial, problem: model.LinearRepresentation, start: model.Weights) -> Array:
    """Return the stated number of steps for each start (R,)."""
    parts = (start.head, start.representation, problem.head_star, problem.representation_star)
    cov_x = as_numpy(problem.cov_x)
    return np.array(
        [
            plateau_length(
                F,
                G,
                head_star=F_star,
                representation_star=G_star,
                cov_x=cov_x,
                step_size=trial.step_size,
                tan_angle=trial.tan_angle,
            )
            for F, G, F_star, G_star in zip(*(as_numpy(part) for part in parts), strict=True)
        ]
    )


def random_starts(trial: Trial) -> Near:
    """Steps to an angle from random starts of one problem, each against its own prediction."""
    problem = setup.draw_truth(trial, replicates=trial.replicates(REPLICATES))
    start = runs.random_start(trial, problem, "random starts")
    predicted = lengths(trial, problem, start)
    reached = runs.steps_until(
        problem,
        start,
        step_size=trial.step_size,
        tan_angle=trial.tan_angle,
        horizon=math.ceil(HORIZON * predicted.max()) + 5,
    )
    mean = float(predicted.mean())
    return Near(
        part="plateau",
        label="random starts",
        samples=as_numpy(reached) - predicted + mean,
        predicted=mean,
        tolerance=WITHIN.times(mean, "of the mean"),
        rival=Rival("a refitted head", math.log(2.0) / 2.0 / trial.step_size),
    )
