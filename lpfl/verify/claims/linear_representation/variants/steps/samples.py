"""LR-40: errors after few steps with scheduled step sizes, several ways to use all rows."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.method import Method
from lpfl.optim.drive import on_linear_representation
from lpfl.optim.kfac import Kfac, kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival, Same
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import gradient_rows
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

Array = NDArray[np.float64]

REPLICATES = 2000
STEPS = 5
KNOWN_HEAD_STEPS = 2
JOINT_STEPS, JOINT_ROWS = 8, 4  # rows per input dimension
REFIT_STEPS, REFIT_ROWS = 24, 4  # rows per rank
AVERAGED_STEPS = 8
FULL_STEPS = 3
ALL_ROWS_ALIKE = 1.0 - 1e-9  # decay of an average in which every batch has the same weight
ROOM = judgement(0.14, "1 % for the next order in the noise, the rest for the interval of a mean")
SCHEDULE = judgement(0.25, "under half of the way to steps that forget the start")
NO_SLACK = judgement(0.0, "the ordering is strict")


@check(
    "LR-40",
    (
        Integers("rank", 3, 4),
        Integers("input_dim", lambda v: v["rank"] + 3, lambda v: v["rank"] + 4),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.3, 1.3),
        Reals("start_share", 0.2, 0.4),
        Integers("batch_size", lambda v: 2 * v["input_dim"], lambda v: 3 * v["input_dim"]),
        Reals("noise_std", 0.0005, 0.003, log=True),
        Choice("all_rows", ("recursive", "refitted")),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=11,
)
def samples(trial: Trial) -> Iterator[Comparison]:
    """Run schedules from a start of known length, then from the truth."""
    problem = floors.one_truth(trial, REPLICATES)
    trial.admit(batch_size=trial.batch_size, step_size=trial.step_size)
    yield information(trial, problem)
    yield from scheduled(trial, problem)
    yield from all_rows(trial, problem)
    yield averaged(trial, problem)
    yield gradient_rows.averaged_gradient(trial, ROOM)
    yield from gradient_rows.falling(trial, ROOM)


def noise_of(trial: Trial) -> float:
    """Return A_T = sigma^2 tr H^-1 tr Sigma_s^-1."""
    return floors.unit(trial) * (trial.batch_size - trial.input_dim - 1)


def of_size(step_size: float) -> Method:
    """Return alternating KFAC."""
    return kfac(step_size=step_size)


def run(
    make: Callable[[float], Method],
    step_sizes: Sequence[float],
    weights: model.Weights,
    next_batch: Callable[[], model.Batch],
) -> list[model.Weights]:
    """Return the weights after every step, one method per step size with the same memory."""
    memory = make(step_sizes[0]).init(weights)
    seen = []
    for step_size in step_sizes:
        weights, memory = make(step_size).step(weights, memory, next_batch())
        seen.append(weights)
    return seen


def tangents(problem: model.LinearRepresentation, weights: model.Weights) -> Tensor:
    """Return T (R, k, d-k)."""
    G_star, B = problem.representation_star, problem.complement
    return linalg.tangent_matrix(weights.representation, G_star, B)


def squares(problem: model.LinearRepresentation, weights: model.Weights) -> Array:
    """Return |T|_F^2 per replicate."""
    return as_numpy(tangents(problem, weights).square().sum((-2, -1)))


def batches(
    trial: Trial, problem: model.LinearRepresentation, rows: int, *name: str
) -> Callable[[], model.Batch]:
    """Return a source of batches; the same name gives the same batches."""
    stream = trial.stream(*name)
    return lambda: sample_moments(problem, rows, stream)


def information(trial: Trial, problem: model.LinearRepresentation) -> Same:
    """The Fisher matrix of the model at the truth: variance of dT with everything else unknown."""
    one = model.Weights(problem.head_star[:1], problem.representation_star[:1])
    fisher = as_numpy(model.gauss_newton(one, problem.cov_x)[0]) / trial.noise_std**2
    B = as_numpy(problem.complement[0])
    of_G = np.kron(B, np.eye(trial.rank))  # vec dG, column by column, to vec(dG B')
    pick = np.hstack([of_G, np.zeros((len(of_G), len(fisher) - of_G.shape[1]))])
    rows = STEPS * trial.batch_size
    variance = np.trace(pick @ np.linalg.pinv(fisher, rcond=1e-10) @ pick.T) / rows
    return Same(
        part="bound",
        label="inverse of the Fisher matrix",
        measured=variance,
        predicted=trial.number("bound", tangent_noise=noise_of(trial), total_samples=rows),
        tolerance=rounding(
            trial.dtype,
            dim=len(fisher),
            condition=condition_of(problem.cov_x, one.head, one.head) ** 2,
        ),
    )


def scheduled(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Comparison]:
    """The Kalman schedule beside 1/(t + 1), on the same batches."""
    n, d, A = trial.batch_size, trial.input_dim, noise_of(trial)
    start_error = trial.start_share * floors.unit(trial)
    T = torch.randn(
        *problem.representation_star.shape[:-1],
        trial.input_dim - trial.rank,
        generator=trial.stream("start"),
        dtype=trial.dtype,
        device=problem.cov_x.device,
    )
    T = start_error**0.5 * T / torch.linalg.matrix_norm(T, keepdim=True)
    start = model.Weights(problem.head_star, problem.representation_star + T @ problem.complement)
    known = {"tangent_noise": A, "start": start_error}
    best = [trial.number("schedule", num_steps=t, **known) for t in range(STEPS)]
    rivals = {"1/(t + 1)": [1.0 / (t + 1) for t in range(STEPS)]}
    ends = {
        name: squares(
            problem,
            run(of_size, steps, start, batches(trial, problem, n, "one"))[-1],
        )
        for name, steps in {"Kalman": best, **rivals}.items()
    }
    yield best_step(trial, problem, start, best, known)
    predicted = trial.number("error", num_steps=STEPS, **known)
    wrong = trial.number(
        "error", num_steps=STEPS, tangent_noise=A * (n - d - 1) / n, start=start_error
    )
    yield Near(
        part="error",
        samples=ends["Kalman"],
        predicted=predicted,
        tolerance=ROOM.times(predicted, "relative to the error"),
        rival=Rival("the population covariance", wrong),
    )
    rows = trial.number("samples", accuracy=predicted, **known)
    per_error = n * A / (n - d - 1) / predicted**2  # rows per unit of a small excess of the error
    yield Near(
        part="samples",
        samples=STEPS * n + (ends["Kalman"] - predicted) * per_error,
        predicted=rows,
        tolerance=ROOM.times(0.75 * predicted * per_error, "three quarters of it, in rows"),
        rival=Rival("the population covariance", rows * (n - d - 1) / n),
    )
    for name in rivals:
        yield Ordered(
            part="best", label=name, better=ends[name], worse=ends["Kalman"], slack=NO_SLACK
        )
    yield Ordered(
        part="bound",
        label="steps of 1/(t + 1)",
        better=ends["1/(t + 1)"],
        worse=np.full(
            ends["Kalman"].shape,
            trial.number("bound", tangent_noise=A, total_samples=STEPS * n),
        ),
        slack=NO_SLACK,
    )


def best_step(
    trial: Trial,
    problem: model.LinearRepresentation,
    start: model.Weights,
    schedule: Sequence[float],
    known: dict[str, float],
) -> Near:
    """After all but one step: the step size that would leave the smallest mean square.

    A step of size s leaves T - s D with D = T - T_1, T_1 after a full step: the best s is the
    mean of <T, D> over that of |D|^2.
    """
    next_batch = batches(trial, problem, trial.batch_size, "schedule")
    before = run(of_size, schedule[:-1], start, next_batch)[-1]
    full = run(of_size, [1.0], before, next_batch)[0]
    T = tangents(problem, before)
    D = T - tangents(problem, full)
    inner, length = (as_numpy((one * D).sum((-2, -1))) for one in (T, D))
    ratio = inner.mean() / length.mean()
    predicted = trial.number("schedule", num_steps=STEPS - 1, **known)
    return Near(
        part="schedule",
        samples=ratio + (inner - ratio * length) / length.mean(),
        predicted=predicted,
        tolerance=SCHEDULE.times(predicted, "relative to the step size"),
        rival=Rival("one over the number of steps", 1.0 / STEPS),
    )


def all_rows(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Near]:
    """Step sizes 1/t with an input factor averaged over all rows, for three kinds of head."""
    A, d, k = noise_of(trial), trial.input_dim, trial.rank
    cases = (
        ("recursive", "true head", "frozen", d + 6, KNOWN_HEAD_STEPS, 0.0),
        ("recursive", "both layers", "joint", JOINT_ROWS * d, JOINT_STEPS, 1.0 / JOINT_ROWS / 3),
        ("refitted", "", "least_squares", REFIT_ROWS * k, REFIT_STEPS, 1.0 / REFIT_STEPS),
    )
    for part, label, head, rows, steps, small in cases:
        if part != trial.all_rows:
            continue

        def make(eta: float, head: str = head) -> Method:
            rule = Kfac(step_size=eta, averaging=ALL_ROWS_ALIKE)
            return on_linear_representation(rule, head=head)

        start = model.Weights(problem.head_star, problem.representation_star)
        sizes = [1.0 / (t + 1) for t in range(steps)]
        seen = run(make, sizes, start, batches(trial, problem, rows, part, label))
        total = rows * steps
        known = {"tangent_noise": A, "total_samples": total}
        if part == "refitted":
            known["batch_size"] = rows
        predicted = trial.number(part, **known)
        rival = {
            "true head": Rival("the bound", A / total),
            "both layers": Rival("the factor of one batch", A / (rows - d - 1) / steps),
            "": Rival("no row lost", A / total),
        }[label]
        yield Near(
            part=part,
            label=label,
            samples=squares(problem, seen[-1]),
            predicted=predicted,
            tolerance=allowed(predicted, small),
            rival=rival,
        )


def allowed(predicted: float, small: float) -> Tolerance:
    """Return the room, and the next order in d/n or in the inverse of the number of steps."""
    return (ROOM + finite_size(small, "the next order in d/n or 1/t")).times(
        predicted, "relative to the error"
    )


def averaged(trial: Trial, problem: model.LinearRepresentation) -> Near:
    """The mean of the iterates of a constant step size, started at the truth."""
    start = model.Weights(problem.head_star, problem.representation_star)
    sizes = [trial.step_size] * AVERAGED_STEPS
    next_batch = batches(trial, problem, trial.batch_size, "averaged")
    seen = run(of_size, sizes, start, next_batch)
    mean = torch.stack([tangents(problem, weights) for weights in seen]).mean(0)
    predicted = trial.number("averaged", tangent_noise=noise_of(trial), num_steps=AVERAGED_STEPS)
    last = trial.step_size / (2.0 - trial.step_size) * floors.unit(trial)
    return Near(
        part="averaged",
        samples=as_numpy(mean.square().sum((-2, -1))),
        predicted=predicted,
        tolerance=ROOM.times(predicted, "relative to the error"),
        rival=Rival("the last iterate", last),
    )
