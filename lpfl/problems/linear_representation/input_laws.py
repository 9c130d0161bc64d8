"""Batches with inputs that are not Gaussian: independent components, and rows of random scale."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lpfl.linalg import standard_normal
from lpfl.problems.linear_representation.model import Batch, LinearRepresentation, batch_of_rows


def _signs(shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    bits = torch.randint(0, 2, shape, generator=generator, device=generator.device, dtype=dtype)
    return 2 * bits - 1


def _uniform(shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    unit = torch.rand(shape, generator=generator, device=generator.device, dtype=dtype)
    return 12.0**0.5 * (unit - 0.5)


def _laplace(shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    unit = torch.rand((2, *shape), generator=generator, device=generator.device, dtype=dtype)
    # The difference of two exponential variables; 1 - unit is in (0, 1].
    first, second = -torch.log1p(-unit)
    return (first - second) / 2.0**0.5


_COMPONENTS: dict[str, Callable[[tuple[int, ...], torch.Generator, torch.dtype], Tensor]] = {
    "rademacher": _signs,
    "uniform": _uniform,
    "laplace": _laplace,
}
EXCESS_KURTOSIS = {"rademacher": -2.0, "uniform": -1.2, "laplace": 3.0}
"""Excess kurtosis of each law of independent components."""


def component_rows(
    law: str, *shape: int, generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Draw independent symmetric components of variance 1. Raises ValueError for another law."""
    if law not in _COMPONENTS:
        raise ValueError(f"law={law!r}, needs one of {tuple(_COMPONENTS)}")
    return _COMPONENTS[law](shape, generator, dtype)


def scaled_rows(
    scales: Sequence[float],
    *shape: int,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Draw Gaussian rows (..., n, d), each times the root of one of the equally likely scales.

    Raises: ValueError unless the scales are positive with mean 1.
    """
    values = torch.as_tensor(scales, dtype=dtype, device=generator.device)
    positive = values.dim() == 1 and bool((values > 0).all())
    if not positive or not abs(float(values.mean()) - 1.0) <= 1e-9:
        raise ValueError(f"scales={list(scales)}, needs positive numbers with mean 1")
    drawn = torch.randint(
        0, len(values), (*shape[:-1], 1), generator=generator, device=generator.device
    )
    return values[drawn].sqrt() * standard_normal(*shape, generator=generator, dtype=dtype)


def batch_of_white(
    problem: LinearRepresentation, white: Tensor, generator: torch.Generator
) -> Batch:
    """Return the batch of inputs Sigma^{1/2} z for white rows z (R, n, d), noise Gaussian."""
    inputs = white @ problem.root
    targets = inputs @ problem.product_star.mT
    if problem.noise_std > 0:
        noise = standard_normal(*targets.shape, generator=generator, dtype=white.dtype)
        targets = targets + problem.noise_std * noise
    return batch_of_rows(inputs, targets)
