"""Options of a group are read in every step: a schedule of momentum or decay has an effect."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from lpfl.conformance.checks.api.options import JUDGED, squares, strong
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.off_by_default import LATE
from lpfl.conformance.definition.alternatives import alternatives
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import distance

ID = "api.options-read"
SHAPES = ((6, 4), (5,))
STEPS = 16
CHANGED_AT = 7
ACTS = 1e-6
"""Effect of an option, relative to the way, from which it has one."""
NOTHING = 1e-12


@check(ID, tags=("api",), cost=0.2)
def options_read(subject: Subject) -> CheckResult:
    """An option that is changed in the groups in mid-run acts from then on, as one of lr does."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    gradients, base = uneven(gradients), strong(subject)
    plain = subject.run(start, gradients, options=base)
    way = plain.displacement()
    others = alternatives(subject).items()
    asked = {n: v for n, v in others if n in JUDGED and not isinstance(v, bool)}
    effects: dict[str, float] = {}
    for name, value in asked.items():
        if not way or name not in subject.open(start).optimizer.param_groups[0]:
            continue
        given = subject.run(start, gradients, options={**base, name: value})
        if distance(given.end, plain.end) <= ACTS * way:
            continue
        try:
            later = subject.run(start, gradients, options=base, observe=_setting(name, value))
        except Exception:  # what is off at first may need a state from the first step on
            continue
        effects[name] = distance(later.end, plain.end) / way
    if not effects:
        message = "Not applicable: no option of the groups has a second value that acts."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    name = min(effects, key=lambda n: effects[n])
    if effects[name] > NOTHING:
        message = f"The smallest effect of an option changed in mid-run is {effects[name]:.2g}."
        return CheckResult(
            check=ID,
            outcome=Outcome.CONFORMS,
            message=message,
            measured=effects[name],
            details={"effects": effects},
        )
    otherwise = _later_or_on_a_loss(subject, name, asked[name], base)
    if otherwise > NOTHING:
        message = f"The effect of {name} changed in mid-run is {otherwise:.2g}, late or on a loss."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=otherwise)
    return _unread(subject, name, asked[name], base)


def _later_or_on_a_loss(subject: Subject, name: str, value: Any, base: Mapping[str, Any]) -> float:
    """Return the effect in mid-run where gradients belong to a loss, or long after the change."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    rows = [uneven(gradients)[t % STEPS] for t in range(LATE)]
    pairs = [
        subject.run(start, rows, options=base, observe=o) for o in (None, _setting(name, value))
    ]
    ends = [run.end for run in pairs]
    found = [distance(*ends)]
    if "model" not in subject.needs:
        found.append(
            distance(*(_on_a_loss(subject, base, change) for change in ({}, {name: value})))
        )
    return max(found)


def _on_a_loss(subject: Subject, base: Mapping[str, Any], change: Mapping[str, Any]) -> Any:
    """Return the end of a run on (p - t)^2 with an option changed midway."""
    start, (targets,) = subject.draw(subject.shapes(*SHAPES), 1, ID, "loss")
    session = subject.open(start, options=base)
    for t in range(STEPS):
        if t == CHANGED_AT:
            session.set(**change)
        session.advance(partial(squares, list(zip(session.params, targets, strict=True)), 1.0))
    return session.values()


def _setting(name: str, value: Any) -> Any:
    def change(session: Session, t: int) -> None:
        if t == CHANGED_AT:
            session.set(**{name: value})

    return change


def _unread(subject: Subject, name: str, value: Any, base: Mapping[str, Any]) -> CheckResult:
    usual, given = dict(base), {**base, name: value}
    body = f"""
{UNEVEN_TEXT}
def ends(change, **options):
    optimizer, params = begin(start, **options)
    for t, g in enumerate(gradients):
        if change and t == {CHANGED_AT}:
            for group in optimizer.param_groups:
                group[{name!r}] = {value!r}
        step(optimizer, params, g)
    return read(optimizer, params)


plain, changed = ends(False, **{usual!r}), ends(True, **{usual!r})
print('acts when given:', gap(ends(False, **{given!r}), plain, start) > {ACTS})
print('effect in mid-run:', gap(changed, plain, start))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=(
            f"The effect of {name} changed in the groups after {CHANGED_AT} steps is 0; given to "
            "the constructor it acts: a schedule of it has no effect."
        ),
        measured=0.0,
        bound=NOTHING,
        scenario={"changed": {name: value}, "after": CHANGED_AT, "options": dict(base)},
        **evidence(subject, body, 0.0, shapes=subject.shapes(*SHAPES), steps=STEPS, stream=(ID,)),
    )
