"""Local rates in other units, with other noise, and with other batches: one response per run."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim import Method
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.setups.linear import noise_dominated as noisy
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]
SMALL = 1e-3  # distance of the two runs, over the noise of the tangents
WARM_UP = 12  # steps that fill the memory


@dataclass(frozen=True)
class Units:
    """Factors on F* and the noise, on the noise alone, on x (function unchanged), on the rows."""

    y: float = 1.0
    noise: float = 1.0
    x: float = 1.0
    n: int = 1


def scaled(problem: model.LinearRepresentation, units: Units) -> model.LinearRepresentation:
    """Return the problem in other units. G* keeps its rows, so that 1/x is a factor on F*."""
    return replace(
        problem,
        head_star=units.y / units.x * problem.head_star,
        cov_x=units.x**2 * problem.cov_x,
        root=units.x * problem.root,
        noise_std=units.y * units.noise * problem.noise_std,
    )


def local_rates(
    trial: Trial,
    method: Method,
    truth: model.LinearRepresentation,
    units: Units,
    *,
    remembers: bool,
    name: str,
) -> Array:
    """Return per replicate what one step takes from a tiny tangent, over its size (R,).

    Two runs from the solution (y F*, G*/x), with the same memory and noise. All runs of one name
    see the same noise, in their units.
    """
    problem, rows = scaled(truth, units), units.n * trial.batch_size
    G_star, B = truth.representation_star, truth.complement
    stream = trial.stream("batches", name)
    draw = model.sample if method.needs_rows else sample_moments
    solution = model.Weights(units.y * truth.head_star, G_star / units.x)
    run: noisy.Run = (solution, method.init(solution))
    for _ in range(WARM_UP if remembers else 0):
        run = method.step(*run, draw(problem, rows, stream))
    batch = draw(problem, rows, stream)
    tangent = linalg.standard_normal(
        *G_star.shape[:-1], len(B[0]), generator=trial.stream("direction"), dtype=trial.dtype
    )
    size = SMALL * truth.noise_std * units.noise / rows**0.5
    (F, G), memory = run

    def after(sign: float) -> Tensor:
        start = model.Weights(F, G + sign * size / units.x * (tangent @ B))
        end, _ = method.step(start, memory, batch)
        return linalg.tangent_matrix(end.representation, G_star, B)

    kept = (after(1.0) - after(-1.0)) / (2.0 * size)
    lost = ((tangent - kept) * tangent).sum((-2, -1)) / tangent.square().sum((-2, -1))
    return as_numpy(lost)


def admit(trial: Trial, problem: model.LinearRepresentation, step_size: float) -> None:
    """Test the domain on the problem and the largest step size."""
    setup.admit(trial, problem, batch_size=trial.batch_size, step_size=step_size)
