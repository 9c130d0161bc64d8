"""Rows of a single-index problem whose inputs are not Gaussian."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lpfl.problems.single_index.model import (
    Sample,
    SingleIndexProblem,
    covariance_root,
    draw_targets,
    times_root,
)

Entries = Callable[[tuple[int, ...], torch.Generator, torch.dtype], Tensor]


def _rademacher(size: tuple[int, ...], stream: torch.Generator, dtype: torch.dtype) -> Tensor:
    coins = torch.randint(0, 2, size, generator=stream, device=stream.device)
    return 2.0 * coins.to(dtype) - 1.0


def _uniform(size: tuple[int, ...], stream: torch.Generator, dtype: torch.dtype) -> Tensor:
    unit = torch.rand(size, generator=stream, dtype=dtype, device=stream.device)
    return (2.0 * unit - 1.0) * 3.0**0.5


def _exponential(size: tuple[int, ...], stream: torch.Generator, dtype: torch.dtype) -> Tensor:
    values = torch.empty(size, dtype=dtype, device=stream.device)
    return values.exponential_(generator=stream) - 1.0


LAWS: dict[str, Entries] = {
    "rademacher": _rademacher,
    "uniform": _uniform,
    "exponential": _exponential,
}
"""Laws of mean 0 and variance 1; "exponential" is the centred one."""


def elliptical_sample(
    problem: SingleIndexProblem, n: int, *, scales: Sequence[float], generator: torch.Generator
) -> Sample:
    """Draw rows tau S^(1/2) g, tau^2 equally likely one of ``scales``: (R, n, d) and (R, n).

    Raises: ValueError if n < 1 or a scale is not positive.
    """
    _need_rows(n)
    if not scales or min(scales) <= 0:
        raise ValueError(f"scales={scales!r}, needs numbers > 0")
    dtype, device = problem.teacher.dtype, generator.device
    size = (problem.replicates, n, problem.dim)
    white = torch.randn(size, generator=generator, dtype=dtype, device=device)
    chosen = torch.randint(0, len(scales), size[:2], generator=generator, device=device)
    tau = torch.as_tensor(scales, dtype=dtype, device=device).sqrt()[chosen]
    return _labelled(problem, white * tau[..., None], generator)


def independent_sample(
    problem: SingleIndexProblem, n: int, *, law: str, generator: torch.Generator
) -> Sample:
    """Draw rows S^(1/2) z with independent entries of z from a law of LAWS: (R, n, d) and (R, n).

    Raises: ValueError if n < 1 or for an unknown law.
    """
    _need_rows(n)
    if law not in LAWS:
        raise ValueError(f"law={law!r}, needs one of {sorted(LAWS)}")
    size = (problem.replicates, n, problem.dim)
    return _labelled(problem, LAWS[law](size, generator, problem.teacher.dtype), generator)


def _labelled(problem: SingleIndexProblem, white: Tensor, generator: torch.Generator) -> Sample:
    inputs = times_root(white, covariance_root(problem.covariance))
    index = torch.einsum("rnd,rd->rn", inputs, problem.teacher)
    return Sample(inputs, draw_targets(problem, index, generator=generator))


def _need_rows(n: int) -> None:
    if n < 1:
        raise ValueError(f"n={n}, needs >= 1")
