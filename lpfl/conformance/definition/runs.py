"""One run of a subject, a reading of a reference, and the distance of the two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.rounding import stored_in

TINY = 1e-300
RECENT = 8
"""References that a run remembers: those of the reading that is being held against it."""


@dataclass(frozen=True)
class Candidate:
    """A reading of a reference: its convention, and the values of options that are hidden."""

    convention: Mapping[str, str]
    hidden: Mapping[str, Any]
    distance: int = 0


@dataclass(frozen=True)
class Run:
    """One run of the subject: options of the reference, gradients and the points gone through."""

    scenario: Scenario
    shapes: tuple[tuple[int, ...], ...]
    options: Mapping[str, Any]
    given: Mapping[str, Any]
    gradients: list[list[Tensor]]
    values: list[list[Tensor]]

    @cached_property
    def eps(self) -> float:
        """Rounding of the weights: in their dtype, or in the one they are written back in."""
        stored = stored_in([v for row in self.values[1:] for v in row])
        return float(max(torch.finfo(d).eps for d in (self.scenario.dtype, stored)))

    @cached_property
    def _known(self) -> dict[tuple[Any, ...], tuple[Oracle, list[list[Tensor]]]]:
        """Latest references by what they were asked with; the oracle is kept with its id."""
        return {}

    @cached_property
    def again(self) -> dict[str, list[float]]:
        """Distances of this run from others of the subject, by what was changed in those."""
        return {}

    @cached_property
    def kept(self) -> list[torch.dtype | None]:
        """The coarsest format of the subject's state, once somebody has looked."""
        return []

    def moves(self) -> list[list[Tensor]]:
        """Return the update of every parameter in each step."""
        return self._moves

    @cached_property
    def _moves(self) -> list[list[Tensor]]:
        pairs = zip(self.values, self.values[1:], strict=False)
        return [[b - a for a, b in zip(old, new, strict=True)] for old, new in pairs]

    @cached_property
    def lengths(self) -> list[tuple[float, float]]:
        """Norms of the weights before each step, and of its update."""
        pairs = zip(self.values, self.moves(), strict=False)
        return [(total(old), total(us)) for old, us in pairs]

    @cached_property
    def _cast(self) -> dict[torch.dtype, tuple[list[list[Tensor]], list[list[Tensor]]]]:
        """Points and gradients by the dtype in which a reference computes."""
        return {}

    def reference(
        self,
        oracle: Oracle,
        candidate: Candidate,
        *,
        steps: int | None = None,
        dtype: torch.dtype = torch.float64,
        disturb: float = 0.0,
        at_zeros: bool = False,
    ) -> list[list[Tensor]]:
        """Return the updates of the reference from the points of this run.

        disturb: relative size of a fixed random change of the gradients. at_zeros: entries that
        are 0 change by as much, relative to the largest. The tensors are kept for the next who
        asks: not to be changed.
        """
        reading = (*candidate.convention.items(), None, *map(repr, candidate.hidden.items()))
        key = (id(oracle), reading, steps, dtype, disturb, at_zeros)
        if key in self._known:
            return self._known[key][1]
        if dtype not in self._cast:
            self._cast[dtype] = (
                [[v.to(dtype) for v in row] for row in self.values[:-1]],
                [[g.to(dtype) for g in row] for row in self.gradients],
            )
        values, gradients = (rows[:steps] for rows in self._cast[dtype])
        if disturb:
            gradients = disturbed(gradients, disturb, at_zeros=at_zeros)
        updates = oracle.updates(
            values,
            gradients,
            options={**self.options, **candidate.hidden},
            convention=candidate.convention,
            changes=self.scenario.changes,
        )
        if len(self._known) >= RECENT:
            del self._known[next(iter(self._known))]
        moves = [[u.double() for u in row] for row in updates]
        self._known[key] = oracle, moves
        return moves


def disturbed(
    gradients: Sequence[Sequence[Tensor]], size: float, *, at_zeros: bool = False
) -> list[list[Tensor]]:
    """Return the gradients with every entry changed by about ``size`` of itself.

    at_zeros: entries that are 0 by ``size`` of the largest entry that has been seen.
    """
    stream = torch.Generator().manual_seed(0)

    def change(g: Tensor) -> Tensor:
        noise = torch.randn(g.shape, generator=stream, dtype=torch.float64)
        changed = g * (1 + size * noise).to(g.dtype)
        if not largest:
            return changed
        return torch.where(g == 0, (size * largest * noise).to(g.dtype), changed)

    entries = [float(g.abs().max()) for row in gradients for g in row if at_zeros and g.numel()]
    largest = max(entries, default=0.0)
    return [[change(g) for g in row] for row in gradients]


def total(row: Sequence[Tensor]) -> float:
    """Return the Frobenius norm of a list of tensors."""
    norms = [float(torch.linalg.vector_norm(x)) for x in row]
    return norms[0] if len(norms) == 1 else sum(norm * norm for norm in norms) ** 0.5


def gaps(run: Run, reference: Sequence[Sequence[Tensor]]) -> list[float]:
    """Return per step the relative distance of the run's update from the reference's.

    What rounding the weights to ``Run.eps`` explains is subtracted. A number that is not finite
    counts as infinitely far, unless the reference has it too.
    """
    eps = run.eps
    out = []
    for (start, length), us, refs in zip(run.lengths, run.moves(), reference, strict=False):
        away = total([u - r for u, r in zip(us, refs, strict=True)])
        wanted = total(refs)
        rounding = 2 * eps * (start + wanted)
        size = max(length, wanted)
        if size != size or away != away:
            same = all(
                torch.equal(u.isfinite(), r.isfinite()) for u, r in zip(us, refs, strict=True)
            )
            out.append(0.0 if same else float("inf"))
        else:
            out.append(max(0.0, away - rounding) / max(size, TINY) if away > 0 else 0.0)
    return out
