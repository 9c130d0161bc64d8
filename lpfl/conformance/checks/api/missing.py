"""Gradients that are missing or late."""

import re
from collections.abc import Mapping
from typing import Any

from lpfl.conformance.agreement import SCALARS
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.definition.extras import extras
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.oracles.methods import PER_PARAMETER, UNCOUNTED
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome, severity
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance, size

STILL = 1e-12
LATENESS = (1, 5, 20, 100)
FAIR = (1 / 3, 3.0)
NOTICED = 1e-2
"""Relative difference of a first step that nobody would notice in training."""
PAIR = ((6, 4), (6, 4))
LOOKS_BACK = re.compile(r"look.?ahead|slow weights", re.IGNORECASE)


@check("api.missing", tags=("api",), cost=0.1, needs=("params",))
def missing(subject: Subject) -> CheckResult:
    """A parameter without a gradient stands still, raises nothing and disturbs nobody."""
    check_id = "api.missing"
    if "grad_first" in subject.needs:
        return _needs_first(check_id)
    answers = [_missing_at(subject, lacking) for lacking in (1, 0)]
    return max(answers, key=lambda answer: severity(answer.outcome))


def _missing_at(subject: Subject, lacking: int) -> CheckResult:
    """Leave the gradient of one of two parameters out in three of six steps."""
    start, gradients = subject.draw(PAIR, 6, "api.missing")
    steps, options = (0, 1, 4), decayed(subject)
    given = [_without(g, lacking) if t in steps else list(g) for t, g in enumerate(gradients)]
    try:
        run = subject.run(start, given, options=options)
    except Exception as error:
        subject.run(start, gradients, options=options)  # one that raises too is no finding
        said = f"A step with one gradient missing raises {told(error)}."
        outcome = Outcome.VARIANT if says_so(error) else Outcome.LIMIT
        return _lacking(subject, lacking, outcome, said, type(error).__name__)
    moves = run.moves(lacking)
    whole = size(run.values[0][lacking : lacking + 1])
    moved = max(float(moves[t].norm()) for t in steps) / whole
    said = f"The relative move of a parameter without a gradient is {moved:.2g}"
    if moved > STILL:
        excused = coupled(subject) or looks_back(subject)
        outcome = Outcome.VARIANT if excused else Outcome.LIMIT
        return _lacking(subject, lacking, outcome, f"{said}.", moved, moved)
    other = 1 - lacking
    alone = subject.run([start[other]], [[g[other]] for g in gradients], options=options)
    way = alone.displacement() or 1.0
    apart = distance([run.end[other]], alone.end) / way
    spoilt = apart > tolerance(subject, "api.missing") and not coupled(subject)
    said = f"{said}, the other is {apart:.2g} off its way."
    if spoilt:
        return _lacking(subject, lacking, Outcome.DEVIATES, said, apart, apart)
    if subject.spec.claims & UNCOUNTED:
        rows = [[g[lacking]] for t, g in enumerate(gradients) if t not in steps]
        kept = subject.run([start[lacking]], rows, options=options)
        lost = distance([run.end[lacking]], kept.end) / (kept.displacement() or 1.0)
        if lost > max(SCALARS, tolerance(subject, "api.missing")) and not extras(subject):
            said = f"A parameter ends {lost:.2g} of its way off after steps without a gradient"
            said = f"{said}: it does not go on from where it was."
            return _lacking(subject, lacking, Outcome.DEVIATES, said, lost, lost, after=True)
    return CheckResult(
        check="api.missing", outcome=Outcome.CONFORMS, message=said, measured=apart, bound=STILL
    )


def looks_back(subject: Subject) -> bool:
    """Return whether the documentation speaks of slow weights, to which all are moved at times."""
    optimizer = subject.open(subject.draw(PAIR[:1], 0, "api.missing")[0]).optimizer
    return bool(LOOKS_BACK.search(documentation(subject, optimizer)))


def decayed(subject: Subject) -> dict[str, Any]:
    """Return options with weight decay on, which must not act without a gradient."""
    return {"weight_decay": 0.1} if isinstance(subject.default("weight_decay"), float) else {}


def _without(step: Any, lacking: int) -> list[Any]:
    return [None if i == lacking else g for i, g in enumerate(step)]


def _lacking(
    subject: Subject,
    lacking: int,
    outcome: Outcome,
    message: str,
    proof: float | str,
    measured: float | None = None,
    *,
    after: bool = False,
) -> CheckResult:
    options = f"**{decayed(subject)!r}"
    ending = "print('relative move without a gradient:', max(moved) / float(before[at].norm()))"
    if after:
        ending = f"""rows = [[g[at]] for t, g in enumerate(gradients) if t not in (0, 1, 4)]
    end = [read(optimizer, params)[at]]
    print('off its way by', gap(end, run([start[at]], rows, {options}), [start[at]]))"""
    elif outcome is Outcome.DEVIATES:
        ending = f"""other = 1 - at
    alone = run([start[other]], [[g[other]] for g in gradients], {options})
    end = [read(optimizer, params)[other]]
    print('the other parameter is off by', gap(end, alone, [start[other]]))"""
    body = f"""
at, moved = {lacking}, []  # this parameter has no gradient in steps 1, 2 and 5
optimizer, params = begin(start, {options})
try:
    for t, g in enumerate(gradients):
        before = read(optimizer, params) if t else start
        missing = t in (0, 1, 4)
        step(optimizer, params, [None if missing and i == at else x for i, x in enumerate(g)])
        if missing:
            moved.append(float((read(optimizer, params)[at] - before[at]).norm()))
    before = start
    {ending}
except Exception as error:
    print(type(error).__name__)
"""
    text, why = "", ""
    if outcome is not Outcome.VARIANT:
        text = program(subject, body, shapes=PAIR, steps=6, stream=("api.missing",))
        text, why = proven(subject, text, proof)
    return CheckResult(
        check="api.missing",
        outcome=outcome,
        message=message,
        measured=measured,
        bound=STILL,
        scenario={"gradient": None, "steps": [1, 2, 5], "parameter": lacking + 1},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _needs_first(check_id: str) -> CheckResult:
    message = "Not applicable: every parameter needs a gradient first, as the spec says."
    return CheckResult(check=check_id, outcome=Outcome.NOT_CLAIMED, message=message)


@check("api.late", tags=("api",), cost=0.4, needs=("params",))
def late(subject: Subject) -> CheckResult:
    """A parameter whose first gradient comes late takes the first step of a fresh one.

    Papers count steps but know no missing gradients, so that one count for all contradicts none
    of them: it is a limit that must be said, not another method.
    """
    if "grad_first" in subject.needs:
        return _needs_first("api.late")
    answer = _late(subject, {})
    damped = _damped(subject)
    if answer.outcome in FINDINGS or not damped:
        return answer
    return max(answer, _late(subject, damped), key=lambda found: severity(found.outcome))


def _damped(subject: Subject) -> dict[str, Any]:
    """Return options with a strong dampening of momentum, where both are taken.

    A buffer that begins with the whole gradient does so once for each parameter.
    """
    numbers = [subject.default(name) for name in ("momentum", "dampening")]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers):
        return {}
    options = {"momentum": numbers[0] or 0.9, "dampening": 0.9}
    start, gradients = subject.draw(PAIR, 2, "api.late")
    try:
        return options if subject.run(start, gradients, options=options).finite else {}
    except Exception:
        return {}


def _late(subject: Subject, options: Mapping[str, Any]) -> CheckResult:
    check_id = "api.late"
    start, gradients = subject.draw(PAIR, 8, check_id)
    fresh = subject.run(start, gradients[:4], options=options)
    first = next((t for t, m in enumerate(fresh.moves(1)) if float(m.norm()) > 0), None)
    if first is None:
        message = "Not compared: a fresh parameter stands still for four steps."
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)
    usual = float(fresh.moves(1)[first].norm())
    ratios = {n: _late_step(subject, start, gradients, n, first, options) / usual for n in LATENESS}
    worst = max(ratios, key=lambda n: abs(_log(ratios[n])))
    ratio = ratios[worst]
    said = f" with {', '.join(f'{k}={v}' for k, v in options.items())}" if options else ""
    message = (
        f"The first step of a parameter whose first gradient comes {worst} steps late is "
        f"{ratio:.3g} of a fresh one's{said}."
    )
    if abs(ratio - 1) <= max(NOTICED, tolerance(subject, check_id)):
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=ratio, bound=1.0
        )
    fair = FAIR[0] <= ratio <= FAIR[1] and not subject.spec.claims & PER_PARAMETER
    excused = fair or coupled(subject) or _led(subject, start, gradients, first, options)
    outcome = Outcome.VARIANT if excused else Outcome.LIMIT
    text, why = "", ""
    if outcome is not Outcome.VARIANT:
        text, why = proven(subject, _late_text(subject, worst, first, options), ratio)
    return CheckResult(
        check=check_id,
        outcome=outcome,
        message=f"{message[:-1]}: steps are counted for all of them together.",
        measured=ratio,
        bound=1.0,
        scenario={"steps late": worst, "ratios": ratios, "options": dict(options)},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _led(
    subject: Subject, start: Any, gradients: Any, first: int, options: Mapping[str, Any]
) -> bool:
    """Return whether the late step depends on the other parameter's gradients, not on time."""
    other = [[3.0 * g[0] * (-1.0) ** t, g[1]] for t, g in enumerate(gradients)]
    n = LATENESS[-1]
    one = _late_step(subject, start, gradients, n, first, options)
    return abs(_late_step(subject, start, other, n, first, options) - one) > 0.01 * one


def _log(ratio: float) -> float:
    import math

    return math.log(ratio) if ratio > 0 else -100.0


def _late_step(
    subject: Subject,
    start: Any,
    gradients: Any,
    n: int,
    first: int,
    options: Mapping[str, Any],
) -> float:
    session = subject.open(start, options=options)
    for t in range(n):
        session.step([gradients[t % 8][0], None])
    for t in range(first + 1):
        before = session.values()[1]
        session.step(gradients[t])
    return float((session.values()[1] - before).norm())


def _late_text(subject: Subject, n: int, first: int, options: Mapping[str, Any]) -> str:
    body = f"""
def first_move(late):
    optimizer, params = begin(start, **{dict(options)!r})
    for t in range(late):
        step(optimizer, params, [gradients[t % 8][0], None])
    for t in range({first + 1}):
        before = read(optimizer, params)[1] if late + t else start[1]
        step(optimizer, params, gradients[t])
    return float((read(optimizer, params)[1] - before).norm())


print('ratio of first steps', first_move({n}) / first_move(0))
"""
    return program(subject, body, shapes=PAIR, steps=8, stream=("api.late",))
