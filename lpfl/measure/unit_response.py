"""Local rates in other units, with other noise, and with other batches: one response per run."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments

SMALL = 1e-3  # so near that the second order drops out
WARM_UP = 12  # steps that fill the memory
Streams = Callable[..., torch.Generator]


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
    method: Method,
    truth: model.LinearRepresentation,
    units: Units,
    *,
    batch_size: int,
    warm_up: int,
    stream: Streams,
    name: str,
    distance: float = SMALL,
) -> Tensor:
    """Return per replicate what one step takes from a tangent of size ``distance``, over it (R,).

    Two runs from the solution (y F*, G*/x), with the same memory and noise, after ``warm_up``
    steps. stream(*words) gives a generator: all runs of one name see the same noise, in their
    units. distance: over the noise of the tangents. A method of two batches gets two a step.
    """
    problem, rows = scaled(truth, units), units.n * batch_size
    G_star, B = truth.representation_star, truth.complement
    source = stream("batches", name)
    draw = model.sample if method.needs_rows else sample_moments

    def next_batch() -> model.Batch | tuple[model.Batch, ...]:
        if method.batches == 1:
            return draw(problem, rows, source)
        return tuple(draw(problem, rows, source) for _ in range(method.batches))

    solution = model.Weights(units.y * truth.head_star, G_star / units.x)
    run = (solution, method.init(solution))
    for _ in range(warm_up):
        run = method.step(*run, next_batch())
    batch = next_batch()
    tangent = linalg.standard_normal(
        *G_star.shape[:-1], len(B[0]), generator=stream("direction"), dtype=G_star.dtype
    )
    size = distance * truth.noise_std * units.noise / rows**0.5
    (F, G), memory = run

    def after(sign: float) -> Tensor:
        start = model.Weights(F, G + sign * size / units.x * (tangent @ B))
        end, _ = method.step(start, memory, batch)
        return linalg.tangent_matrix(end.representation, G_star, B)

    kept = (after(1.0) - after(-1.0)) / (2.0 * size)
    return ((tangent - kept) * tangent).sum((-2, -1)) / tangent.square().sum((-2, -1))
