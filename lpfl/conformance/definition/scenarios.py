"""The settings in which a definition is compared: shapes, gradients, options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

MIXED = (1.0, 1.6, 0.5, 2.0, 0.8, 0.3, 0.1, 0.05, 0.4, 1.0, 3.0, 0.6, 0.2, 1.2)
STEPS = len(MIXED)
TURN = 6
"""Step from which gradients of the profile "turning" point the other way."""
PAUSES = (4, 5, 8)
"""Steps, counted from 0, in which gradients of the profile "pauses" are zero."""
SIZES: Mapping[str, float] = {"small": 1e-3, "huge": 1e8, "tiny": 1e-8}
"""Profiles that are the mixed one in another unit."""


@dataclass(frozen=True)
class Scenario:
    """One comparison; every shape is a run of its own.

    profile: how the gradients' size goes over time. options: values of the reference's options
    that differ from the common ones. strided: weights and gradients are transposed views.
    changes: options that change before step t. second: if there are any, all shapes run in one
    optimizer, those after the first in a second group with these options. start: factor on the
    start weights.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    steps: int = STEPS
    profile: str = "mixed"
    options: Mapping[str, Any] = field(default_factory=dict)
    strided: bool = False
    dtype: torch.dtype = torch.float64
    at_defaults: bool = False
    switch: str = ""
    changes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    second: Mapping[str, Any] = field(default_factory=dict)
    start: float = 1.0


def in_vectors(shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Return the first axis of every shape, each length once; a vector stays as it is."""
    return tuple(dict.fromkeys(shape[:1] for shape in shapes))


def size_at(profile: str, t: int) -> float:
    """Return the factor on the gradient of step t, counted from 0."""
    if profile in ("falling", "growing"):
        return float((0.7 if profile == "falling" else 1.4) ** t)
    if profile == "steady":
        return 1.0
    if profile == "turning":
        return 1.0 if t < TURN else -1.0
    if profile == "pauses":
        return 0.0 if t in PAUSES else 1.0
    return MIXED[t % len(MIXED)] * SIZES.get(profile, 1.0)


def draw(scenario: Scenario, shape: Sequence[int], subject: Any) -> tuple[Tensor, list[Tensor]]:
    """Return the start value and the gradients of one run.

    Successive gradients share a part, so that signs agree more often than not.
    """
    starts, rows = subject.draw([shape], scenario.steps, *stream(scenario, shape))
    start, raw = scenario.start * starts[0], [row[0] for row in rows]
    gradients = [gradient(scenario.profile, t, x, raw[0]) for t, x in enumerate(raw)]
    if scenario.profile == "narrow":
        gradients = in_one_space(gradients)
    if scenario.strided:
        start, gradients = transposed(start), [transposed(g) for g in gradients]
    return start.to(scenario.dtype), [g.to(scenario.dtype) for g in gradients]


def stream(scenario: Scenario, shape: Sequence[int]) -> tuple[str | int, ...]:
    """Return the name of the stream that a run is drawn from."""
    return ("trajectory", scenario.profile, *shape)


def gradient(profile: str, t: int, raw: Tensor, first: Tensor) -> Tensor:
    """Return the gradient of step t from normal entries and those of the first step."""
    g = size_at(profile, t) * (raw + 0.5 * first)
    if profile == "parallel":
        return size_at(profile, t) * first
    if profile == "zeros":
        g = g * (raw > -0.25)
        if g.ndim and g.shape[-1] > 1:
            g[..., 0] = 0.0
    return g


def in_one_space(gradients: Sequence[Tensor]) -> list[Tensor]:
    """Return gradients whose rows, or columns if they are longer, span what those of the first do.

    A statistic without full rank has a free basis where it is zero; these never enter there. A
    kernel counts as the matrix of its outputs by all else.
    """
    first = gradients[0]
    if first.ndim < 2:
        return list(gradients)
    flat = first.reshape(len(first), -1)
    tall = flat.shape[0] > flat.shape[1]
    Q = torch.linalg.qr(flat if tall else flat.T).Q
    P = Q @ Q.T
    flats = [g.reshape(flat.shape) for g in gradients]
    return [(P @ g if tall else g @ P).reshape(first.shape) for g in flats]


def transposed(x: Tensor) -> Tensor:
    """Return the same values in memory in reverse order of the axes."""
    back = tuple(reversed(range(x.ndim)))
    return x.permute(back).contiguous().permute(back)
