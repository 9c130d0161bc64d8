"""Constants of a method that a subject keeps to itself, or sets by an option of another name."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import search
from lpfl.conformance.definition.extras import shown
from lpfl.conformance.definition.grid import choices, departed
from lpfl.conformance.definition.runs import Candidate, Run, gaps
from lpfl.conformance.definition.seen.own_numbers import own_numbers
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.definition.trajectory_verdict import held
from lpfl.conformance.outcomes import CheckResult, Outcome, worst

CLOSE = 1e-4
"""Largest error of a reading whose constants are worth a closer look."""
BEGIN = 3
MOST, MOST_OF_MATRICES = 1500, 300
"""Readings that are tried on the first steps; one of a method for matrices takes longer."""
EACH = 0.1
"""Share of them that one convention may take which is not the paper's."""
ROUNDS = ("ns_steps", "ns_a", "ns_b", "ns_c")
"""What an iteration is made of: no constants, but the method."""
CLOSER = 3
FARTHEST = 4
"""Constants of one reading that may be other than the reference's."""
SMALL, EVEN = 1e-2, 0.4
"""Defaults up to here are an epsilon or the like, and from there on a share of the past."""


def with_own_constants(comparison: Comparison) -> CheckResult | None:
    """Return the answer if the steps are the method's with numbers that the subject has.

    They stand for options of the reference for which the subject has no name known here.
    """
    optimizer = comparison.runs_optimizer()
    names = _unnamed(comparison)
    runs = comparison.runs(fitting(comparison.oracle))
    if not names or not runs or optimizer is None:
        return None
    numbers = own_numbers(comparison.subject, optimizer)
    values = {name: _possible(comparison.defaults[name], numbers) for name in names}
    for constants in _closest(comparison, values, runs[0]):
        fixed = {**comparison.oracle.fixed, **constants}
        other = Comparison(comparison.subject, replace(comparison.oracle, fixed=fixed))
        fit = search(other)
        if fit is None or fit.miss is not None:
            continue
        answer = held(other, fit)
        if answer.outcome is Outcome.DEVIATES or fit.worst > CLOSE:
            continue
        named = {n: f"{shown(v)}, by no option known here" for n, v in constants.items()}
        words = "; ".join(f"{name} = {value}" for name, value in named.items())
        return replace(
            answer,
            outcome=worst([answer.outcome, Outcome.CONVENTION]),
            message=f"{answer.message.removesuffix('.')}; {words}.",
            convention={**answer.convention, **named},
        )
    return None


def _unnamed(comparison: Comparison) -> list[str]:
    """Return the numbers of the reference that no option of the subject is known to set."""
    oracle = comparison.oracle
    return [
        name
        for name, value in oracle.options.items()
        if name not in comparison.where
        and name not in oracle.fixed
        and name not in ("lr", "period")
        and name not in ROUNDS
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    ]


def _possible(usual: float, numbers: Sequence[float]) -> list[float]:
    """Return the values that a constant may have: the reference's own first."""
    if isinstance(usual, int) and usual > 0:
        found: list[float] = [int(x) for x in numbers if x == int(x) and 1 <= x <= 20]
    elif usual >= EVEN and usual < 1:
        inside = [x for x in numbers if 0 < x < 1]
        found = [*inside, *(round(1 - x, 12) for x in inside if x >= SMALL)]
        found = [x for x in found if x >= SMALL]
    elif usual == 0:
        found = [x for x in numbers if 0 < x < 1]
    elif usual <= SMALL:
        found = [x for x in numbers if 0 < x <= SMALL]
    else:
        found = [x for x in numbers if x > 0]
    return list(dict.fromkeys([usual, *found]))


def _closest(
    comparison: Comparison, values: Mapping[str, Sequence[float]], run: Run
) -> Iterator[dict[str, float]]:
    """Yield the constants whose readings are closest to a run, those not the reference's alone."""
    oracle = comparison.oracle
    heavy = oracle.for_matrices or oracle.least_axes > 1
    most = MOST_OF_MATRICES if heavy else MOST
    found: dict[tuple[float, ...], float] = {}
    for convention, constants in _readings(comparison, values, most):
        key = tuple(constants.values())
        reading = Candidate(convention, constants)
        begin = gaps(run, run.reference(oracle, reading, steps=BEGIN))
        if max(begin, default=math.inf) <= CLOSE:
            whole = max(gaps(run, run.reference(oracle, reading)))
            if whole <= CLOSE:
                found[key] = min(whole, found.get(key, math.inf))
    usual = {name: some[0] for name, some in values.items()}
    for key in sorted(found, key=lambda k: found[k])[:CLOSER]:
        constants = dict(zip(values, key, strict=True))
        if other := {n: v for n, v in constants.items() if v != usual[n]}:
            yield other


def _readings(
    comparison: Comparison, values: Mapping[str, Sequence[float]], most: int
) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Yield conventions with constants, those first in which few are not the usual ones.

    The paper's convention with all constants, then those one axis away.
    """
    oracle = comparison.oracle
    axes, _ = choices(comparison)
    paper = oracle.paper()
    conventions = [paper, *({**paper, a: v} for a, vs in axes.items() for v in vs[1:])]
    conventions = [c for c in conventions if not departed(oracle, c)]
    usual = {name: some[0] for name, some in values.items()}
    changed = [
        {**usual, **dict(zip(names, own, strict=True))}
        for number in range(1, min(len(values), FARTHEST) + 1)
        for names in itertools.combinations(values, number)
        for own in itertools.product(*(values[name][1:] for name in names))
    ]
    for convention in conventions:
        share = most if convention == paper else int(EACH * most)
        for constants in changed[:share]:
            yield convention, constants
