"""Runs of a weight in blocks, and of its blocks alone."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition.seen.cuts import Cut
from lpfl.conformance.rounding import attributable
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, gap

BLOCKS = "def.blocks"
STEPS, UNCUT = 6, 10000
Options = dict[str, Any]


class Setting:
    """One option of a subject with a size of blocks that it takes, and the runs with it."""

    def __init__(self, subject: Subject, name: str, most: int, options: Options) -> None:
        self.subject, self.name, self.most, self.options = subject, name, most, options
        self.off = {**options, name: UNCUT}
        self.shape = (3 * most - 1, 2 * most - 1)
        self.start, self.gradients = subject.draw([self.shape], STEPS, BLOCKS, *self.shape)
        self.whole = self.run(options)

    @property
    def said(self) -> str:
        """The option as it is written."""
        return f"{self.name}={self.most}"

    def run(self, options: Mapping[str, Any]) -> Trajectory:
        return self.subject.run(self.start, self.gradients, options=options)

    def apart(self, cut: Cut) -> float:
        """Return the distance of the run from one of the blocks alone."""
        return gap(self.whole, self.alone(cut, self.start, self.gradients))

    def alone(
        self, cut: Cut, start: Sequence[Tensor], gradients: Sequence[Sequence[Tensor]]
    ) -> Trajectory:
        """Return the run of the blocks, which are not cut again."""
        whole = max(side for _, shape in cut.parts for side in shape) <= self.most
        options = self.options if whole else self.off
        return alone(self.subject, cut, start, gradients, options)

    def is_more(self, apart: float, cut: Cut) -> bool:
        """Return whether rounding and chance leave this distance unexplained."""

        def blocks(start: Sequence[Tensor], gradients: Sequence[Sequence[Tensor]]) -> Trajectory:
            return self.alone(cut, start, gradients)

        def whole(start: Sequence[Tensor], gradients: Sequence[Sequence[Tensor]]) -> Trajectory:
            return self.subject.run(start, gradients, options=self.options)

        runs = (blocks, whole)
        return attributable(self.subject, apart, self.start, self.gradients, runs=runs)


def alone(
    subject: Subject,
    cut: Cut,
    start: Sequence[Tensor],
    gradients: Sequence[Sequence[Tensor]],
    options: Mapping[str, Any],
) -> Trajectory:
    """Return the run of one weight whose blocks are parameters of their own."""
    rows = [cut.of(row[0]) for row in gradients]
    run = subject.run(cut.of(start[0]), rows, options=options)
    shape = start[0].shape
    return Trajectory(values=[[cut.joined(row, shape)] for row in run.values])


def alike(
    whole: Trajectory, blocks: Trajectory, cut: Cut, within: float, *, first: bool = False
) -> bool:
    """Return whether every block of every step is that of the other run up to a factor.

    first: of the first step that moves anything, alone.
    """
    steps = list(zip(whole.moves(), blocks.moves(), strict=True))
    if first:
        steps = [pair for pair in steps if bool(pair[0].any())][:1]
    for one, other in steps:
        for a, b in zip(cut.of(one), cut.of(other), strict=True):
            lengths = float(a.norm()), float(b.norm())
            if min(lengths) == 0:
                if max(lengths) > 0:
                    return False
            elif float((a / lengths[0] - b / lengths[1]).norm()) > within:
                return False
    return True


def reached(
    subject: Subject,
    start: Sequence[Tensor],
    gradients: Sequence[Sequence[Tensor]],
    options: Mapping[str, Any],
    place: tuple[int, ...],
) -> Tensor:
    """Return which entries move differently where the gradient of one entry is another."""
    changed = [[row[0].clone()] for row in gradients]
    for row in changed:
        row[0][place] *= 1.5
    runs = [subject.run(start, rows, options=options) for rows in (gradients, changed)]
    found = torch.zeros(start[0].shape, dtype=torch.bool)
    for one, other in zip(*(run.moves() for run in runs), strict=True):
        found |= (one - other).abs() > 1e-7 * one.abs().max()
    return found


def measured(setting: Setting) -> Cut | None:
    """Return the blocks that the entries show: those that the gradient of each one moves.

    None where they are no rectangles apart, of some rows and some columns, or one alone.
    """
    shape = setting.shape
    seen: dict[tuple[int, ...], Tensor] = {}
    for place in product(*map(range, shape)):
        if any(bool(found[place]) for found in seen.values()):
            continue
        found = reached(setting.subject, setting.start, setting.gradients, setting.options, place)
        rows, columns = found.any(1), found.any(0)
        if not found[place] or not torch.equal(found, rows[:, None] & columns):
            return None
        if any(bool((found & other).any()) for other in seen.values()):
            return None
        corner = tuple(int(x) for x in found.nonzero()[-1])
        again = reached(setting.subject, setting.start, setting.gradients, setting.options, corner)
        if not torch.equal(found, again):
            return None
        seen[place] = found
    if len(seen) < 2:
        return None
    places = torch.arange(shape[0] * shape[1]).reshape(shape)
    sizes = [(int(f.any(1).sum()), int(f.any(0).sum())) for f in seen.values()]
    parts = tuple((places[f], size) for f, size in zip(seen.values(), sizes, strict=True))
    words = ", ".join(f"{r} x {c}" for r, c in sizes)
    return Cut(f"blocks of {words}, as its entries show", parts, usual=False)
