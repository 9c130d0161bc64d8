"""Options that clip gradients: a run with one on is the run on gradients clipped beforehand."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from torch import Tensor

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.promised.clipping import (
    PLAIN,
    TO_WEIGHTS,
    TOOLS,
    WRONG_AXIS,
    run_clipped,
)
from lpfl.conformance.checks.promised.told_of import told_of, undecayed
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import attributable
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, gap

ID = "api.clips"
SHAPES = ((6, 4), (5,))
STEPS = 10
CLIPS = re.compile(
    r"^(grad(ient)?_?)?clip(ping)?(_?grad(ient)?s?)?(_?(norm|value))?$|^max_(grad(ient)?_)?norm$"
)
ADAPTIVE = re.compile(r"^agc(_clip\w*)?(_val\w*)?$|^adaptive_(grad(ient)?_)?clip\w*$")
MOST, SHARE = 1.0, 0.1
"""Bound on gradients, and on their share of the weights."""
NEVER = 1e12
SAME, APART = 1e-3, 5e-2
GRADIENT = re.compile(r"grad", re.IGNORECASE)
OTHERWISE = re.compile(
    r"updat|\bsteps?\b|direction|momentum|moment|ratio|trust|buffer|state|weights?\b|param\w* norm|"
    r"precondition|noise|column|input|second|spectral|tanh|smooth|\bsoft|deviation|\bz.?score|"
    r"running|quantile|percentile|median",
    re.IGNORECASE,
)
"""Words by which something else than the gradient is clipped, or by another rule."""
TOGETHER = re.compile(r"\b(all|global\w*|total|overall|whole|entire)\b", re.IGNORECASE)
ALONE = re.compile(
    r"\b(of|per|in|within|for|by) ((a|each|every|one|the|its) )?(param(eter)?[ _-]?)?group\b|"
    r"\bgroups? (alone|separately|by group)\b",
    re.IGNORECASE,
)
"""Words on the gradients of one group."""
GROUPS: Any = [([0], {}), ([1], {})]


@dataclass(frozen=True)
class Clip:
    """An option that clips, on; ``usual``: options that stay as they are in all runs."""

    subject: Subject
    name: str
    most: float
    usual: Mapping[str, Any]
    shapes: tuple[tuple[int, ...], ...] = SHAPES

    @property
    def on(self) -> dict[str, Any]:
        """Options with the clip on."""
        return {**self.usual, self.name: self.most}

    @cached_property
    def offs(self) -> list[dict[str, Any]]:
        """Options with values that may switch it off; one, where it is off by default."""
        held = self.subject.default(self.name)
        values = (NEVER, 0.0, None) if held else (held,)
        return [{**self.usual, self.name: value} for value in values]

    @cached_property
    def drawn(self) -> tuple[Start, Gradients]:
        """Weights, and gradients of uneven sizes."""
        start, rows = self.subject.draw(self.shapes, STEPS, ID)
        return start, uneven(rows)

    def fits(self, rule: str, groups: Any = None) -> tuple[float, dict[str, Any]]:
        """Return how far the run with the clip on is from one clipped beforehand by a rule."""
        acting = self.acting(groups)
        nearest: tuple[float, dict[str, Any]] = (float("inf"), self.offs[0])
        for off in self.offs:
            try:
                other = run_clipped(
                    self.subject, *self.drawn, rule, self.most, options=off, groups=groups
                )
            except Exception:
                continue
            nearest = min(nearest, (gap(acting, other), off), key=lambda found: found[0])
        return nearest

    def acting(self, groups: Any = None) -> Trajectory:
        """Return the run with the clip on."""
        return self.subject.run(*self.drawn, options=self.on, groups=groups)

    def centres(self) -> bool:
        """Return whether it takes the mean of each unit away first, and clips what is left."""
        start, rows = self.drawn
        centred = [[_centred(g) for g in row] for row in rows]
        runs = [self.subject.run(start, given, options=self.offs[0]) for given in (centred, rows)]
        return gap(*runs) <= SAME

    @cached_property
    def idle(self) -> bool:
        """Whether it changes nothing, or breaks the run."""
        try:
            acting = self.acting()
            plain = [self.subject.run(*self.drawn, options=off) for off in self.offs[:1]]
        except Exception:
            return True
        return not acting.finite or gap(acting, plain[0]) <= SAME


def _centred(g: Tensor) -> Tensor:
    """Return a gradient without the mean of each unit."""
    return g - g.mean(dim=tuple(range(1, g.ndim)), keepdim=True) if g.ndim > 1 else g


@check(ID, tags=("api",), cost=0.1, needs=("inject", "params"))
def clips(subject: Subject) -> Iterable[CheckResult]:
    """A clip of the gradient does what gradients clipped beforehand do."""
    rules: dict[str, str] = {}
    for clip, ways in _asked(subject):
        if clip.idle:
            continue
        found = {rule: clip.fits(rule) for rule in ways}
        rule = min(found, key=lambda r: found[r][0])
        if found[rule][0] <= SAME:
            rules[clip.name] = rule
            split = _by_groups(clip, found[rule][1]) if rule == "the norm of all" else None
            if split is not None:
                yield split
                return
        elif (answer := _none(clip, found[rule], rule)) is not None:
            yield answer
            return
    if rules:
        said = " and ".join(f"{name} bounds {rule}" for name, rule in rules.items())
        message = f"The run is that on gradients clipped beforehand: {said}."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _asked(subject: Subject) -> Iterator[tuple[Clip, Mapping[str, str]]]:
    """Yield the options that clip, each with the ways in which it rightly may."""
    usual = undecayed(subject)
    if len(subject.shapes(*SHAPES)) < len(SHAPES):
        return
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        number = held is None or (isinstance(held, int | float) and not isinstance(held, bool))
        if number and CLIPS.search(name):
            yield Clip(subject, name, MOST, usual), PLAIN
        elif number and ADAPTIVE.search(name):
            yield Clip(subject, name, SHARE, usual), TO_WEIGHTS


def _none(clip: Clip, nearest: tuple[float, dict[str, Any]], rule: str) -> CheckResult | None:
    """Return the finding that an option which is told to clip gradients does so in no way."""
    told = told_of(clip.subject, clip.name)
    adaptive = rule in TO_WEIGHTS
    if adaptive:
        return _wrong_axis(clip, told)
    if not GRADIENT.search(f"{clip.name} {told}") or OTHERWISE.search(told) or not told:
        return None
    apart, off = nearest
    options = {"options": off}
    if not APART < apart < float("inf") or clip.centres():
        return None
    if not attributable(clip.subject, apart, *clip.drawn, options=clip.on):
        return None
    rules = ", ".join(f"lambda p, g, gs: {way}" for way in PLAIN.values())
    message = (
        f"The run with {clip.name}={clip.most:g} is {apart:.2g} of its way from each run with it "
        f"off on gradients clipped beforehand; the nearest is by {rule}."
    )
    return _finding(clip, message, apart, off, f"[{rules}]", scenario=options)


def _wrong_axis(clip: Clip, told: str) -> CheckResult | None:
    """Return the finding that the norms are those of the inputs, not of the output units."""
    (wrong,) = WRONG_AXIS
    alone = replace(clip, shapes=SHAPES[:1])
    apart, off = alone.fits(wrong)
    if apart > SAME or re.search(r"column|input", told, re.IGNORECASE):
        return None
    right, off = alone.fits("each output unit")
    if right <= APART:
        return None
    message = (
        f"The run with {clip.name}={clip.most:g} is that on gradients clipped by the norms of "
        f"each column: {right:.2g} of its way from that by the norms of output units, the rows."
    )
    rules = f"[lambda p, g, gs: {TO_WEIGHTS['each output unit']}]"
    return _finding(alone, message, right, off, rules)


def _by_groups(clip: Clip, off: dict[str, Any]) -> CheckResult | None:
    """Return the finding that the norm of all, as it is told, starts anew in each group."""
    told = told_of(clip.subject, clip.name)
    apart_alone = clip.fits("the norm of each weight")[0]
    if not TOGETHER.search(told) or ALONE.search(told) or apart_alone <= SAME:
        return None
    try:
        apart, _ = clip.fits("the norm of all", GROUPS)
        of_each, _ = clip.fits("the norm of each weight", GROUPS)  # a group holds one weight here
    except Exception:
        return None
    if apart <= 10 * SAME or of_each > SAME:
        return None
    message = (
        f"The bound {clip.name}={clip.most:g} is told to be on the norm of all gradients, and "
        f"holds for each group alone: {apart:.2g} of the way from the norm over two groups."
    )
    rules = f"[lambda p, g, gs: {PLAIN['the norm of all']}]"
    return _finding(clip, message, apart, off, rules, groups=True)


def _finding(
    clip: Clip,
    message: str,
    apart: float,
    off: Mapping[str, Any],
    rules: str,
    *,
    groups: bool = False,
    scenario: Mapping[str, Any] | None = None,
) -> CheckResult:
    parts = "[{'params': [p]} for p in params]" if groups else "params"
    body = f"""{UNEVEN_TEXT}{TOOLS}

def go(rule, options):
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer = make({parts}, **options)
    for row in gradients:
        step(optimizer, params, [rule(p.detach(), g, row) for p, g in zip(params, row)])
    return read(optimizer, params)


most = {clip.most!r}
b = go(lambda p, g, gs: g, {clip.on!r})
print('nearest', min(gap(go(rule, {dict(off)!r}), b, start) for rule in {rules}))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=message,
        measured=apart,
        bound=APART,
        scenario={"changed": clip.on, "steps": STEPS, **(scenario or {})},
        **evidence(clip.subject, body, apart, shapes=clip.shapes, steps=STEPS, stream=(ID,)),
    )
