"""Half the rate gives half the way under prescribed gradients, whatever other options are on.

That holds for each method whose reference is linear in lr. An option of the subject that the
reference lacks, momentum beside Adadelta say, is held to it too: the rate may enter only once,
unless the documentation of the option speaks of it. A way that is not halved is not yet a rate that
enters twice: a bound on the step has no rate in it, and a pull towards weights belongs to the loss.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import torch

from lpfl.conformance.definition.alternatives import alternatives
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.option_names import NAMES, known_as, places
from lpfl.conformance.definition.trajectory_verdict import CHECK
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

RATES = (0.8, 0.4)
STEPS = 8
SHAPES = ((6, 4), (5,))
EXACT = 1e-4
"""Distance from half the way, relative to it, that rounding explains."""
LOOSE = 1e-2
"""Distance from which an option is accused."""
POWER = 0.05
"""Relative distance from the square of the rate that counts as none."""
RATE = re.compile(r"\b(lr|learning.?rate|step.?size)\b", re.IGNORECASE)


def halved_rates(subject: Subject) -> Iterator[CheckResult]:
    """Yield an accusation for the first option with which the rate enters more than once."""
    name = next((n for n in known_as(subject, "lr") if subject.accepts(n)), None)
    claims = [c for c in sorted(subject.spec.claims - subject.beside) if oracle_of(c)]
    oracle = oracle_of(claims[0]) if len(claims) == 1 else None
    if name is None or oracle is None or not linear(oracle.claim):
        return
    plain = dict.fromkeys(known_as(subject, "weight_decay"), 0.0)
    usual = apart(subject, name, plain)
    if usual is None or usual[0] > EXACT:
        return
    known = {spot.option for spot in places(subject, oracle).values()}
    skipped = {*NAMES["lr"], *NAMES["weight_decay"], *known}
    for option, value in alternatives(subject).items():
        if option in skipped:
            continue
        found = apart(subject, name, {**plain, option: value})
        if found is None or found[0] <= LOOSE or _said(subject, option):
            continue
        given = {**plain, option: value}
        if _twice(subject, name, given, option) and not _feels_weights(subject, name, given):
            yield _accused(subject, oracle, name, given, (option, found[1]))
            return


def _twice(subject: Subject, name: str, options: Mapping[str, Any], option: str) -> bool:
    """Return whether the rate enters an option's part once more.

    Either the option acts by its product with the rate, or the way has, beside a part in
    proportion to the rate, one in proportion to its square.
    """
    value = options[option]
    if isinstance(value, float):
        whole = _way(subject, {**options, name: RATES[0], option: value / 2})
        half = _way(subject, {**options, name: RATES[1]})
        if whole is None or half is None:
            return False
        if bool((2 * half - whole).norm() <= EXACT * whole.norm()):
            return True
    ways = [_way(subject, {**options, name: RATES[0] / k}) for k in (1, 2, 4)]
    first, second, third = ways
    if first is None or second is None or third is None:
        return False
    bend, less = first - 2 * second, second - 2 * third
    return bool((bend - 4 * less).norm() <= POWER * bend.norm())


def _feels_weights(subject: Subject, name: str, options: Mapping[str, Any]) -> bool:
    """Return whether later steps are others once the weights are shifted by hand, or cannot be."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, CHECK, "halved rates")
    ways = []
    for shift in (0.0, 1.0):
        session = subject.open(start, options={**options, name: RATES[1]})
        for row in gradients[: STEPS // 2]:
            session.step(row)
        before = session.values()
        with torch.no_grad():
            for p in session.params:
                p.add_(shift)
        shifted = session.values()
        moved = zip(before, shifted, strict=True)
        if any(float((b - a - shift).abs().max()) > EXACT for a, b in moved):
            return True
        for row in gradients[STEPS // 2 :]:
            session.step(row)
        pairs = zip(shifted, session.values(), strict=True)
        ways.append(torch.cat([(b - a).double().flatten() for a, b in pairs]))
    return bool((ways[1] - ways[0]).norm() > EXACT * ways[0].norm())


def _said(subject: Subject, option: str) -> bool:
    """Return whether what is written about an option speaks of the rate."""
    start, _ = subject.draw(subject.shapes(*SHAPES), 1, CHECK, "halved rates")
    text = documentation(subject, subject.open(start).optimizer)
    entry = rf"^.*\b{re.escape(option)}\b.*(?:\n(?!\s*\w+\s*[(:]).*\S.*)*"  # to the next option
    return any(RATE.search(found) for found in re.findall(entry, text, re.MULTILINE))


@cache
def linear(claim: str) -> bool:
    """Return whether the reference of a claim goes half the way at half the rate."""
    oracle = oracle_of(claim)
    if oracle is None or "lr" not in oracle.options or oracle.fixed.get("lr"):
        return False
    draws = torch.Generator().manual_seed(0)
    shape = (4, 3)
    start = [torch.randn(shape, generator=draws, dtype=torch.float64)]
    rows = [[torch.randn(shape, generator=draws, dtype=torch.float64)] for _ in range(STEPS)]
    plain = {"weight_decay": 0.0} if "weight_decay" in oracle.options else {}
    given = {**oracle.fixed, **plain}
    ends = [oracle.trajectory(start, rows, options={**given, "lr": lr})[-1] for lr in RATES]
    whole, half = (end[0] - start[0] for end in ends)
    return bool((2 * half - whole).norm() <= EXACT * whole.norm()) and bool(whole.norm() > 0)


def apart(subject: Subject, name: str, options: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return how far half the rate is from half the way, relative to it, and the part it goes.

    None where a run cannot be made or stands still.
    """
    whole, half = (_way(subject, {**options, name: rate}) for rate in RATES)
    if whole is None or half is None or not bool(whole.any()):
        return None
    size = float(whole.norm())
    return float((2 * half - whole).norm()) / size, float(half @ whole) / size**2


def _way(subject: Subject, options: Mapping[str, Any]) -> torch.Tensor | None:
    """Return the way from start to end, flat, or None where it is not finite or refused."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, CHECK, "halved rates")
    try:
        run = subject.run(start, gradients, options=options)
    except Exception:  # a rate, or options together, that it refuses
        return None
    pairs = zip(run.end, start, strict=True)
    return torch.cat([(b - a).double().flatten() for b, a in pairs]) if run.finite else None


def _accused(
    subject: Subject,
    oracle: Oracle,
    name: str,
    options: Mapping[str, Any],
    what: tuple[str, float],
) -> CheckResult:
    option, part = what
    words = f"{option} = {options[option]!r}"
    text = (
        f"{oracle.claim}: with {words}, half of {name} does not give half the way but {part:.3g} "
        f"of it; without, it does: {option} brings the rate in once more."
    )
    body = f"""
ways = []
for rate in {RATES}:
    optimizer, params = begin(start, **{{**{dict(options)!r}, {name!r}: rate}})
    for g in gradients:
        step(optimizer, params, g)
    ways.append(torch.cat([(b - a).flatten() for a, b in zip(start, read(optimizer, params))]))
whole, half = ways
print('part of the way at half the rate:', float(half @ whole / (whole @ whole)))
"""
    shapes = subject.shapes(*SHAPES)
    return CheckResult(
        check=CHECK,
        outcome=Outcome.DEVIATES,
        message=text,
        measured=part,
        bound=0.5,
        scenario={"options": dict(options), name: list(RATES)},
        **evidence(subject, body, part, shapes=shapes, steps=STEPS, stream=(CHECK, "halved rates")),
    )
