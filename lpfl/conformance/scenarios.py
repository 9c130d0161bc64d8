"""The settings in which a definition is compared: shapes, gradients, options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lpfl.seeding import generator

MIXED = (1.0, 1.6, 0.5, 2.0, 0.8, 0.3, 0.1, 0.05, 0.4, 1.0, 3.0, 0.6, 0.2, 1.2)
STEPS = len(MIXED)
PROFILES = ("mixed", "falling", "growing", "zeros", "small", "steady")


@dataclass(frozen=True)
class Scenario:
    """One comparison; every shape is a run of its own.

    profile: how the gradients' size goes over time. options: values of the reference's options
    that differ from the common ones. strided: weights and gradients are transposed views.
    changes: options that change before step t.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    steps: int = STEPS
    profile: str = "mixed"
    options: Mapping[str, Any] = field(default_factory=dict)
    strided: bool = False
    dtype: torch.dtype = torch.float64
    at_defaults: bool = False
    changes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def size_at(profile: str, t: int) -> float:
    """Return the factor on the gradient of step t, counted from 0."""
    if profile in ("falling", "growing"):
        return float((0.7 if profile == "falling" else 1.4) ** t)
    if profile == "steady":
        return 1.0
    return MIXED[t % len(MIXED)] * (1e-3 if profile == "small" else 1.0)


def draw(scenario: Scenario, shape: Sequence[int], seed: int) -> tuple[Tensor, list[Tensor]]:
    """Return the start value and the gradients of one run, float64 before any rounding.

    Successive gradients share a part, so that signs agree more often than not.
    """
    stream = generator(seed, "conformance", "trajectory", scenario.profile, *shape)

    def normal() -> Tensor:
        return torch.randn(tuple(shape), generator=stream, dtype=torch.float64)

    start, shared = normal(), 0.5 * normal()
    gradients = []
    for t in range(scenario.steps):
        g = size_at(scenario.profile, t) * (shared + normal())
        if scenario.profile == "zeros":
            g = g * (torch.rand(tuple(shape), generator=stream, dtype=torch.float64) < 0.6)
            g[..., :1] = 0.0 if g.ndim and g.shape[-1] > 1 else g[..., :1]
        gradients.append(g)
    if scenario.strided:
        start, gradients = transposed(start), [transposed(g) for g in gradients]
    dtype = scenario.dtype
    return start.to(dtype), [g.to(dtype) for g in gradients]


def transposed(x: Tensor) -> Tensor:
    """Return the same values in memory in reverse order of the axes."""
    back = tuple(reversed(range(x.ndim)))
    return x.permute(back).contiguous().permute(back)
