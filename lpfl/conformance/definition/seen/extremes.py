"""Where a subject leaves its definition as gradients, or weights, go far from 1, and what it does.

A clip, a floor or a skipped step that no option shows acts only beyond some size.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.runs import Candidate, Run, gaps, total
from lpfl.conformance.definition.scenarios import SIZES, Scenario

SEEN = 1e-6
"""Relative error from which a step counts as another one, while the size is looked for."""
ROUNDS = 24
SINGLE = 2e-7
"""Rounding of weights to float32, twice, in units of them."""
STABLE = 1e-2
"""Error of a reference in float32 up to which its step is told from rounding at this size."""
BOUND = (
    r"clip|clamp|\bcap(s|ped)?\b|bound|threshold|\blimit|saturat|floor|at (most|least)|below|above|"
    r"beyond|exceed|larger than|smaller than|scaled? down|too (large|small)|overflow"
)
OF = r"grad|norm|update|ratio|step"
SAID = re.compile(rf"({BOUND})[^.]{{0,80}}({OF})|({OF})[^.]{{0,80}}({BOUND})", re.IGNORECASE)


def extreme(scenario: Scenario) -> bool:
    """Return whether gradients or weights of a setting are far from 1."""
    return scenario.profile in ("huge", "tiny") or 0 < scenario.start < 1


def says_bound(comparison: Comparison) -> bool:
    """Return whether a subject's docstrings speak of a bound on gradients, ratios or steps."""
    words = documentation(comparison.subject, comparison.runs_optimizer())
    return bool(SAID.search(words))


def stable(comparison: Comparison, reading: Candidate, run: Run) -> bool:
    """Return whether float32 leaves the steps of a reading what they are.

    Where damping is far below the rounding of a statistic, float64 rounds too: the root of a
    matrix without full rank depends on how it is computed.
    """
    exact = run.reference(comparison.oracle, reading)
    rounded = run.reference(comparison.oracle, reading, dtype=torch.float32)
    for u, v, old in zip(exact, rounded, run.values, strict=False):
        away = total([a - b for a, b in zip(u, v, strict=True)]) - SINGLE * total(old)
        if not away <= STABLE * total(u):
            return False
    return True


@dataclass(frozen=True)
class _Sized:
    """The runs of one setting in other units: as it is at ``factor``, ordinary at 1."""

    comparison: Comparison
    reading: Candidate
    run: Run

    @property
    def factor(self) -> float:
        scenario = self.run.scenario
        return SIZES[scenario.profile] if scenario.start == 1 else scenario.start

    def at(self, size: float) -> Run:
        """Return the run with its gradients, or its weights at the start, of this size."""
        run, share = self.run, size / self.factor
        gradients, start = run.gradients, run.values[0]
        if run.scenario.start == 1:
            gradients = [[share * g for g in row] for row in gradients]
        else:
            start = [share * w for w in start]
        values = self.comparison.drive(run.scenario, start, gradients, run.given)
        return Run(run.scenario, run.shapes, run.options, run.given, gradients, values)

    def right(self, size: float) -> bool:
        run = self.at(size)
        errors = gaps(run, run.reference(self.comparison.oracle, self.reading))
        return all(error <= SEEN for error in errors)

    def edge(self) -> Run | None:
        """Return the last run that is right, on the way from 1; None if that is not."""
        if not self.right(1.0):
            return None
        inside, outside = 1.0, self.factor
        for _ in range(ROUNDS):
            middle = (inside * outside) ** 0.5
            inside, outside = (middle, outside) if self.right(middle) else (inside, middle)
        return self.at(inside)


def in_words(comparison: Comparison, reading: Candidate, run: Run) -> str:
    """Return from which size on a subject leaves a reading, and what it does there."""
    edge = _Sized(comparison, reading, run).edge() if extreme(run.scenario) else None
    if edge is None:
        return ""
    if run.scenario.start != 1:
        return (
            f"it leaves the definition where a weight's norm is below {total(edge.values[0]):.3g}"
        )
    norms = [total(row) for row in edge.gradients]
    if run.scenario.profile == "tiny":
        still = "stands still" if not _moves(run) else "leaves the definition"
        return f"it {still} where a gradient's norm is below {min(norms):.3g}"
    norm, entry = max(norms), max(float(g.abs().max()) for row in edge.gradients for g in row)
    if not _moves(run):
        return f"it stands still where a gradient's norm is above {norm:.3g}"
    if _as_if(comparison, reading, run, lambda g: g * min(1.0, norm / float(g.norm()))):
        return f"gradients whose norm is above {norm:.3g} are scaled down to it"
    if _as_if(comparison, reading, run, lambda g: g.clamp(-entry, entry)):
        return f"entries of gradients beyond {entry:.3g} are cut off"
    return f"it leaves the definition where a gradient's norm is above {norm:.3g}"


def _moves(run: Run) -> bool:
    return any(bool(u.any()) for row in run.moves() for u in row)


def _as_if(
    comparison: Comparison, reading: Candidate, run: Run, clip: Callable[[Tensor], Tensor]
) -> bool:
    """Return whether a run is the reading's on gradients that are clipped so."""
    clipped = replace(run, gradients=[[clip(g) for g in row] for row in run.gradients])
    errors = gaps(run, clipped.reference(comparison.oracle, reading))
    return max(errors, default=0.0) <= 1e3 * SEEN
