"""Single steps near the truth with an input factor of one's choice, in whitened tangents.

Rows of T times a root of the Schur complement Sigma_s are what the statements speak of: in them no
covariance is left. ``Start.head_error`` is u, with F = F* (I + u).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from lpfl import linalg
from lpfl.optim.core.method import Memory, Method
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]
Second = Callable[[Generator], model.Batch]


def smallness(dtype: torch.dtype) -> float:
    """Return a size of the tangents at which what is quadratic in them is as small as rounding."""
    return float(torch.finfo(dtype).eps ** (1 / 3))


@dataclass(frozen=True)
class Frame:
    """Roots of Sigma_s (p, p) and of the block of Sigma in the rows of G* (k, k), one truth."""

    complement_root: Tensor
    representation_root: Tensor

    @classmethod
    def of(cls, problem: model.LinearRepresentation) -> "Frame":
        G, B, Sigma = problem.representation_star[0], problem.complement[0], problem.cov_x
        schur = torch.linalg.inv(B @ torch.linalg.inv(Sigma) @ B.mT)
        block = G @ Sigma @ G.mT
        roots = [torch.linalg.cholesky((S + S.mT) / 2) for S in (schur, block)]
        return cls(*roots)

    def tangents(self, whitened: Tensor) -> Tensor:
        """Return T for T times the root of Sigma_s."""
        return torch.linalg.solve_triangular(
            self.complement_root, whitened, upper=False, left=False
        )

    def head_errors(self, whitened: Tensor) -> Tensor:
        """Return u for u times the root of the other block."""
        return torch.linalg.solve_triangular(
            self.representation_root, whitened, upper=False, left=False
        )


def at_truth(
    problem: model.LinearRepresentation,
    T: Tensor,
    head_error: Tensor | None = None,
    *,
    small: float | None = None,
) -> model.Weights:
    """Return G = G* + T B and F = F* (I + u), both deviations times ``small``."""
    small = small or smallness(T.dtype)
    F, G = problem.head_star, problem.representation_star
    if head_error is not None:
        F = F + small * F @ head_error
    return model.Weights(F, G + small * T @ problem.complement)


def tangents_of(
    problem: model.LinearRepresentation, weights: model.Weights, *, small: float | None = None
) -> Tensor:
    """Return the tangent matrix over ``small``."""
    small = small or smallness(weights.representation.dtype)
    G_star, B = problem.representation_star, problem.complement
    return linalg.tangent_matrix(weights.representation, G_star, B) / small


def one_step(
    trial: Trial,
    method: Method,
    problem: model.LinearRepresentation,
    whitened: Tensor,
    *,
    rows: int,
    name: str,
    head_error: Tensor | None = None,
    second: Second | None = None,
) -> Tensor:
    """Return the whitened tangents after one step on a fresh batch of ``rows`` rows.

    whitened (R, k, p) and head_error (R, k, k): the start, in whitened coordinates.
    """
    frame, stream = Frame.of(problem), trial.stream("step", name)
    u = None if head_error is None else frame.head_errors(head_error)
    start = at_truth(problem, frame.tangents(whitened), u)
    batch = sample_moments(problem, rows, stream)
    data = batch if second is None else (batch, second(stream))
    after, _ = method.step(start, method.init(start), data)
    return tangents_of(problem, after) @ frame.complement_root


def chain(
    trial: Trial,
    method: Method,
    problem: model.LinearRepresentation,
    whitened: Tensor,
    *,
    rows: int,
    warm: int,
    steps: int,
    name: str,
    small: float | None = None,
    memory: Memory | None = None,
) -> list[Tensor]:
    """Return the whitened tangents along ``steps`` steps, the start first.

    warm: steps at the truth before the tangents are put there, which fill the memory of the method,
    an empty one or ``memory``.
    small: size of the tangents in the run (default: for linear steps).
    """
    frame, stream = Frame.of(problem), trial.stream("chain", name)
    weights = model.Weights(problem.head_star, problem.representation_star)
    memory = method.init(weights) if memory is None else memory
    for _ in range(warm):
        _, memory = method.step(weights, memory, sample_moments(problem, rows, stream))
    weights = at_truth(problem, frame.tangents(whitened), small=small)
    path = [whitened]
    for _ in range(steps):
        weights, memory = method.step(weights, memory, sample_moments(problem, rows, stream))
        path.append(tangents_of(problem, weights, small=small) @ frame.complement_root)
    return path


def of_population(method: Method, problem: model.LinearRepresentation) -> Memory:
    """Return the memory after one step at the truth on the population: averages can be inverted."""
    weights = model.Weights(problem.head_star, problem.representation_star)
    _, memory = method.step(weights, method.init(weights), model.population_batch(problem))
    return memory


def settled_squares(
    trial: Trial,
    method: Method,
    problem: model.LinearRepresentation,
    *,
    rows: int,
    warm: int,
    steps: int,
    name: str,
) -> Array:
    """Return means of |T|^2 over ``steps`` steps, after ``warm`` that begin with a population."""
    stream, observe = trial.stream("settled", name), floors.squared_tangents(problem)
    weights = model.Weights(problem.head_star, problem.representation_star)
    memory = of_population(method, problem)
    total = torch.zeros(len(problem.head_star), dtype=trial.dtype, device=trial.device)
    for t in range(warm + steps):
        weights, memory = method.step(weights, memory, sample_moments(problem, rows, stream))
        if t >= warm:
            total = total + observe(weights)
    return as_numpy(total / steps)


def one_truth(
    trial: Trial, replicates: int, *, noise_std: float = 0.0
) -> model.LinearRepresentation:
    """Return the scenario's one truth, repeated."""
    one = replace(single_truth(trial), noise_std=noise_std)
    return floors.repeated(one, trial.replicates(replicates))


def single_truth(trial: Trial) -> model.LinearRepresentation:
    """Return the scenario's one truth, once, noise-free; admit its facts when it is drawn."""
    if "truth" not in trial.memory:
        drawn = trial.memory["truth"] = setup.draw_truth(trial, replicates=1)
        known = {**trial.memory.get("facts", {}), "input_law": drawn.input_law}
        known["noise_std"] = trial.scenario.get("noise_std", 0.0)
        setup.admit(trial, drawn, **known)
    truth: model.LinearRepresentation = trial.memory["truth"]
    return truth


def shape(trial: Trial) -> tuple[int, int]:
    """Return the rows and columns of T."""
    return trial.rank, trial.input_dim - trial.rank


def unit(trial: Trial) -> float:
    """Return sigma^2 tr(H^-1) tr(Sigma_s^-1)."""
    heads, schurs = spectra(trial)
    return float(trial.noise_std**2 * (1.0 / heads).sum() * (1.0 / schurs).sum())


def spectra(trial: Trial) -> tuple[Array, Array]:
    """Return the eigenvalues of H and of Sigma_s."""
    return setup.head_eigenvalues(trial.scenario), schur_spectrum(single_truth(trial))


def spread2(trial: Trial) -> float:
    """Return the squared relative spread of one |T|^2, with room for the tails of products."""
    heads, schurs = spectra(trial)
    few = 2.0 / (abs(trial.batch_size - trial.input_dim) + 1) / len(schurs)
    return 3.0 * floors.share(1.0 / heads) * floors.share(1.0 / schurs) + few


def orthonormal(trial: Trial, replicates: int, rows: int, columns: int, name: str) -> Tensor:
    """Return a matrix with orthonormal rows, or columns if those are fewer, for all replicates."""
    size = max(rows, columns)
    drawn = linalg.haar(1, size, trial.stream(name), trial.dtype)[:, :rows, :columns]
    return drawn.expand(replicates, -1, -1)


def population(problem: model.LinearRepresentation) -> Second:
    """Return what gives the factor of the population."""
    batch = model.population_batch(problem)
    return lambda stream: batch


def another(problem: model.LinearRepresentation, rows: int) -> Second:
    """Return what gives the factor of a fresh batch of ``rows`` rows."""
    return lambda stream: sample_moments(problem, rows, stream)


def inner(left: Tensor, right: Tensor) -> Array:
    """Return <left, right> per replicate."""
    return as_numpy((left * right).sum((-2, -1)))


def ratio(above: Array, below: Array) -> Array:
    """Return samples whose mean is mean(above)/mean(below), with the spread of that ratio."""
    value = above.mean() / below.mean()
    return np.asarray(value + (above - value * below) / below.mean())


def steps_of(multiplier: float, *, left: float, independent: float) -> tuple[int, int]:
    """Return steps until a mean square has ``left`` of its start, and steps worth as many draws.

    multiplier: that of the mean square per step.
    """
    if multiplier <= 0.0:
        return 1, math.ceil(independent)
    burn_in = max(1, math.ceil(math.log(left) / math.log(multiplier)))
    return burn_in, math.ceil(independent / (1.0 - multiplier))


def sizes_of(trial: Trial) -> dict[str, Any]:
    """Return the sizes under the names of the public functions."""
    return {"n": int(trial.batch_size), "d": int(trial.input_dim), "k": int(trial.rank)}


def left_over(lost: Array, squares: Array) -> Array:
    """Return samples of 1 - lost^2/squares, the mean square after the best step."""
    a, b = lost.mean(), squares.mean()
    return np.asarray(1.0 - a**2 / b - 2.0 * a / b * (lost - a) + (a / b) ** 2 * (squares - b))
