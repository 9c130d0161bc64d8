"""A group that is added later, under an option, beside a fresh optimizer with that option."""

from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS, Gradients, Start
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.definition.alternatives import alternatives
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.signatures import named_options
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import end_gap

ID = "api.add-group"
Shapes = tuple[tuple[int, ...], ...]
STEPS, BEFORE = 7, 2
PAIR = ((6, 4), (6, 4))
VECTOR = ((6, 4), (5,))


def unlike_fresh(subject: Subject) -> CheckResult | None:
    """Return the finding that an option of the constructor holds only in part for a later group.

    Only where a later group without the option moves as a fresh optimizer does. Which mode a group
    is in, where there are modes, is kept in it too.
    """
    if "mode" in subject.needs:
        return None
    known = {**alternatives(subject), **switches(subject)}
    decay = {name: value for name, value in known.items() if name == "weight_decay"}
    without = dict.fromkeys(decay, 0.0)
    return _judged(subject, PAIR, known, {}) or _judged(subject, VECTOR, decay, without)


def _judged(
    subject: Subject, shapes: Shapes, known: Mapping[str, Any], usual: Mapping[str, Any]
) -> CheckResult | None:
    """Return the finding about one of the options, with a later parameter of the second shape.

    usual: options under which a later parameter must move as in a fresh optimizer.
    """
    if len(subject.shapes(*shapes)) < len(shapes):
        return None
    start, gradients = subject.draw(shapes, STEPS, ID, "fresh")
    bound = max(SCALARS, tolerance(subject, ID))
    try:
        if coupled(subject) or _apart(subject, start, gradients, usual) > bound:
            return None
        for name, value in known.items():
            options = {name: value}
            if not _reaches_the_constructor(subject, start, name, value):
                continue
            if _stated_otherwise(subject, start, name, value):
                continue
            apart = _apart(subject, start, gradients, options)
            own, rows = start[1:], [g[1:] for g in gradients[BEFORE:]]
            if (
                apart > bound
                and not _together(subject, start, gradients, options) > bound
                and attributable(subject, apart, own, rows, options=options)
            ):
                return _finding(subject, shapes, options, apart, bound)
    except Exception:
        return None
    return None


def _reaches_the_constructor(subject: Subject, start: Start, name: str, value: Any) -> bool:
    """Return whether the constructor is given the option: no later group knows what it is not."""
    if not (subject.hides_options or name in named_options(subject.spec.factory)):
        return False
    usual = subject.open(start[:1], options={name: value}).optimizer.defaults
    return name not in usual or bool(usual[name] == value)


def _stated_otherwise(subject: Subject, start: Start, name: str, value: Any) -> bool:
    """Return whether the group that the constructor makes for the parameter has another value.

    A function that makes groups states there what it does; a group added later states its own.
    """
    groups = subject.open(start[1:], options={name: value}).optimizer.param_groups
    held = [group for group in groups if group["params"]]
    return any(group.get(name, value) != value for group in held)


def _together(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> float:
    """Return how far two parameters together move from each of them alone, under an option."""
    both = subject.run(start, gradients, options=options)
    alone = [
        subject.run([v], [[g[i]] for g in gradients], options=options) for i, v in enumerate(start)
    ]
    return max(
        end_gap(run, Trajectory([[v[i]] for v in both.values])) for i, run in enumerate(alone)
    )


def added_later(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any], after: int
) -> Session:
    """Return the session of a run whose second parameter is a group added after some steps."""
    session = subject.open(start[:1], options=options)
    for row in gradients[:after]:
        session.step(row[:1])
    late = torch.nn.Parameter(subject.fitted(start[1]).clone())
    session.optimizer.add_param_group({"params": [late]})
    session.params.append(late)
    for row in gradients[after:]:
        session.step(row)
    return session


def _apart(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> float:
    """Return how far a later parameter ends from one of a fresh optimizer, over the way."""
    session = added_later(subject, start, gradients, options, BEFORE)
    fresh = subject.run(start[1:], [g[1:] for g in gradients[BEFORE:]], options=options)
    way = fresh.displacement()
    return float((session.values()[1] - fresh.end[0]).norm()) / way if way else 0.0


def _finding(
    subject: Subject, shapes: Shapes, options: Mapping[str, Any], apart: float, bound: float
) -> CheckResult:
    words = ", ".join(f"{name}={value!r}" for name, value in options.items())
    body = f"""
optimizer, params = begin(start[:1], **{dict(options)!r})
for g in gradients[:{BEFORE}]:
    step(optimizer, params, g[:1])
params.append(torch.nn.Parameter(start[1].clone()))
optimizer.add_param_group({{"params": params[1:]}})
for g in gradients[{BEFORE}:]:
    step(optimizer, params, g)
fresh = run(start[1:], [g[1:] for g in gradients[{BEFORE}:]], **{dict(options)!r})
print('distance', gap(read(optimizer, params)[1:], fresh, start[1:]))
"""
    kind = "vector" if len(shapes[1]) == 1 else "group"
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"With {words} in the constructor, a {kind} added later ends {apart:.2g} of the "
        "way from a fresh optimizer with that option; without it they agree.",
        measured=apart,
        bound=bound,
        scenario={"added after": BEFORE, "options": dict(options)},
        **evidence(subject, body, apart, shapes=shapes, steps=STEPS, stream=(ID, "fresh")),
    )
