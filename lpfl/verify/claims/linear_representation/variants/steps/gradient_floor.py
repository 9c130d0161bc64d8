"""LR-32: rows of T, and of G - G*, under gradient steps: one step, and the long run."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim.amgd import amgd
from lpfl.optim.core.method import Method
from lpfl.optim.sgd import sgd
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import edges
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.stated import same_function
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import judgement
from lpfl.verify.trial import Trial, as_numpy, default_facts
from theory.linear_representation.variants.steps.gradient_floor import row_floor

SQUARES = judgement(0.08, "of a floor, below half of what the spread of small batches adds to it")
HALF_WIDTH = 0.06
GAIN = judgement(0.08, "of a gain: below half of the distance to an unstable one")
GAIN_REPLICATES = 6000  # times (n/freedom)^2: 6.5 standard errors are about 0.08, below GAIN
LEFT = 0.01


def own(input_dim: int, rows: int, fraction: float) -> Scenario:
    """Return a scenario of few rows."""
    sizes = {"input_dim": input_dim, "rank": 2, "output_dim": 3, "batch_size": rows}
    fields = {"head_log10_cond": 0.1, "noise_std": 0.001, "input_law": "gaussian"}
    covariance = CovarianceSpec(input_dim, "geometric", 0.3, "haar", 0)
    return Scenario({**sizes, **fields, "covariance": covariance, "stable_fraction": fraction})


FEWER_ROWS = own(6, 4, 0.7)


@dataclass(frozen=True)
class Kind:
    """A method, its parts of the claim, and the covariance that its rows meet.

    freedom: degrees of freedom of what the step sees of a batch.
    """

    method: Method
    floor: str
    gain: str
    covariance: np.ndarray
    resistance: str
    freedom: int


def step_size(scenario: Mapping[str, Any]) -> float:
    """Return a fraction of a step whose mean square is stable: 1/(largest eigenvalue + trace/n)."""
    spectrum = scenario["covariance"].spectrum()
    bound = spectrum[0] + spectrum.sum() / scenario["batch_size"]
    return float(scenario["stable_fraction"] / bound)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the step size."""
    return {**default_facts(scenario), "step_size": step_size(scenario)}


@check(
    "LR-32",
    (
        Integers("input_dim", 4, 6),
        Integers("rank", 1, 2),
        setup.OUTPUT_DIM,
        Integers("batch_size", lambda v: v["input_dim"] + 1, lambda v: 2 * v["input_dim"] + 2),
        Covariances(max_log10_cond=0.4),
        Reals("head_log10_cond", 0.0, 0.2),
        Reals("stable_fraction", 0.6, 0.9),
        Reals("noise_std", 0.001, 0.01, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(FEWER_ROWS,),
    decisions=5,
    facts=facts,
)
def gradient_floors(trial: Trial) -> Iterator[Comparison]:
    """The steepest row of H: its gain from one step, its floor from the long run."""
    trial.admit(**facts(trial.scenario))
    for kind in kinds(trial):
        yield one_step(trial, kind)
        yield long_run(trial, kind)
    yield from public_function(trial)
    yield edges.of_row_floor()


def kinds(trial: Trial) -> tuple[Kind, Kind]:
    """Return alternating descent on T and gradient descent with the true head on G - G*."""
    problem = factors.single_truth(trial)
    Sigma = as_numpy(problem.cov_x)
    B = as_numpy(problem.complement[0])
    values = {"B": B, "Sigma": Sigma}
    schur = setup.evaluate_definition(trial, "Sigma_s", values)
    eta, n = step_size(trial.scenario), trial.batch_size
    return (
        Kind(amgd(step_size=eta), "floor", "gain", schur, "D_i", n - trial.rank),
        Kind(
            sgd(step_size=eta, head="frozen"),
            "frozen_head_floor",
            "frozen_head_gain",
            Sigma,
            "D_i^G",
            n,
        ),
    )


def stated(trial: Trial, kind: Kind, part: str) -> float:
    """Return the right side of a part for the largest eigenvalue of H."""
    values = {
        "eta": step_size(trial.scenario),
        "sigma": trial.noise_std,
        "lambda_i": largest(trial),
        "Sigma_s" if kind.resistance == "D_i" else "Sigma": kind.covariance,
    }
    return float(trial.claim[part].matrix(values, sizes=sizes(trial)))


def sizes(trial: Trial) -> dict[str, int]:
    return {"d": trial.input_dim, "k": trial.rank, "m": trial.output_dim, "n": trial.batch_size}


def largest(trial: Trial) -> float:
    """Return the largest eigenvalue of H."""
    return float(setup.head_eigenvalues(trial.scenario)[0])


def start_rows(trial: Trial, kind: Kind, replicates: int) -> Tensor:
    """Return rows (R, 1, columns) whose covariance is the inverse of the stated resistance."""
    values = {
        "eta": step_size(trial.scenario),
        "lambda_i": largest(trial),
        "Sigma_s" if kind.resistance == "D_i" else "Sigma": kind.covariance,
    }
    resistance = setup.evaluate_definition(trial, kind.resistance, values)
    root = trial.tensor(np.linalg.cholesky(np.linalg.inv(resistance)))
    stream = trial.stream("rows", kind.gain)
    size = root.shape[-1]
    drawn = torch.randn(
        replicates, 1, size, generator=stream, dtype=trial.dtype, device=root.device
    )
    return drawn @ root.mT


def steepest(problem: model.LinearRepresentation) -> Tensor:
    """Return the eigenvector (R, 1, k) of H with the largest eigenvalue."""
    H = problem.head_star.mT @ problem.head_star
    return torch.linalg.eigh(H).eigenvectors[..., -1:].mT


def rows_of(problem: model.LinearRepresentation, kind: Kind, weights: model.Weights) -> Tensor:
    """Return the steepest row (R, 1, .) of T, or of G - G* for the true head."""
    G, G_star = weights.representation, problem.representation_star
    if kind.resistance == "D_i":
        deviation = linalg.tangent_matrix(G, G_star, problem.complement)
    else:
        deviation = G - G_star
    return steepest(problem) @ deviation


def one_step(trial: Trial, kind: Kind) -> Comparison:
    """One noise-free step from rows whose mean square the recursion changes by (gain - 1)."""
    planned = math.ceil(GAIN_REPLICATES * (trial.batch_size / kind.freedom) ** 2)
    problem = factors.one_truth(trial, planned)
    rows = start_rows(trial, kind, problem.head_star.shape[0])
    whole = rows @ problem.complement if kind.resistance == "D_i" else rows
    G = problem.representation_star + factors.smallness(trial.dtype) * steepest(problem).mT @ whole
    if kind.method.orthonormal:
        G = linalg.orthonormal_rows(G)
    stream = trial.stream("step", kind.gain)
    batch = sample_moments(problem, trial.batch_size, stream)
    after, _ = kind.method.step(model.Weights(problem.head_star, G), {}, batch)
    moved = rows_of(problem, kind, after) / factors.smallness(trial.dtype)
    growth = factors.inner(moved, moved) - factors.inner(rows, rows)
    rate = step_size(trial.scenario) * largest(trial) * float(np.trace(kind.covariance))
    return Near(
        part=kind.gain,
        samples=1.0 + growth * trial.batch_size**2 / (kind.freedom * rate),
        predicted=stated(trial, kind, kind.gain),
        tolerance=GAIN,
        rival=Rival("an unstable recursion", 1.0),
    )


def long_run(trial: Trial, kind: Kind) -> Comparison:
    """Time averages of the squared row over independent trajectories from the truth."""
    n = trial.batch_size
    rates = step_size(trial.scenario) * largest(trial) * np.linalg.eigvalsh(kind.covariance)
    gain = stated(trial, kind, kind.gain)
    slowest = 2.0 * float(rates.min()) * kind.freedom / n * (1.0 - gain)
    burn_in = math.ceil(-math.log(LEFT) / slowest)
    num_steps = math.ceil(2.0 / slowest)
    spread2 = 1.5 * 2.0 * floors.share(1.0 / (2.0 - rates)) / 2.0 + 2.0 / n / num_steps
    replicates = floors.replicates_for(spread2, HALF_WIDTH)
    problem = factors.one_truth(trial, replicates, noise_std=trial.noise_std)
    stream = trial.stream("long run", kind.floor)
    weights = model.Weights(problem.head_star, problem.representation_star)
    total = np.zeros(problem.head_star.shape[0])
    for t in range(burn_in + num_steps):
        batch = sample_moments(problem, n, stream)
        weights, _ = kind.method.step(weights, {}, batch)
        if t >= burn_in:
            row = rows_of(problem, kind, weights)
            total += factors.inner(row, row) / num_steps
    predicted = stated(trial, kind, kind.floor)
    many = float(step_size(trial.scenario) * trial.noise_std**2 / n * (1.0 / (2.0 - rates)).sum())
    far = abs(many / predicted - 1.0) > 2.5 * SQUARES.value
    trial.memory[kind.floor] = total, predicted
    return Near(
        part=kind.floor,
        samples=total,
        predicted=predicted,
        tolerance=SQUARES.times(predicted, "relative to the floor"),
        rival=Rival("many rows", many) if far else None,
    )


def public_function(trial: Trial) -> Iterator[Comparison]:
    """The function of the eigenvalues, against the same runs and against the statement."""
    total, stated_floor = trial.memory["floor"]
    kind = kinds(trial)[0]
    value = row_floor(
        largest(trial),
        np.linalg.eigvalsh(kind.covariance),
        step_size=step_size(trial.scenario),
        noise_std=trial.noise_std,
        n=trial.batch_size,
        rank=trial.rank,
    )
    yield Near(
        part="floor",
        samples=total,
        predicted=value,
        tolerance=SQUARES.times(value, "relative to the floor"),
        label="the function of the eigenvalues",
    )
    yield same_function("floor", value, stated_floor)
