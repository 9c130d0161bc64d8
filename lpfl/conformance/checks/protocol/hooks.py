"""Hooks of a step: those that a user registers are called once in each."""

from typing import Any

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Undrivable

ID = "api.hooks"
SHAPES = ((6, 4), (5,))
STEPS = 2
_BODY = """
{bases}calls = {'before': 0, 'after': 0}


def counts(when):
    def hook(*_):
        calls[when] += 1

    return hook


optimizer, params = begin(start)
try:
    optimizer.register_step_pre_hook(counts('before'))
    optimizer.register_step_post_hook(counts('after'))
except Exception as error:
    print(type(error).__name__)
else:
    for g in gradients:
        step(optimizer, params, g)
    print('calls:', calls)
"""


@check(ID, tags=("api",), cost=0.05)
def hooks(subject: Subject) -> CheckResult:
    """Hooks of register_step_pre_hook and register_step_post_hook are called once a step."""
    if "fused" in subject.needs or subject.spec.step is not None:
        raise Undrivable("how often step() is called is its own affair")
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    session = subject.open(start)
    if not isinstance(session.optimizer, torch.optim.Optimizer):
        message = "Not applicable: it is no torch.optim.Optimizer."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    try:
        bases = _built(type(session.optimizer))
        found = _calls(subject, start, gradients)
    except _Refused as refused:
        error = refused.args[0]
        return _answer(
            subject, f"Registering a hook raises {told(error)}.", type(error).__name__, []
        )
    if set(found.values()) == {STEPS}:
        message = f"A hook before step() and one after are called {STEPS} times in {STEPS} steps."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=1.0)
    message = (
        f"In {STEPS} steps a hook registered with register_step_pre_hook is called "
        f"{found['before']} times, one of register_step_post_hook {found['after']} times"
    )
    bases = bases if max(found.values()) > STEPS else []
    if bases:
        kinds = type(session.optimizer).__mro__
        names = " and ".join(kinds[i].__name__ for i in bases)
        message += f", once {names}, whose step it calls, has been built too"
    return _answer(subject, f"{message}.", f"calls: {found}", bases)


class _Refused(Exception):  # noqa: N818 (carries the error of the registration)
    """A hook cannot be registered."""


def _calls(subject: Subject, start: Any, gradients: Any) -> dict[str, int]:
    session = subject.open(start)
    calls = {"before": 0, "after": 0}

    def counts(when: str) -> Any:
        def hook(*_: Any) -> None:
            calls[when] += 1

        return hook

    try:
        session.optimizer.register_step_pre_hook(counts("before"))
        session.optimizer.register_step_post_hook(counts("after"))
    except Exception as error:
        raise _Refused(error) from error
    for row in gradients:
        session.step(row)
    return calls


def _built(kind: type) -> list[int]:
    """Build one of each base that is an optimizer by itself; return their places in the MRO.

    torch wraps the step of a class when its first object is made.
    """
    places = []
    for place, base in enumerate(kind.__mro__[1:], 1):
        if base is torch.optim.Optimizer:
            break
        if issubclass(base, torch.optim.Optimizer) and _works(base):
            places.append(place)
    return places


def _works(base: type) -> bool:
    p = torch.nn.Parameter(torch.ones(6, 4))
    p.grad = torch.ones(6, 4)
    try:
        base([p]).step()
    except Exception:  # a frame for others, or one that needs more
        return False
    return not torch.equal(p.detach(), torch.ones(6, 4))


def _answer(subject: Subject, message: str, proof: str, bases: list[int]) -> CheckResult:
    weight = "[torch.nn.Parameter(torch.ones(6, 4))]"
    lines = [f"type(begin(start)[0]).__mro__[{i}]({weight})\n" for i in bases]
    body = _BODY.replace("{bases}", "".join(lines))
    shapes = subject.shapes(*SHAPES)
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=message,
        scenario={"steps": STEPS},
        **evidence(subject, body, proof, shapes=shapes, steps=STEPS, stream=(ID,)),
    )
