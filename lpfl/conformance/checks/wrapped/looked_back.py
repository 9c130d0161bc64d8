"""Lookahead: every k steps the weights go a share of the way back to those of k steps before.

Source: Zhang et al. 2019, Lookahead optimizer, algorithm 1; slow weights begin at the start.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.promised.told_of import words_of
from lpfl.conformance.checks.wrapped.options import (
    APART,
    Wrapping,
    about,
    is_coarse,
    named,
    same,
    wrapping,
)
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, end_gap, gap

ID = "api.lookahead"
SHAPES = ((6, 4), (5,))
STEPS, K, SHARE = 10, 3, 0.3
NUMBER = re.compile(
    r"^(la|look_?ahead)_?(k|steps?|merge_?time|period|every|interval|freq(uency)?|sync\w*)$|^k$"
)
BLEND = re.compile(
    r"^(la|look_?ahead)_?(blend(ing)?_?)?(alpha|blend|share|lr|rate)$|^alpha$|"
    r"^slow_(lr|rate|step_size)$"
)
SWITCH = re.compile(r"^(use_)?look_?ahead(_active|_enabled)?$")
ABOUT = re.compile(r"look[_ -]?ahead|slow[_ -]?(weights|param)|\bla_", re.IGNORECASE)
USUAL = (0.5, 0.8)
AT_START = re.compile(
    r"\b(start|begin|began|initial)(?!\w* (at|from) the (first|k))", re.IGNORECASE
)
AT_SYNC = re.compile(r"first sync|first k steps|\bat the first\b|\bonce k\b", re.IGNORECASE)
ANCHOR = re.compile(
    r"\bfixed\b|pretrained|\banchor|for good|\b(do|does) not (move|go)\b", re.IGNORECASE
)
WAITS = re.compile(
    r"warm|\bafter\b|delay|\bburn|epochs?\b|by hand|\w\(\)|evaluat|validat|\bbegins? (at|with)\b",
    re.IGNORECASE,
)
GATED = re.compile(
    r"\b(only|unless|if|when|requires?|needs?|eval\w*|deprecated|unused|log(s|ged|ging)?|"
    r"print\w*|report\w*)\b",
    re.I,
)
"""Words by which weights are not drawn back always, or by this option."""


@dataclass(frozen=True)
class Reading:
    """When weights go back, whence the slow ones are, and whether these go along."""

    says: str
    phase: int = 0
    begins: str = "start"
    follows: bool = True
    reverse: bool = False
    outcome: Outcome = Outcome.CONFORMS


READINGS = (
    Reading("every k steps, slow weights from the start"),
    Reading("after the first step and every k from there", 1, "sync", outcome=Outcome.CONVENTION),
    Reading("with the first step too", 1, outcome=Outcome.CONVENTION),
    Reading("with alpha the share of the slow weights", reverse=True, outcome=Outcome.CONVENTION),
    Reading(
        "slow weights taken at the first synchronization: the first k steps are not looked back on",
        begins="sync",
        outcome=Outcome.LIMIT,
    ),
    Reading(
        "always back to the start: slow weights do not go along",
        follows=False,
        outcome=Outcome.DEVIATES,
    ),
)
IDLE = Reading("never: the weights are not drawn back at all", STEPS + 1, outcome=Outcome.LIMIT)


@check(ID, tags=("api",), cost=0.05, needs=("inject", "params"))
def lookahead(subject: Subject) -> Iterable[CheckResult]:
    """Every k steps the weights go back towards the slow ones, which begin at the start."""
    if "mode" in subject.needs or not named(subject, NUMBER) or is_coarse(subject):
        return
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, STEPS, ID)
    bound = same(subject, ID)
    for option, shares in _asked(subject):
        try:
            acting = option.acting(start, gradients)
            found = {
                (reading, share): gap(acting, _drawn_back(option, start, gradients, reading, share))
                for reading in (*READINGS, IDLE)
                for share in shares
            }
        except Exception:  # the option is refused
            continue
        fits = [pair for pair, apart in found.items() if apart <= bound]
        if fits and (answer := _answer(option, *fits[0], found, shapes)) is not None:
            yield answer
            return


def _asked(subject: Subject) -> Iterator[tuple[Wrapping, tuple[float, ...]]]:
    """Yield the option on and off, and the shares of the way that it may leave."""
    switches = named(subject, SWITCH, switch=True)
    for name in named(subject, NUMBER):
        if isinstance(subject.default(name), float) or not about(subject, name, ABOUT):
            continue
        blend = [n for n in named(subject, BLEND) if about(subject, n, ABOUT)][:1]
        on: dict[str, Any] = {**dict.fromkeys(switches, True), name: K}
        on |= dict.fromkeys(blend, SHARE)
        if switches:
            off = {**on, **dict.fromkeys(switches, False)}
        elif not subject.default(name):
            off = {**on, name: subject.default(name)}
        else:
            off = {**on, **dict.fromkeys(blend, 1.0)} if blend else {**on, name: 10**6}
        yield wrapping(subject, name, on, off), (SHARE,) if blend else USUAL


def _drawn_back(
    option: Wrapping, start: Start, gradients: Gradients, reading: Reading, share: float
) -> Trajectory:
    """Return the run with the option off whose weights are drawn back between its steps."""
    session = option.subject.open(start, options=option.off)
    part = 1 - share if reading.reverse else share
    slow = session.values() if reading.begins == "start" else None

    def move(row: Any) -> None:
        nonlocal slow
        session.step(row)
        if reading is IDLE or session.steps % K != reading.phase:
            return
        fast = session.values()
        new = [s + part * (f - s) for s, f in zip(slow or fast, fast, strict=True)]
        slow = new if reading.follows else slow
        with torch.no_grad():
            for p, value in zip(session.params, new, strict=True):
                p.copy_(value)

    return session.follow(gradients, move)


def _answer(
    option: Wrapping,
    reading: Reading,
    share: float,
    found: dict[tuple[Reading, float], float],
    shapes: list[tuple[int, ...]],
) -> CheckResult | None:
    """Return the answer for the reading that fits; None where more would be needed to tell."""
    told = f"{option.said} {words_of(option.subject)}"
    gated = GATED.search(option.said) or WAITS.search(told) or _waits(option.subject)
    if reading is IDLE and (not option.said or gated or not _shared(option)):
        return None
    if (reading.begins == "sync" and AT_SYNC.search(told)) or (
        not reading.follows and ANCHOR.search(told)
    ):
        reading = replace(reading, outcome=Outcome.VARIANT)
        return CheckResult(check=ID, outcome=reading.outcome, message=f"As told: {reading.says}.")
    if reading.outcome in (Outcome.CONFORMS, Outcome.CONVENTION):
        named_so = {"lookahead": reading.says} if reading.outcome is Outcome.CONVENTION else {}
        message = f"With {option.shown} the weights go back {reading.says}."
        return CheckResult(check=ID, outcome=reading.outcome, message=message, convention=named_so)
    right = min(apart for (other, _), apart in found.items() if other is READINGS[0])
    if right <= APART:
        return None
    outcome = reading.outcome
    if reading.begins == "sync" and AT_START.search(option.said):
        outcome = Outcome.DEVIATES
    shares = {s for (other, s) in found if other is READINGS[0]}
    body = f"""
def looked_back(share):
    optimizer, params = begin(start, **{option.off!r})
    slow = [p.detach().clone() for p in params]
    for t, g in enumerate(gradients, 1):
        step(optimizer, params, g)
        for i, p in enumerate(params) if t % {K} == 0 else ():
            slow[i] += share * (p.detach() - slow[i])
            p.data.copy_(slow[i])
    return read(optimizer, params)


b = run(start, gradients, **{option.on!r})
print('distance', min(gap(b, looked_back(share), start) for share in {sorted(shares)}))
"""
    at_end = _at_end(option, shapes, sorted(shares))
    message = (
        f"With {option.shown} the weights go back so: {reading.says}. The run is {right:.2g} of "
        "its way from one that goes back every k steps to slow weights from the start."
    )
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=right,
        bound=APART,
        scenario={"changed": dict(option.on), "steps": STEPS},
        **evidence(option.subject, body, at_end, shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _waits(subject: Subject) -> bool:
    """Return whether another option says when weights are drawn back."""
    wait = re.compile(r"(look|la_).*(start|warm|after|begin|delay|burn)")
    return any(wait.search(name) for name in subject.constructor_names)


def _shared(option: Wrapping) -> bool:
    """Return whether the share of the way back is set, or no other option could be one."""
    other = re.compile(r"slow|look|^la_|share|blend")
    names = option.subject.constructor_names - option.on.keys()
    return not any(other.search(name) and not NUMBER.search(name) for name in names)


def _at_end(option: Wrapping, shapes: list[tuple[int, ...]], shares: list[float]) -> float:
    """Return how far the ends of the run and of the right one are apart, as a program tells."""
    start, gradients = option.subject.draw(shapes, STEPS, ID)
    acting = option.acting(start, gradients)
    right = [_drawn_back(option, start, gradients, READINGS[0], share) for share in shares]
    return min(end_gap(acting, run) for run in right)
