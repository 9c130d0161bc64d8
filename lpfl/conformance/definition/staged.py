"""Readings that differ from the paper on many axes at once, where the whole grid is too large.

Few axes show in a first step, and others only later or on other shapes. Each is varied where it
begins to show, on the readings that fit so far.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.grid import choices, departed
from lpfl.conformance.definition.halves import HALF
from lpfl.conformance.definition.runs import Candidate, Run

STAGES = (1, 3, 99)
MOST = 3000
"""Readings at one stage; where there are more, the search is given up."""
BASES = 2
VALUE = "value of "
"""Before the name of a hidden option, which an axis may have too."""
Fits = Callable[[Run, Candidate, int], bool]


def staged(
    comparison: Comparison,
    runs: Sequence[Run],
    fits: Fits,
    *,
    in_halves: bool,
    departures: bool,
) -> list[Candidate]:
    """Return the readings that fit all runs, those with the fewest departures first.

    fits: whether a reading fits the first steps of a run. in_halves, departures: whether readings
    that compute in bfloat16 inside, or are another method, are among them.
    """
    oracle = comparison.oracle

    def admitted(axis: str, value: str) -> bool:
        rounded = value.endswith(HALF)
        return (in_halves or not rounded) and (departures or not departed(oracle, {axis: value}))

    named, hidden = choices(comparison)
    conventions = {
        axis: tuple(value for value in values if admitted(axis, value))
        for axis, values in named.items()
    }
    first = {axis: values[0] for axis, values in hidden.items()}
    held = [Candidate({axis: values[0] for axis, values in conventions.items()}, first)]
    still = {**conventions, **{VALUE + name: values for name, values in hidden.items()}}
    for run, steps in itertools.product(runs, STAGES):
        shown = _showing(comparison, run, steps, held[:BASES], still)
        grown = len(held)
        for axis in shown:
            grown *= len(still[axis])
        if grown > MOST:
            return []
        rows = [[(axis, value) for value in still.pop(axis)] for axis in shown]
        held = [_with(one, row) for one in held for row in itertools.product(*rows)]
        held = [one for one in held if fits(run, one, steps)]
        if not held:
            return []
    return sorted(held, key=lambda c: (len(departed(oracle, c.convention)), c.distance))


def _with(one: Candidate, row: Sequence[tuple[str, object]]) -> Candidate:
    """Return a reading with other values on some axes; its distance counts those that change."""
    convention = {a: str(v) for a, v in row if not a.startswith(VALUE)}
    hidden = {a.removeprefix(VALUE): v for a, v in row if a.startswith(VALUE)}
    known = {**one.convention, **{VALUE + name: v for name, v in one.hidden.items()}}
    away = sum(known[axis] != value for axis, value in row)
    return replace(
        one,
        convention={**one.convention, **convention},
        hidden={**one.hidden, **hidden},
        distance=one.distance + away,
    )


def _showing(
    comparison: Comparison,
    run: Run,
    steps: int,
    bases: Sequence[Candidate],
    still: dict[str, tuple[object, ...]],
) -> list[str]:
    """Return the axes on which some value changes the first steps, or does beside another one."""

    def moves(one: Candidate) -> list[torch.Tensor]:
        rows = run.reference(comparison.oracle, one, steps=steps)
        return [u for row in rows for u in row]

    def shows(base: Candidate, axis: str) -> bool:
        plain = moves(base)
        others = (moves(_with(base, [(axis, value)])) for value in still[axis][1:])
        return any(not _same(plain, other) for other in others)

    found: list[str] = []
    wider = list(bases)
    while wider:
        new = [a for a in still if a not in found and any(shows(base, a) for base in wider)]
        found += new
        changed = [(a, v) for a in new for v in still[a][1:]] if steps == STAGES[0] else []
        wider = [_with(bases[0], [entry]) for entry in changed]
    return found


def _same(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> bool:
    """Return whether two runs are one, up to rounding."""
    pairs = zip(one, other, strict=True)
    return all(torch.allclose(a, b, rtol=1e-12, atol=1e-15, equal_nan=True) for a, b in pairs)
