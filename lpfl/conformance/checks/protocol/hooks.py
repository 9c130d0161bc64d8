"""Hooks of a step: those that a user registers are called once in each."""

import contextlib
from collections.abc import Iterator
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
WRAPPED = "also those of the step that it calls of its base, which torch wraps"
_BODY = """
calls = {'before': 0, 'after': 0}


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
    kind = type(session.optimizer)
    _build_bases(kind)
    try:
        found = _calls(subject, start, gradients)
        bare = found
        if max(found.values()) > STEPS:
            with _bases_unwrapped(kind):
                bare = _calls(subject, start, gradients)
    except _Refused as refused:
        error = refused.args[0]
        message = f"Registering a hook raises {told(error)}."
        return _answer(subject, message, type(error).__name__)
    if set(found.values()) == {STEPS}:
        message = f"A hook before step() and one after are called {STEPS} times in {STEPS} steps."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=1.0)
    by_itself = set(bare.values()) != {STEPS}
    shown = bare if by_itself else found
    message = (
        f"In {STEPS} steps a hook registered with register_step_pre_hook is called "
        f"{shown['before']} times, one of register_step_post_hook {shown['after']} times"
    )
    if by_itself:
        return _answer(subject, f"{message}.", f"calls: {found}")
    return CheckResult(
        check=ID,
        outcome=Outcome.CONVENTION,
        message=f"{message}, once its base class has been built too: torch wraps the step of each "
        "class that is built, and this one calls that of its base.",
        convention={"hooks of step()": WRAPPED},
    )


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


def _build_bases(kind: type) -> None:
    """Build one of each base that is an optimizer by itself, as its users do.

    torch wraps the step of a class when its first object is made.
    """
    for base in _bases(kind):
        with contextlib.suppress(Exception):  # a frame for others, or one that needs more
            base([torch.nn.Parameter(torch.ones(6, 4))])


@contextlib.contextmanager
def _bases_unwrapped(kind: type) -> Iterator[None]:
    """Take torch's wrapper off the steps of the bases for a while."""
    wrapped = [(base, vars(base)["step"]) for base in _bases(kind) if "step" in vars(base)]
    wrapped = [(base, step) for base, step in wrapped if hasattr(step, "hooked")]
    try:
        for base, step in wrapped:
            base.step = step.__wrapped__
        yield
    finally:
        for base, step in wrapped:
            base.step = step


def _bases(kind: type) -> list[Any]:
    """Return the bases of an optimizer's class that come before torch's base class."""
    kinds = kind.__mro__[1:]
    own = kinds[: kinds.index(torch.optim.Optimizer)]
    return [base for base in own if issubclass(base, torch.optim.Optimizer)]


def _answer(subject: Subject, message: str, proof: str) -> CheckResult:
    shapes = subject.shapes(*SHAPES)
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=message,
        scenario={"steps": STEPS},
        **evidence(subject, _BODY, proof, shapes=shapes, steps=STEPS, stream=(ID,)),
    )
