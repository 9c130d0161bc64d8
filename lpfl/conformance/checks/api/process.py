"""Manners: copies of an optimizer, and what it does to the process it runs in."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

from lpfl.conformance.manners import changed, generators, listening, settings
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance


@check("api.copy", tags=("api",), cost=0.1, needs=("params",), alone=True)
def copies(subject: Subject) -> CheckResult:
    """A deep copy and a pickled copy step on.

    torch's base class drops attributes: a limit of torch's own optimizers, and for all others
    only a word.
    """
    check_id = "api.copy"
    said = []
    for name, duplicate in (("deepcopy", copy.deepcopy), ("pickle", _pickled)):
        trouble = _after_copy(subject, duplicate)
        if trouble:
            said.append(f"{name}: {trouble}")
    if not said:
        message = "The number of ways to copy (deepcopy, pickle) that fail is 0."
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    message = f"A copied optimizer does not go on ({'; '.join(said)})."
    start, _ = subject.draw(subject.shapes((6, 4)), 0, check_id)
    owner = type(subject.open(start).optimizer).__module__.startswith("torch.optim.")
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT if owner else Outcome.VARIANT,
        message=message,
        measured=float(len(said)),
    )


def _pickled(pair: Any) -> Any:
    return pickle.loads(pickle.dumps(pair))


def _after_copy(subject: Subject, duplicate: Callable[[Any], Any]) -> str:
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 6, "api.copy")
    session = subject.open(start)
    for step in gradients[:3]:
        session.step(step)
    try:
        params, optimizer = duplicate((session.params, session.optimizer))
        twin = type(session)(optimizer, params, session.needs)
        for step in gradients[3:]:
            session.step(step)
            twin.step(step)
    except Exception as error:
        return told(error)
    apart = distance(twin.values(), session.values())
    return f"its run is {apart:.2g} away" if apart > 1e-9 else ""


@check("api.side-effects", tags=("api",), cost=0.1)
def side_effects(subject: Subject) -> CheckResult:
    """Building and stepping changes no global setting and no class of torch."""
    check_id = "api.side-effects"
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 4, check_id)
    subject.run(start, gradients)
    found = changed(subject.settings, settings())
    if found:
        message = f"The number of global settings it changed is {len(found)}: {', '.join(found)}."
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=message,
            measured=float(len(found)),
            bound=0.0,
            scenario={"steps": 4},
        )
    session = subject.open(start)
    before = generators()
    for step in gradients:
        session.step(step)
    draws = [name for name, state in generators().items() if state != before[name]]
    if draws:
        message = f"It draws from the global generator of {', '.join(draws)}."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    message = "The number of global settings it changed is 0; it draws no random number."
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)


@check("api.noise", tags=("api",), cost=0.1)
def noise(subject: Subject) -> CheckResult:
    """Building and stepping prints nothing and warns of nothing."""
    check_id = "api.noise"
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 4, check_id)
    with listening() as heard:
        subject.run(start, gradients)
    said = [f"prints {_short(heard.printed)!r}"] if heard.printed.strip() else []
    said += [f"warns: {text}" for text in dict.fromkeys(heard.warned)]
    if not said:
        message = "The number of lines printed and of warnings in four steps is 0."
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    message = f"In four steps it {'; '.join(said[:3])}."
    return CheckResult(
        check=check_id, outcome=Outcome.VARIANT, message=message, measured=float(len(said))
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:120]
