"""Gradients that are missing, late or zero."""

from typing import Any

import torch

from lpfl.conformance.checks.api_coupling import coupled
from lpfl.conformance.checks.api_rate import without_decay
from lpfl.conformance.methods import PER_PARAMETER
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import rounds_away, tolerance
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance, gap, size

STILL = 1e-12
LATENESS = (1, 5, 20, 100)
FAIR = (1 / 3, 3.0)
PAIR = ((6, 4), (6, 4))


@check("api.missing", tags=("api",), cost=0.1, needs=("params",))
def missing(subject: Subject) -> CheckResult:
    """A parameter without a gradient stands still, raises nothing and disturbs nobody."""
    check_id = "api.missing"
    if "grad_first" in subject.needs:
        return _needs_first(check_id)
    start, gradients = subject.draw(PAIR, 6, check_id)
    given: list[list[Any]] = [
        [g[0], None if t in (0, 1, 4) else g[1]] for t, g in enumerate(gradients)
    ]
    body = """
optimizer, params = begin(start)
try:
    step(optimizer, params, [gradients[0][0], None])
    print('moved', float((params[1].detach() - start[1]).norm() / start[1].norm()))
except Exception as error:
    print(type(error).__name__)
"""
    text = program(subject, body, shapes=PAIR, steps=6, stream=(check_id,))
    try:
        run = subject.run(start, given)
    except Exception as error:
        text, why = proven(subject, text, type(error).__name__)
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=f"A step with one gradient missing raises {told(error)}.",
            scenario={"gradient": None},
            snippet=text,
            details={"snippet": why} if why else {},
        )
    moves = run.moves(1)
    moved = max(float(moves[t].norm()) for t in (0, 1, 4)) / size(run.values[0][1:])
    if moved > STILL:
        first = float(moves[0].norm()) / size(run.values[0][1:])
        one_problem = coupled(subject)
        text, why = proven(subject, text, first) if first > STILL else ("", "")
        return CheckResult(
            check=check_id,
            outcome=Outcome.VARIANT if one_problem else Outcome.LIMIT,
            message=f"The relative move of a parameter without a gradient is {moved:.2g}.",
            measured=moved,
            bound=STILL,
            scenario={"gradient": None, "steps": [1, 2, 5]},
            snippet=text,
            details={"snippet": why} if why else {},
        )
    alone = subject.run(start[:1], [g[:1] for g in given])
    apart = distance(run.end[:1], alone.end) / alone.displacement()
    message = (
        f"The parameter without a gradient moves by {moved:.2g}, the other is {apart:.2g} off."
    )
    spoilt = apart > tolerance(subject, check_id) and not coupled(subject)
    outcome = Outcome.DEVIATES if spoilt else Outcome.CONFORMS
    return CheckResult(check=check_id, outcome=outcome, message=message, measured=apart)


def _needs_first(check_id: str) -> CheckResult:
    message = "Not applicable: every parameter needs a gradient first, as the spec says."
    return CheckResult(check=check_id, outcome=Outcome.NOT_CLAIMED, message=message)


@check("api.late", tags=("api",), cost=0.4, needs=("params",))
def late(subject: Subject) -> CheckResult:
    """A parameter whose first gradient comes late takes the first step of a fresh one."""
    check_id = "api.late"
    if "grad_first" in subject.needs:
        return _needs_first(check_id)
    start, gradients = subject.draw(PAIR, 8, check_id)
    fresh = subject.run(start, gradients[:4])
    first = next((t for t, m in enumerate(fresh.moves(1)) if float(m.norm()) > 0), None)
    if first is None:
        message = "Not compared: a fresh parameter stands still for four steps."
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)
    usual = float(fresh.moves(1)[first].norm())
    ratios = {n: _late_step(subject, start, gradients, n, first) / usual for n in LATENESS}
    worst = max(ratios, key=lambda n: abs(_log(ratios[n])))
    ratio = ratios[worst]
    message = (
        f"The first step of a parameter whose first gradient comes {worst} steps late is "
        f"{ratio:.3g} of a fresh one's."
    )
    if abs(ratio - 1) <= max(1e-6, tolerance(subject, check_id)):
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=ratio, bound=1.0
        )
    claimed = bool(subject.spec.claims & PER_PARAMETER)
    fair = FAIR[0] <= ratio <= FAIR[1] and not claimed
    if fair or coupled(subject) or _led(subject, start, gradients, first):
        outcome = Outcome.VARIANT
    else:
        outcome = Outcome.DEVIATES if claimed else Outcome.LIMIT
    text, why = "", ""
    if outcome is not Outcome.VARIANT:
        text, why = proven(subject, _late_text(subject, worst, first), ratio)
    return CheckResult(
        check=check_id,
        outcome=outcome,
        message=f"{message[:-1]}: steps are counted for all of them together.",
        measured=ratio,
        bound=1.0,
        scenario={"steps late": worst, "ratios": ratios},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _led(subject: Subject, start: Any, gradients: Any, first: int) -> bool:
    """Return whether the late step depends on the other parameter's gradients, not on time."""
    other = [[3.0 * g[0] * (-1.0) ** t, g[1]] for t, g in enumerate(gradients)]
    n = LATENESS[-1]
    one = _late_step(subject, start, gradients, n, first)
    return abs(_late_step(subject, start, other, n, first) - one) > 0.01 * one


def _log(ratio: float) -> float:
    import math

    return math.log(ratio) if ratio > 0 else -100.0


def _late_step(subject: Subject, start: Any, gradients: Any, n: int, first: int) -> float:
    session = subject.open(start)
    for t in range(n):
        session.step([gradients[t % 8][0], None])
    for t in range(first + 1):
        before = session.values()[1]
        session.step(gradients[t])
    return float((session.values()[1] - before).norm())


def _late_text(subject: Subject, n: int, first: int) -> str:
    body = f"""
def first_move(late):
    optimizer, params = begin(start)
    for t in range(late):
        step(optimizer, params, [gradients[t % 8][0], None])
    for t in range({first + 1}):
        before = params[1].detach().clone()
        step(optimizer, params, gradients[t])
    return float((params[1].detach() - before).norm())


print('ratio of first steps', first_move({n}) / first_move(0))
"""
    return program(subject, body, shapes=PAIR, steps=8, stream=("api.late",))


@check("api.zero", tags=("api",), cost=0.2)
def zero(subject: Subject) -> CheckResult:
    """Zero gradients (first, always, later, in part) leave finite parameters, and move nothing."""
    check_id = "api.zero"
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, 8, check_id)
    nothing = [[0.0 * g for g in step] for step in gradients]
    partly = [[_first_zeroed(g) for g in step] for step in gradients]
    plans = {
        "at first": nothing[:2] + gradients[2:],
        "always": nothing,
        "from step 4 on": gradients[:3] + nothing[3:],
        "in one row": partly,
    }
    options = without_decay(subject)
    for when, plan in plans.items():
        try:
            run = subject.run(start, plan, options=options)
        except Exception as error:
            return _zero_finding(subject, when, Outcome.LIMIT, f"raise {told(error)}", error)
        if not run.finite:
            return _zero_finding(subject, when, Outcome.DEVIATES, "make parameters not finite")
        if when == "always" and run.displacement() > STILL * size(start):
            return _moving(subject, run.displacement() / size(start), start, plan, options)
    message = "The relative move by gradients that are all zero is 0; zeros elsewhere do no harm."
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _first_zeroed(g: torch.Tensor) -> torch.Tensor:
    g = g.clone()
    g[:1] = 0.0
    return g


def _moving(subject: Subject, moved: float, start: Any, plan: Any, options: Any) -> CheckResult:
    seeded = subject.run(start, plan, options=options, seed=subject.seed + 7)
    run = subject.run(start, plan, options=options)
    random = gap(seeded, run) > 1e-3
    shrinks = all(
        float((end - c * begin).norm()) <= 1e-6 * float((end - begin).norm()) and 0 <= c < 1
        for begin, end in zip(run.values[0], run.end, strict=True)
        for c in [float((begin * end).sum() / begin.square().sum())]
    )
    why = " (noise: another seed moves it elsewhere)" if random else ""
    why = " (every weight shrinks by one factor: a decay)" if shrinks else why
    outcome = Outcome.VARIANT if random or shrinks else Outcome.LIMIT
    if rounds_away(moved):
        why, outcome = " (numbers of float32 inside)", Outcome.NUMERICS
    return CheckResult(
        check="api.zero",
        outcome=outcome,
        message=f"The relative move by gradients that are all zero is {moved:.2g}{why}.",
        measured=moved,
        bound=STILL,
        scenario={"zero gradients": "always", "weight_decay": 0.0},
    )


def _zero_finding(
    subject: Subject, when: str, outcome: Outcome, does: str, error: Exception | None = None
) -> CheckResult:
    plan = {
        "at first": "[[0 * x for x in g] if t < 2 else g for t, g in enumerate(gradients)]",
        "always": "[[0 * x for x in g] for g in gradients]",
        "from step 4 on": "[[0 * x for x in g] if t > 2 else g for t, g in enumerate(gradients)]",
        "in one row": "[[x.index_fill(0, torch.tensor([0]), 0.0) for x in g] for g in gradients]",
    }[when]
    body = f"""
try:
    ends = run(start, {plan}, **{without_decay(subject)!r})
    print('finite:', all(bool(p.isfinite().all()) for p in ends))
except Exception as error:
    print(type(error).__name__)
"""
    shapes = subject.shapes((6, 4), (5,))
    text = program(subject, body, shapes=shapes, steps=8, stream=("api.zero",))
    text, why = proven(subject, text, type(error).__name__ if error else "finite: False")
    return CheckResult(
        check="api.zero",
        outcome=outcome,
        message=f"Gradients that are zero {when} {does}.",
        scenario={"zero gradients": when},
        snippet=text,
        details={"snippet": why} if why else {},
    )
