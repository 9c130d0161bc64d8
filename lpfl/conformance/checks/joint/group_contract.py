"""What torch lets groups be: empty, one tensor, with entries beside the options, all frozen."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS, Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.joint.group_values import evaluations, zeros
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.group-contract"
STEPS = 4
GROUPS = 3
Form = Callable[[Any, torch.nn.Parameter], None]
"""Adds a group that holds the parameter to the optimizer."""
PLAIN = "optimizer.add_param_group({'params': [p]})"
EMPTY = "optimizer.add_param_group({'params': []})"
FORMS: Mapping[str, str] = {
    "with a group without parameters before each added one": f"[{EMPTY}, {PLAIN}]",
    "with groups added as one tensor, without a list,": "optimizer.add_param_group({'params': p})",
    "with the entries 'name' and 'initial_lr' in groups": (
        "optimizer.add_param_group({'params': [p], 'name': 'late', 'initial_lr': 0.1})"
    ),
}
"""Words -> program text that adds a group."""
_GROWN = """
def grown(start, gradients, add):
    optimizer, params = begin(start[:1])
    for v in start[1:]:
        params.append(torch.nn.Parameter(v.clone()))
        add(optimizer, params[-1])
    for g in gradients:
        step(optimizer, params, g)
    return read(optimizer, params)


"""


@check(ID, tags=("api",), cost=0.15, needs=("params",))
def group_contract(subject: Subject) -> Iterable[CheckResult]:
    """Groups that torch allows work: empty, one tensor, named, frozen, with an option at 0."""
    answers = [*_forms(subject), *_frozen(subject), *zeros(subject, ID), *evaluations(subject, ID)]
    told = [a for a in answers if a.outcome in FINDINGS | {Outcome.VARIANT}]
    told = [a for a in told if a.outcome is not Outcome.NUMERICS]
    if told:
        yield from told
    elif answers:
        message = f"Groups that torch allows change nothing in {len(answers)} ways."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)
    else:
        message = "Not applicable: it takes no further group."
        yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)


def grown(subject: Subject, start: Start, form: Form) -> Session:
    """Return a session of one group a parameter, all but the first added by ``form``."""
    session = subject.open(start[:1])
    for value in start[1:]:
        p = torch.nn.Parameter(subject.fitted(value).clone())
        form(session.optimizer, p)
        session.params.append(p)
    return session


def _add(optimizer: Any, p: torch.nn.Parameter) -> None:
    optimizer.add_param_group({"params": [p]})


def _add_empty(optimizer: Any, p: torch.nn.Parameter) -> None:
    optimizer.add_param_group({"params": []})
    _add(optimizer, p)


def _add_tensor(optimizer: Any, p: torch.nn.Parameter) -> None:
    optimizer.add_param_group({"params": p})


def _add_named(optimizer: Any, p: torch.nn.Parameter) -> None:
    optimizer.add_param_group({"params": [p], "name": "late", "initial_lr": 0.1})


def _forms(subject: Subject) -> Iterator[CheckResult]:
    adders: tuple[Form, ...] = (_add_empty, _add_tensor, _add_named)
    for (says, text), form in zip(FORMS.items(), adders, strict=True):
        if form is _add_named and {"name", "initial_lr"} & subject.default_group.keys():
            continue
        pair = Pair(
            check=ID,
            says=says,
            plain=partial(_run, subject, _add),
            other=partial(_run, subject, form),
            body=f"""{_GROWN}a = grown(start, gradients, lambda optimizer, p: {text})
b = grown(start, gradients, lambda optimizer, p: {PLAIN})
""",
            differs=Outcome.LIMIT,
            scenario={"groups": GROUPS},
        )
        yield from _asked(subject, pair)


def _run(subject: Subject, form: Form, start: Start, gradients: Gradients) -> Trajectory:
    return grown(subject, start, form).follow(gradients)


def _asked(subject: Subject, pair: Pair) -> Iterator[CheckResult]:
    """Yield the answer, unless the ordinary run or rounding leaves none."""
    if subject.spec.step is not None or not (shapes := _shapes(subject)):
        return
    try:
        result = agree(subject, pair, shapes, STEPS)
    except Exception:  # groups cannot be added to it by hand
        return
    if result.outcome not in (Outcome.UNDRIVABLE, Outcome.INCONCLUSIVE):
        yield result


def _shapes(subject: Subject) -> list[tuple[int, ...]]:
    return subject.shapes((6, 4), (5,))[:1] * GROUPS


def _frozen(subject: Subject) -> Iterator[CheckResult]:
    """Yield what a group without any gradient does to the others, which move as without it.

    Not where a missing gradient disturbs others within one group, or where groups with all
    gradients do not move as one group: that is told elsewhere.
    """
    shapes = _shapes(subject)
    for place, where in enumerate(("first", "middle")):
        start, gradients = subject.draw(shapes, STEPS, ID, "frozen")
        try:
            usual = gap(_run(subject, _add, start, gradients), subject.run(start, gradients))
            if coupled(subject) or max(usual, _within(subject, place, start, gradients)) > SCALARS:
                return
        except Exception:  # one that needs every gradient is told of elsewhere
            return
        yield from _asked(subject, _beside(subject, place, where))


def _within(subject: Subject, place: int, start: Start, gradients: Gradients) -> float:
    """Return how far the others move from their way if one of the same group has no gradient."""
    rows = [[None if i == place else g for i, g in enumerate(row)] for row in gradients]
    run = subject.run(start, rows)
    others = subject.run(_others(start, place), [_others(row, place) for row in gradients])
    return gap(Trajectory([_others(row, place) for row in run.values]), others)


def _beside(subject: Subject, place: int, where: str) -> Pair:
    def beside(start: Start, gradients: Gradients) -> Trajectory:
        missing = place if len(start) == GROUPS else None
        session = grown(subject, start, _add)
        values = [session.values()]
        for row in gradients:
            session.step([None if i == missing else g for i, g in enumerate(row)])
            values.append(session.values())
        return Trajectory([_others(row, place) for row in values])

    def without(start: Start, gradients: Gradients) -> Trajectory:
        rows = [_others(row, place) for row in gradients]
        return _run(subject, _add, _others(start, place), rows)

    return Pair(
        check=ID,
        says=f"of two groups beside a {where} one without any gradient",
        plain=without,
        other=beside,
        body=f"""{_GROWN}add = lambda optimizer, p: {PLAIN}
others = lambda row: row[:{place}] + row[{place + 1}:]
rows = [[None if i == {place} else g for i, g in enumerate(row)] for row in gradients]
a = others(grown(start, rows, add))
start, gradients = others(start), [others(row) for row in gradients]
b = grown(start, gradients, add)
""",
        scenario={"groups": GROUPS, "without gradients": where},
    )


def _others(row: Start, place: int) -> Start:
    """Return all but one of three; fewer stay as they are."""
    return [*row[:place], *row[place + 1 :]] if len(row) == GROUPS else row
