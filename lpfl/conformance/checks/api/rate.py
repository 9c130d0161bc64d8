"""The learning rate: zero, zero at first, read at every step."""

from typing import Any

import torch

from lpfl.conformance.checks.api.numbers import STILL, other_rates, stands_without
from lpfl.conformance.checks.schedules import of_groups
from lpfl.conformance.definition.alternatives import usual_rate
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.oracles.methods import PROPORTIONAL
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import attributable, rounds_away, tolerance
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.snippets import evidence, program, proven
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import distance, size

SHAPES = ((6, 4), (5,))


def without_decay(subject: Subject) -> dict[str, Any]:
    """Return options that switch weight decay off, where it is on by default."""
    return dict.fromkeys(known_as(subject, "weight_decay"), 0.0)


WARM_UP = """\
optimizer, params = begin(start)
rates = [group['lr'] for group in optimizer.param_groups]
for t, g in enumerate(gradients):
    for group, lr in zip(optimizer.param_groups, rates):
        group['lr'] = 0.0 if t == 0 else lr
    step(optimizer, params, g)
"""


@check("api.lr-zero", tags=("api",), cost=0.1, needs=("lr",))
def lr_zero(subject: Subject) -> CheckResult:
    """With lr = 0 from the start, or from step 3 on, nothing moves any more."""
    check_id = "api.lr-zero"
    start, gradients = subject.draw(subject.shapes(*SHAPES), 10, check_id)
    moved = []
    for first in (0, 3):
        session = subject.open(start, options=without_decay(subject))
        try:
            for step in gradients[:first]:
                session.step(step)
            session.set(lr=0.0)
            before = session.values()
            for step in gradients[first:]:
                session.step(step)
        except Undrivable:
            raise
        except Exception as error:
            return _raised(subject, check_id, error, f"With lr = 0 from step {first + 1} on, step")
        after = session.values()
        if not all(bool(v.isfinite().all()) for v in after):
            return _not_finite(subject, check_id, f"lr = 0 from step {first + 1} on")
        moved.append(distance(after, before) / size(before))
    largest = max(moved)
    message = f"The relative move while lr = 0 is {largest:.2g}."
    if largest <= STILL:
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=largest, bound=STILL
        )
    if rounds_away(largest):
        return CheckResult(
            check=check_id,
            outcome=Outcome.NUMERICS,
            message=f"{message[:-1]}: numbers of float32 inside.",
            measured=largest,
            bound=STILL,
            scenario={"lr": 0.0},
        )
    if moved[0] <= STILL:
        return CheckResult(
            check=check_id,
            outcome=Outcome.VARIANT,
            message=f"{message[:-1]}, from step 4 on only: its memory holds steps, not gradients.",
            measured=largest,
            bound=STILL,
            scenario={"lr": 0.0, "from step": 4},
        )
    others = other_rates(subject)
    if others and stands_without(subject, others):
        return CheckResult(
            check=check_id,
            outcome=Outcome.VARIANT,
            message=f"{message[:-1]}, and 0 with {' and '.join(others)} at 0 too: "
            "some of the weights have a rate of their own.",
            measured=largest,
            bound=STILL,
            scenario={"lr": 0.0},
        )
    free = subject.injects and not _claims_lr(subject)
    outcome = Outcome.VARIANT if free else Outcome.DEVIATES
    return CheckResult(
        check=check_id,
        outcome=outcome,
        message=f"{message[:-1]}: it has a rate of its own, or lr is not its step size.",
        measured=largest,
        bound=STILL,
        scenario={"lr": 0.0},
        **({} if outcome is Outcome.VARIANT else _at_rest(subject, check_id, moved[0])),
    )


def _at_rest(subject: Subject, check_id: str, moved: float) -> dict[str, Any]:
    """Return the program that prints the move with lr = 0 from the start."""
    body = f"""
optimizer, params = begin(start, **{without_decay(subject)!r})
for group in optimizer.param_groups:
    group['lr'] = 0.0
for g in gradients:
    step(optimizer, params, g)
size = lambda values: sum(float(v.double().square().sum()) for v in values) ** 0.5
moved = [p - v for p, v in zip(read(optimizer, params), start)]
print('relative move with lr = 0:', size(moved) / size(start))
"""
    shapes = subject.shapes(*SHAPES)
    return evidence(subject, body, moved, shapes=shapes, steps=10, stream=(check_id,))


def _claims_lr(subject: Subject) -> bool:
    """Whether a claimed method's step is proportional to lr."""
    return bool(subject.spec.claims & PROPORTIONAL)


def _raised(subject: Subject, check_id: str, error: Exception, what: str) -> CheckResult:
    subject.run(*subject.draw(subject.shapes(*SHAPES), 10, check_id))  # raises where any run does
    outcome = Outcome.VARIANT if says_so(error) else Outcome.LIMIT
    body = """
try:
    optimizer, params = begin(start)
    for group in optimizer.param_groups:
        group['lr'] = 0.0
    for g in gradients:
        step(optimizer, params, g)
except Exception as error:
    print(type(error).__name__)
"""
    text, why = proven(subject, _text(subject, check_id, body), type(error).__name__)
    return CheckResult(
        check=check_id,
        outcome=outcome,
        message=f"{what} raises {told(error)}.",
        scenario={"lr": 0.0},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _text(subject: Subject, check_id: str, body: str) -> str:
    return program(subject, body, shapes=subject.shapes(*SHAPES), steps=10, stream=(check_id,))


def _not_finite(subject: Subject, check_id: str, when: str) -> CheckResult:
    body = f"""
{WARM_UP}print('finite:', all(bool(p.isfinite().all()) for p in params))
"""
    text, why = proven(subject, _text(subject, check_id, body), "finite: False")
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES,
        message=f"The parameters are not finite after {when}.",
        scenario={"lr": "0 at first"},
        snippet=text,
        details={"snippet": why} if why else {},
    )


@check("api.warm-up", tags=("api",), cost=0.1, needs=("lr",))
def warm_up(subject: Subject) -> CheckResult:
    """A schedule that starts at lr = 0 does not spoil the rest of the run."""
    check_id = "api.warm-up"
    start, gradients = subject.draw(subject.shapes(*SHAPES), 10, check_id)
    session = subject.open(start)
    rate = session.optimizer.param_groups[0].get("lr", subject.default("lr"))
    if rate is None:
        message = "Not applicable: lr is None, a rate that the optimizer finds by itself."
        return CheckResult(check=check_id, outcome=Outcome.NOT_CLAIMED, message=message)
    rate = rate.clone() if isinstance(rate, torch.Tensor) else rate
    try:
        for t, step in enumerate(gradients):
            session.set(lr=0.0 if t == 0 else rate)
            session.step(step)
    except Undrivable:
        raise
    except Exception as error:
        return _raised(subject, check_id, error, "A run whose first lr is 0")
    values = session.values()
    if not all(bool(v.isfinite().all()) for v in values):
        return _not_finite(subject, check_id, "a first step with lr = 0")
    moved = distance(values, start) / size(start)
    usual = distance(subject.run(start, gradients).end, start) / size(start)
    ratio = moved / usual if usual else 1.0
    message = f"The way gone after a first step with lr = 0 is {ratio:.2g} of the usual one."
    if ratio >= 1e-6:
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=ratio
        )
    body = f"""
{WARM_UP}way = gap(read(optimizer, params), start, [0 * v for v in start])
usual = gap(run(start, gradients), start, [0 * v for v in start])
print('moves after lr = 0 in step 1:', way > 1e-6 * usual)
"""
    more = evidence(
        subject,
        body,
        "step 1: False",
        shapes=subject.shapes(*SHAPES),
        steps=10,
        stream=(check_id,),
    )
    return CheckResult(
        check=check_id, outcome=Outcome.LIMIT, message=message, measured=ratio, bound=1e-6, **more
    )


@check("api.lr-read", tags=("api",), cost=0.1, needs=("lr",))
def lr_read(subject: Subject) -> CheckResult:
    """Halving lr in the middle of a run changes the run at once, and its own group alone."""
    check_id = "api.lr-read"
    start, gradients = subject.draw(subject.shapes(*SHAPES), 14, check_id)
    plain = _values(subject, start, gradients, None)
    halved = _values(subject, start, gradients, 7)
    way = distance(plain[-1], plain[6])
    changes = [distance(a, b) / way if way else 0.0 for a, b in zip(plain, halved, strict=True)]
    first = next((t for t, c in enumerate(changes) if c > 1e-6), None)
    if first == 8:
        message = f"The change of the run by halving lr is {changes[-1]:.2g}, from that step on."
        return of_groups(subject) or CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=changes[-1]
        )
    if first is not None:
        message = f"The change of the run by halving lr begins {first - 8} steps later."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    return _unread(subject, start, gradients, changes[-1])


def _values(subject: Subject, start: Any, gradients: Any, halve_at: int | None) -> Any:
    def halve(session: Session, t: int) -> None:
        if t == halve_at:
            for group in session.optimizer.param_groups:
                if group.get("lr") is not None:
                    session.set(lr=0.5 * group["lr"])

    return subject.run(start, gradients, observe=halve).values


def _unread(subject: Subject, start: Any, gradients: Any, change: float) -> CheckResult:
    """lr in the groups has no effect: a defect if the constructor's lr has one."""
    check_id = "api.lr-read"
    if not (rate := usual_rate(subject)) or rate < 0:
        message = "The step does not depend on lr, which has no number by default."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    plain = subject.run(start, gradients)
    other = subject.run(start, gradients, options={"lr": 0.5 * rate})
    apart = distance(plain.end, other.end) / max(plain.displacement(), 1e-300)
    real = apart > tolerance(subject, check_id) and attributable(subject, apart, start, gradients)
    if not real:
        message = "The change of the run by another lr is 0: it has a rate of its own."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message, measured=0.0)
    early = subject.open(start)
    early.set(lr=0.5 * rate)
    for step in gradients:
        early.step(step)
    at_first = distance(early.values(), plain.end) > 1e-6 * plain.displacement()
    if at_first and not _claims_lr(subject):
        message = "The change of the run by another lr after the first step is 0: lr is a start."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message, measured=0.0)
    body = """
def ends(factor):
    optimizer, params = begin(start)
    for t, g in enumerate(gradients):
        if t == 7:
            for group in optimizer.param_groups:
                group['lr'] *= factor
        step(optimizer, params, g)
    return read(optimizer, params)


print('change', gap(ends(0.5), ends(1.0), start))
"""
    text, why = proven(subject, _text(subject, check_id, body), 0.0)
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES,
        message=(
            f"The change of the run by halving group['lr'] is {change:.2g}; by halving the "
            f"constructor's it is {apart:.2g}: a schedule has no effect."
        ),
        measured=change,
        bound=1e-6,
        scenario={"lr halved after": 7},
        snippet=text,
        details={"snippet": why} if why else {},
    )
