"""How finely an optimizer computes, and how strongly a run magnifies rounding or chance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lpfl.conformance.trajectory import gap

if TYPE_CHECKING:
    from lpfl.conformance.subject import Groups, Subject

TOLERANCES = {"float64": 1e-9, "float32": 1e-4, "below float32": 5e-2}
"""Relative distance of two runs that counts as equal, by the precision found inside."""
ROUNDING = {"float64": 1e-13, "float32": 1e-7, "below float32": 4e-3}
"""Relative change of the gradients that is as good as rounding, by the precision found inside."""
_RESPONDS = 0.05
_MAGNIFIED = 100.0  # a distance this many times what rounding of the inputs makes is real

Gradients = Sequence[Sequence[torch.Tensor | None]]


def inner_precision(subject: "Subject") -> str:
    """Return the coarsest number format between gradient and step, found by tiny changes.

    A computation in float64 answers a relative change of 1e-11 in the gradients; one that rounds
    to float32 inside answers only about 1e-7 and above.
    """
    if "precision" not in subject.memory:
        subject.memory["precision"] = _measured(subject)
    return str(subject.memory["precision"])


def _measured(subject: "Subject") -> str:
    start, gradients = subject.draw([(6, 4)], 4, "precision")
    base = subject.run(start, gradients)
    for name, change in (("float64", 1e-11), ("float32", 1e-6)):
        noisy = [[_noisy(subject, g, change, t) for g in step] for t, step in enumerate(gradients)]
        if gap(subject.run(start, noisy), base) > _RESPONDS * change:
            return name
    return "below float32"


def _noisy(
    subject: "Subject", g: torch.Tensor | None, change: float, *name: int
) -> torch.Tensor | None:
    """Return the gradient with each entry changed by about ``change`` of itself."""
    if g is None:
        return None
    drawn = torch.randn(g.shape, generator=subject.stream("noise", *name), dtype=torch.float64)
    return g + change * drawn.to(g) * g


def stored_in(values: Sequence[torch.Tensor]) -> torch.dtype:
    """Return the coarsest number format that holds all these float64 values exactly."""
    for dtype in (torch.bfloat16, torch.float32):
        if all(torch.equal(v.to(dtype).to(v.dtype), v) for v in values):
            return dtype
    return torch.float64


def rounds_away(moved: float) -> bool:
    """Return whether a relative move is no more than rounding of a number to float32."""
    return moved <= torch.finfo(torch.float32).eps


def tolerance(subject: "Subject", check_id: str) -> float:
    """Return the relative distance of two runs that counts as equal in this check."""
    if check_id in subject.spec.tolerances:
        return subject.spec.tolerances[check_id]
    return TOLERANCES[inner_precision(subject)]


def attributable(
    subject: "Subject",
    apart: float,
    start: Sequence[torch.Tensor],
    gradients: Gradients,
    *,
    options: Mapping[str, Any] | None = None,
    groups: "Groups | None" = None,
) -> bool:
    """Return whether a distance exceeds what rounding and another seed do to the same run.

    Rank-deficient statistics have a free basis, and random vectors are drawn in memory order:
    both tell equal runs apart, and neither is a defect.
    """
    return apart > _MAGNIFIED * wobble(subject, start, gradients, options=options, groups=groups)


def wobble(
    subject: "Subject",
    start: Sequence[torch.Tensor],
    gradients: Gradients,
    *,
    options: Mapping[str, Any] | None = None,
    groups: "Groups | None" = None,
) -> float:
    """Return the distance made by rounding of the inputs; one made by a seed counts a tenth."""
    base = subject.run(start, gradients, options=options, groups=groups)
    largest, size = 0.0, ROUNDING[inner_precision(subject)]
    for draw in range(2):
        noisy = [
            [_noisy(subject, g, size, draw, t) for g in step] for t, step in enumerate(gradients)
        ]
        largest = max(largest, gap(subject.run(start, noisy, options=options, groups=groups), base))
    other = subject.seed + 7
    seeded = subject.run(start, gradients, options=options, groups=groups, seed=other)
    return max(largest, gap(seeded, base) / 10)
