"""Sharpness-aware minimization: the gradient of the step is the one at the top of a climb.

Source: Foret et al. 2021, equations 2 and 3; Kwon et al. 2021 for the adaptive climb.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.seen.climbs import (
    PAPER,
    RADIUS,
    READINGS,
    TOLD,
    Bowl,
    Points,
    norm,
)
from lpfl.conformance.drives.session import LossFunction
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "def.sam"
SHAPES = ((6, 4), (5,))
STEPS = 6
NAMES = ("rho", "ball")
EXACT = 1e-6


@check(ID, tags=("def",), cost=0.1, claims={"sam"})
def sharpness(subject: Subject) -> CheckResult:
    """SAM's step is its base method's, with the gradient at the point rho up along the gradient."""
    name = next((n for n in NAMES if subject.accepts(n)), "")
    if not name or "closure" not in subject.needs:
        message = "Not judged: it takes no closure, or has no option for the length of the climb."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    shapes = subject.shapes(*SHAPES)
    start, (curves, targets) = subject.draw(shapes, 2, ID)
    bowl = Bowl([0.5 + 3 * h.abs() for h in curves], targets)
    path = _walked(subject, start, bowl, {name: RADIUS})
    if not _off(path, _walked(subject, start, bowl, {name: RADIUS})) <= EXACT:
        message = "Not judged: two runs from one start and one seed differ, or are not finite."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    off = {}
    for reading, (outcome, slopes) in READINGS.items():
        off[reading] = _apart(subject, path, bowl, slopes, name)
        if off[reading] <= EXACT:
            told = outcome is Outcome.DEVIATES and _told(subject, reading)
            outcome = Outcome.VARIANT if told else outcome
            return _answer(subject, shapes, name, reading, outcome, off)
    outcome = Outcome.INCONCLUSIVE if _told(subject, "") else Outcome.DEVIATES
    return _answer(subject, shapes, name, "", outcome, off)


def _told(subject: Subject, reading: str) -> bool:
    """Return whether options or documentation speak of another member of the family."""
    start = subject.draw(subject.shapes(*SHAPES), 0, ID)[0]
    words = documentation(subject, subject.open(start).optimizer)
    names = [n for n in subject.constructor_names if n.startswith("rho_") or n.endswith("_rho")]
    return reading in TOLD and bool(TOLD[reading].search(words) or (names and not reading))


def _walked(
    subject: Subject, start: Points, bowl: Bowl, options: Mapping[str, Any]
) -> list[list[Tensor]]:
    session = subject.open(start, options=options)
    path = [session.values()]
    for _ in range(STEPS):
        _advance(session, bowl.loss(session.params))
        path.append(session.values())
    return path


def _advance(session: Session, loss: LossFunction) -> None:
    """Take one step by a closure, with the gradients of its first call there as some ask for."""
    session.zero()
    loss().backward()
    session.advance(loss)


def _off(one: Sequence[Points], two: Sequence[Points]) -> float:
    pairs = zip(one[-1], two[-1], one[0], strict=True)
    parts = [((a - b).norm(), (a - s).norm()) for a, b, s in pairs]
    return float(max(gap / way if way else gap for gap, way in parts))


def _apart(
    subject: Subject,
    path: Sequence[Points],
    bowl: Bowl,
    slopes: Callable[[Bowl, Points], list[Tensor]],
    name: str,
) -> float:
    """Return the largest distance, over its length, of a step from one without a climb.

    That one starts where the step started, and is given the gradients of the reading.
    """
    twin = _unclimbing(subject, path[0], name)
    largest = 0.0
    for before, after in itertools.pairwise(path):
        with torch.no_grad():
            for p, w in zip(twin.params, before, strict=True):
                p.copy_(w)
        _advance(twin, surrogate(twin.params, slopes(bowl, before)))
        moves = [a - b for a, b in zip(after, before, strict=True)]
        wanted = [a - b for a, b in zip(twin.values(), before, strict=True)]
        gap = norm([a - b for a, b in zip(moves, wanted, strict=True)])
        length = float(norm(moves))
        largest = max(largest, float(gap) / length if length else float(gap > 0))
    return largest


def _unclimbing(subject: Subject, start: Points, name: str) -> Session:
    for radius in (0.0, 1e-12):
        try:
            session = subject.open(start, options={name: radius})
            zero = [torch.zeros_like(v) for v in start]
            tried = subject.open(start, options={name: radius})
            _advance(tried, surrogate(tried.params, zero))
            return session
        except Exception:
            continue
    raise Undrivable(f"{name}=0 is refused")


def _answer(
    subject: Subject,
    shapes: Sequence[Sequence[int]],
    name: str,
    reading: str,
    outcome: Outcome,
    off: Mapping[str, float],
) -> CheckResult:
    at_best = min(off.values())
    if reading == PAPER:
        message = f"Every step takes {PAPER} of a climb of {name} ({off[reading]:.1g} off)."
        return CheckResult(check=ID, outcome=outcome, message=message, measured=off[reading])
    if reading and outcome is not Outcome.DEVIATES:
        message = f"Every step takes the gradient at {reading} ({off[reading]:.1g} off)."
        return CheckResult(
            check=ID,
            outcome=outcome,
            message=message,
            measured=off[reading],
            convention={"climb": reading},
        )
    if outcome is Outcome.INCONCLUSIVE:
        message = f"Not judged: a variant of SAM, {at_best:.2g} off the nearest reading known here."
        return CheckResult(check=ID, outcome=outcome, message=message, measured=at_best)
    said = f"every step takes {reading}" if reading else f"the nearest reading is {at_best:.2g} off"
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=f"A step is up to {off[PAPER]:.2g} of its length from the base method's with "
        f"{PAPER} of a climb of {name}={RADIUS}: {said}.",
        measured=off[PAPER],
        bound=EXACT,
        scenario={name: RADIUS, "steps": STEPS, "loss": "sum h sqrt(1 + d^2) + d^2 / 4, d = w - t"},
        **evidence(subject, _text(name), off[PAPER], shapes=shapes, steps=2, stream=(ID,)),
    )


def _text(name: str) -> str:
    return f"""
curves, targets = [0.5 + 3 * h.abs() for h in gradients[0]], gradients[1]
away = lambda points: [w - t for w, t in zip(points, targets)]
slopes = lambda points: [
    h * d / (1 + d**2).sqrt() + 0.5 * d for h, d in zip(curves, away(points))
]
norm = lambda parts: sum(float(v.square().sum()) for v in parts) ** 0.5


def stepped(optimizer, params, loss):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    closure()
    optimizer.step(closure)
    return [p.detach().clone() for p in params]


def bowl(params):
    parts = zip(curves, away(params))
    return sum((h * (1 + d**2).sqrt() + 0.25 * d**2).sum() for h, d in parts)


sam, params = begin(start, {name}={RADIUS})
base, others = begin(start, {name}=0.0)
off = []
for _ in range({STEPS}):
    before = [p.detach().clone() for p in params]
    g = slopes(before)
    top = slopes([w + {RADIUS} * x / norm(g) for w, x in zip(before, g)])
    after = stepped(sam, params, lambda: bowl(params))
    for p, w in zip(others, before):
        p.data.copy_(w)
    flat = lambda: sum((x * p).sum() for x, p in zip(top, others))
    wanted = stepped(base, others, flat)
    gaps = [a - b for a, b in zip(after, wanted)]
    off.append(norm(gaps) / norm([a - b for a, b in zip(after, before)]))
print('off the step with the gradient at the top', max(off))
"""
