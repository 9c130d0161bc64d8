"""LR-41: five methods from the slowest mode, for as many rows as they are said to need."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim.adam import adam
from lpfl.optim.core.method import Memory, Method
from lpfl.optim.kfac import kfac
from lpfl.optim.sgd import sgd
from lpfl.optim.shampoo import shampoo
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import muon_course
from lpfl.verify.setups.linear import noise_dominated as noisy
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_complement
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import samples_to_reach
from theory.linear_representation.variants.steps.powers import overhead_of

Array = NDArray[np.float64]

REPLICATES = 1000
WARM_UP = {"Shampoo": 100, "Adam": 1000}  # an entry of Adam sees the start as well as the noise
AVERAGING = 0.9999  # far longer than the warm-up: all its gradients weigh the same
POWERS = {"SGD": 0.0, "Shampoo": 0.5, "Adam": 0.5, "KFAC": 1.0}
NOISY = ("Shampoo", "Adam")  # the head is kept, H and Sigma are diagonal
OTHER_STEPS = {"half the step": 0.5, "twice the step": 2.0}
ROOM = judgement(0.07, "room for the interval of the mean; the rival is a third away")
NO_SLACK = judgement(0.0, "the ordering is strict")


@dataclass(frozen=True)
class Course:
    """What a method is to do: its power, step size, accuracy, start, overhead and steps."""

    power: float
    step_size: float
    accuracy: float
    start: float
    overhead: float
    steps: int


def one_of(method: str) -> Scenario:
    """Return a scenario of a method, so that every one of them runs in every profile."""
    sizes = {"input_dim": 8, "rank": 3, "output_dim": 3, "batch_size": 3000}
    course = {"fastest_rate": 0.09, "log_start_over_accuracy": 2.0, "noise_std": 0.03}
    rest = {"head_log10_cond": 0.55, "method": method, "input_law": "gaussian"}
    covariance = CovarianceSpec(8, "geometric", 0.2, "haar", 0)
    return Scenario({**sizes, **course, **rest, "covariance": covariance})


@check(
    "LR-41",
    (
        Integers("input_dim", 7, 8),
        Integers("rank", 3, 4),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3),
        Covariances(max_log10_cond=0.2),
        Reals("head_log10_cond", 0.5, 0.6),
        Reals("fastest_rate", 0.08, 0.1),
        Reals("log_start_over_accuracy", 1.6, 2.2),
        Integers("batch_size", 1000, 10000, log=True),
        Reals("noise_std", 0.01, 0.1, log=True),
        Choice("method", (*POWERS, "Muon")),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(one_of("SGD"), one_of("Adam"), one_of("Muon")),
    decisions=5,
    facts=lambda scenario: {
        **noisy.facts(scenario, step_size=scenario.fastest_rate),
        "input_law": "gaussian",
    },
)
def powers(trial: Trial) -> Iterator[Comparison]:
    """Run the best step size, half and twice of it, and SGD with its own best one."""
    if trial.method == "Muon":
        yield from muon_course.muon_rows(trial, OTHER_STEPS, ROOM)
        return
    problem = truth(trial)
    heads, schurs = curvatures(trial, problem)
    course = planned(trial, heads, schurs)
    setup.admit(
        trial,
        problem,
        batch_size=trial.batch_size,
        step_size=course.step_size,
        multiplier=1.0 - trial.fastest_rate,
    )
    T, left = ended(trial, trial.method, problem, course, course.step_size)
    steps_error = finite_size(trial.fastest_rate / 2.0, "half of the fastest rate per step")
    squares = T.square().sum((-2, -1))
    taken = course.steps * trial.batch_size
    predicted = samples_to_reach(
        course.power,
        accuracy=course.accuracy,
        start=course.start,
        noise_std=trial.noise_std,
        head_eigenvalues=heads,
        schur_eigenvalues=schurs,
    )
    unsettled = (1.0 - 1.0 / course.overhead) * math.exp(1.0 - course.overhead)
    near = ROOM + steps_error + finite_size(unsettled, "what the floor still lacks at the end")
    yield Near(
        part="samples",
        label=trial.method,
        samples=as_numpy(squares) / course.accuracy * taken,
        predicted=predicted,
        tolerance=near.times(predicted, "relative to the rows"),
        rival=Rival(
            "no logarithm", predicted * (1.0 + trial.log_start_over_accuracy) / course.overhead
        ),
    )
    kept = left / math.sqrt(course.start)
    folds = -2.0 * (math.log(kept.mean()) + kept / kept.mean() - 1.0)
    yield Near(
        part="overhead",
        label=trial.method,
        samples=folds - math.log(course.overhead),
        predicted=trial.number("overhead", overhead=course.overhead),
        tolerance=near.times(2.0 * (course.overhead - 1.0), "over as many e-folds of the square"),
        rival=Rival("no logarithm", course.overhead - 1.0),
    )
    factors = dict(OTHER_STEPS)
    if trial.method == "Shampoo":  # its statistics are slow to compute
        del factors["twice the step"]
    for label, factor in factors.items():
        other, _ = ended(trial, trial.method, problem, course, factor * course.step_size)
        yield Ordered(
            part="best_step",
            label=label,
            better=as_numpy(other.square().sum((-2, -1))),
            worse=as_numpy(squares),
            slack=NO_SLACK,
        )
    if trial.method == "SGD":
        return
    own = best_step(trial, heads, schurs, power=0.0, course=course)
    slower, _ = ended(trial, "SGD", problem, course, own)
    yield Ordered(
        part="order",
        label=f"SGD after the rows of {trial.method}",
        better=as_numpy(slower.square().sum((-2, -1))),
        worse=as_numpy(squares),
        slack=NO_SLACK,
    )


def truth(trial: Trial) -> model.LinearRepresentation:
    """Return one truth for all replicates; a diagonal one where the head is kept."""
    replicates = trial.replicates(REPLICATES)
    if trial.method in NOISY:
        heads, inputs = setup.head_eigenvalues(trial.scenario), trial.covariance.spectrum()
        return noisy.diagonal_truth(trial, heads, np.asarray(inputs), replicates=replicates)
    one = setup.draw_truth(trial, replicates=1, noise_std=trial.noise_std)
    return setup.repeated(one, replicates)


def curvatures(trial: Trial, problem: model.LinearRepresentation) -> tuple[Array, Array]:
    """Return the eigenvalues of H and of Sigma_s."""
    schurs = np.linalg.eigvalsh(schur_complement(problem))
    return setup.head_eigenvalues(trial.scenario), np.asarray(schurs)


def planned(trial: Trial, heads: Array, schurs: Array) -> Course:
    """Return the course of best step size whose fastest mode has about the drawn rate.

    The start loses overhead - 1 e-folds of its square: the rate is turned so that they take a
    whole number of steps.
    """
    power = POWERS[trial.method]
    overhead = overhead_of(trial.log_start_over_accuracy)
    slowest_mode, fastest_mode = heads.min() * schurs.min(), heads.max() * schurs.max()
    rate = trial.fastest_rate * float(slowest_mode / fastest_mode) ** (1.0 - power)
    steps = math.ceil((overhead - 1.0) / (2.0 * rate))
    step_size = (overhead - 1.0) / (2.0 * steps) / float(slowest_mode) ** (1.0 - power)
    unit = best_step_of(trial, heads, schurs, power, accuracy=1.0, overhead=overhead)
    accuracy = step_size / unit
    start = accuracy * math.exp(trial.log_start_over_accuracy)
    return Course(power, step_size, accuracy, start, overhead, steps)


def best_step_of(
    trial: Trial, heads: Array, schurs: Array, power: float, *, accuracy: float, overhead: float
) -> float:
    """Return the stated best step size."""
    return float(
        trial.number(
            "best_step",
            accuracy=accuracy,
            overhead=overhead,
            head_power_trace=(heads**-power).sum(),
            schur_power_trace=(schurs**-power).sum(),
        )
    )


def best_step(trial: Trial, heads: Array, schurs: Array, *, power: float, course: Course) -> float:
    """Return the best step size of another power, for the same accuracy and start."""
    wanted = {"accuracy": course.accuracy, "overhead": course.overhead}
    return best_step_of(trial, heads, schurs, power, **wanted)


def method_of(
    trial: Trial, name: str, problem: model.LinearRepresentation, step_size: float
) -> Method:
    """Return the optimizer; Shampoo's step size in units of the mean statistics of the noise."""
    frozen = trial.method in NOISY
    if name == "KFAC":
        return kfac(step_size=step_size)
    if name == "SGD":
        return sgd(step_size=step_size, head="frozen" if frozen else "least_squares")
    if name == "Adam":
        size = step_size * trial.noise_std / math.sqrt(trial.batch_size)
        return adam(step_size=size, beta1=0.0, beta2=AVERAGING, epsilon=0.0, head="frozen")
    heads = setup.head_eigenvalues(trial.scenario).sum()
    spread = math.sqrt(float(heads) * float(torch.trace(problem.cov_x)))
    return shampoo(
        step_size=step_size * spread * trial.noise_std**2 / trial.batch_size,
        exponent=0.5,
        statistics="average",
        averaging=AVERAGING,
        head="frozen",
    )


def source(trial: Trial, problem: model.LinearRepresentation) -> Callable[[], model.Batch]:
    """Return batches, the same ones at every call of this function."""
    stream = trial.stream("batches")
    if trial.method in NOISY:
        return lambda: noisy.noisy_batch(problem, trial.batch_size, stream)
    return lambda: sample_moments(problem, trial.batch_size, stream)


def ended(
    trial: Trial, name: str, problem: model.LinearRepresentation, course: Course, step_size: float
) -> tuple[Tensor, Array]:
    """Return T after the planned steps, and its part along the start, per replicate."""
    method = method_of(trial, name, problem, step_size)
    next_batch = source(trial, problem)
    G_star, B = problem.representation_star, problem.complement
    direction = slowest(problem)
    memory: Memory = method.init(model.Weights(problem.head_star, G_star))
    if name in NOISY:
        memory = warm(trial, method, problem)
    G = G_star + math.sqrt(course.start) * direction @ B
    weights = model.Weights(problem.head_star, G)
    for _ in range(course.steps):
        weights, memory = method.step(weights, memory, next_batch())
    T = linalg.tangent_matrix(weights.representation, G_star, B)
    return T, as_numpy((T * direction).sum((-2, -1)))


def warm(trial: Trial, method: Method, problem: model.LinearRepresentation) -> Memory:
    """Return statistics of gradients at the solution; they do not depend on the step size much."""
    if "warm" not in trial.memory:
        stream = trial.stream("warm-up")
        (_, trial.memory["warm"]), _ = noisy.run_to_stationarity(
            method,
            problem,
            lambda: noisy.noisy_batch(problem, trial.batch_size, stream),
            num_steps=WARM_UP[trial.method],
        )
    kept: Memory = trial.memory["warm"]
    return kept


def slowest(problem: model.LinearRepresentation) -> Tensor:
    """Return the tangent of length 1 (k, d-k) with the smallest lambda_i mu_j."""
    F = problem.head_star[0]
    _, left = torch.linalg.eigh(F.mT @ F)
    schur = torch.as_tensor(schur_complement(problem), dtype=F.dtype, device=F.device)
    _, right = torch.linalg.eigh(schur)
    return torch.outer(left[:, 0], right[:, 0])
