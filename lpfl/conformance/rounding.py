"""How finely an optimizer computes, and how strongly a run magnifies rounding or chance."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lpfl.conformance.trajectory import gap, reach

if TYPE_CHECKING:
    from lpfl.conformance.subject import Subject
    from lpfl.conformance.trajectory import Trajectory

    Run = Callable[[Any, Any], Trajectory]

TOLERANCES = {"float64": 1e-9, "float32": 1e-4, "below float32": 5e-2}
"""Relative distance of two runs that counts as equal, by the precision found inside."""
ROUNDING = {"float64": 1e-13, "float32": 1e-7, "below float32": 4e-3}
"""Relative change of the gradients that is as good as rounding, by the precision found inside."""
_RESPONDS = 0.05
_OTHER_SEED = 7
_LOW = 0.2
"""Distance below which nothing is told of a computation coarser than float32."""
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
    runs: "Sequence[Run]" = (),
) -> bool:
    """Return whether a distance exceeds what rounding and another seed do to the same run.

    Rank-deficient statistics have a free basis, and random vectors are drawn in memory order:
    both tell equal runs apart, and neither is a defect. runs: the runs that are compared; each
    may magnify rounding more than an ordinary one.
    """
    least = _LOW if inner_precision(subject) == "below float32" else 0.0
    chance = wobble(subject, start, gradients, options=options, runs=runs)
    return apart > max(least, _MAGNIFIED * chance)


def wobble(
    subject: "Subject",
    start: Sequence[torch.Tensor],
    gradients: Gradients,
    *,
    options: Mapping[str, Any] | None = None,
    runs: "Sequence[Run]" = (),
) -> float:
    """Return the distance made by rounding of the inputs; one made by a seed counts a tenth.

    It is in units of the way of the first of the runs, or of an ordinary run.
    """

    def ordinary(s: Any, g: Any) -> "Trajectory":
        return subject.run(s, g, options=options)

    largest, size = 0.0, ROUNDING[inner_precision(subject)]
    way = reach(runs[0](list(start), list(gradients))) if runs else 0.0
    for run in runs or (ordinary,):
        base = run(list(start), list(gradients))
        share = reach(base) / way if way else 1.0
        if not share > 0:
            continue
        for draw in range(2):
            noisy = [
                [_noisy(subject, g, size, draw, t) for g in step]
                for t, step in enumerate(gradients)
            ]
            largest = max(largest, share * gap(run(list(start), noisy), base))
        subject.seed += _OTHER_SEED
        try:
            seeded = run(list(start), list(gradients))
        finally:
            subject.seed -= _OTHER_SEED
        largest = max(largest, share * gap(seeded, base) / 10)
    return largest
