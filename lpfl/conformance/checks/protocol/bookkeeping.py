"""What torch's base class keeps for its users: one group a parameter, entries, hooks, rates."""

import contextlib
import copy
import re
from collections.abc import Iterator
from typing import Any

import torch

from lpfl.conformance.checks.api.state_entries import reopened
from lpfl.conformance.definition.alternatives import usual_rate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.bookkeeping"
SHAPES = ((6, 4), (5,))
STEPS = 3
TWICE = 1.5
"""Share of its usual way from which a parameter counts as stepped twice."""
OWN = {"name": "head", "initial_lr": 0.25}
"""Entries of a group that schedulers and users keep there."""
REGISTERS = (
    "register_state_dict_pre_hook",
    "register_state_dict_post_hook",
    "register_load_state_dict_pre_hook",
    "register_load_state_dict_post_hook",
)
_STEPPED = """
optimizer, params = begin(start)
for g in gradients:
    step(optimizer, params, g)
"""


@check(ID, tags=("api",), cost=0.05, needs=("params",))
def bookkeeping(subject: Subject) -> Iterator[CheckResult]:
    """A parameter is in one group; entries, hooks of checkpoints, rates and gradients are kept."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    usual = subject.open(start)
    for row in gradients:
        usual.step(row)
    if not isinstance(usual.optimizer, torch.optim.Optimizer):
        message = "Not applicable: it is no torch.optim.Optimizer."
        yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    with _steps_as_they_are(type(usual.optimizer)):
        found = [
            answer
            for look in (_twice, _smaller, _entries, _hooks, _rate, _zeros)
            if (answer := look(subject, usual, start, gradients)) is not None
        ]
    if found:
        yield from found
        return
    message = "A parameter is in one group; its entries, hooks of checkpoints and rate are kept."
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


@contextlib.contextmanager
def _steps_as_they_are(kind: type) -> Iterator[None]:
    """Put the steps of classes back, which torch wraps where a checkpoint is loaded."""
    held = {base: vars(base)["step"] for base in kind.__mro__ if "step" in vars(base)}
    try:
        yield
    finally:
        for base, step in held.items():
            if vars(base)["step"] is not step:
                base.step = step  # type: ignore[attr-defined]


def _finding(subject: Subject, message: str, body: str, proof: str) -> CheckResult:
    shapes = subject.shapes(*SHAPES)
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=message,
        scenario={"steps": STEPS},
        **evidence(subject, body, proof, shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _twice(subject: Subject, usual: Session, start: Any, gradients: Any) -> CheckResult | None:
    """torch refuses a parameter that some group holds already: it would be stepped twice."""
    session = subject.open(start)
    try:
        session.optimizer.add_param_group({"params": [session.params[0]]})
        for row in gradients:
            session.step(row)
    except Exception:
        return None
    ways = [float((s.values()[0] - start[0]).norm()) for s in (session, usual)]
    if ways[0] < TWICE * ways[1] or not ways[1]:
        return None
    body = """
optimizer, params = begin(start)
optimizer.add_param_group({'params': params[:1]})
for g in gradients:
    step(optimizer, params, g)
ways = [float((v[0] - start[0]).norm()) for v in (read(optimizer, params), run(start, gradients))]
print('stepped twice:', ways[0] > 1.5 * ways[1])
"""
    message = (
        "add_param_group() takes a parameter that a group holds already, which torch refuses: it "
        f"goes {ways[0] / ways[1]:.2g} times its way."
    )
    return _finding(subject, message, body, "stepped twice: True")


def _smaller(subject: Subject, usual: Session, start: Any, gradients: Any) -> CheckResult | None:
    """torch refuses a checkpoint of fewer parameters: those that are left out would start anew."""
    if len(start) < len(SHAPES):
        return None
    try:
        saved = subject.open(start[:1])
        for row in gradients:
            saved.step(row[:1])
        given = copy.deepcopy(saved.optimizer.state_dict())
    except Exception:
        return None
    try:
        reopened(subject, usual).optimizer.load_state_dict(given)
    except Exception:
        return None
    body = """
import copy

optimizer, params = begin(start[:1])
for g in gradients:
    step(optimizer, params, g[:1])
other = begin(start)[0]
other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
print('loaded:', sum(len(g['params']) for g in other.param_groups), 'parameters')
"""
    message = (
        "load_state_dict() takes the checkpoint of one parameter for two, which torch refuses: "
        "what is left out starts anew, in silence."
    )
    return _finding(subject, message, body, "parameters")


def _entries(subject: Subject, usual: Session, start: Any, gradients: Any) -> CheckResult | None:
    """A scheduler's initial_lr and the names of groups come back from a checkpoint."""
    del start, gradients
    groups = usual.optimizer.param_groups
    try:
        other = reopened(subject, usual).optimizer
        groups[0].update(OWN)
        other.load_state_dict(copy.deepcopy(usual.optimizer.state_dict()))
    except Exception:  # resuming is another check's
        return None
    finally:
        for name in OWN:
            groups[0].pop(name, None)
    lost = [name for name, value in OWN.items() if other.param_groups[0].get(name) != value]
    if not lost:
        return None
    body = f"""
import copy
{_STEPPED}
optimizer.param_groups[0].update({OWN!r})
other = begin(start)[0]
other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
print('lost entries:', [n for n, v in {OWN!r}.items() if other.param_groups[0].get(n) != v])
"""
    message = (
        f"A checkpoint loses {' and '.join(map(repr, lost))} of a group, entries of its users: a "
        "scheduler that goes on raises."
    )
    return _finding(subject, message, body, f"lost entries: {lost}")


def _hooks(subject: Subject, usual: Session, start: Any, gradients: Any) -> CheckResult | None:
    """Hooks that are registered for saving and loading are called."""
    del start, gradients
    called: list[str] = []
    try:
        other = reopened(subject, usual).optimizer
        for optimizer in (usual.optimizer, other):
            for name in REGISTERS:
                getattr(optimizer, name)(lambda *_, name=name: called.append(name))
        other.load_state_dict(copy.deepcopy(usual.optimizer.state_dict()))
    except Exception:  # what it cannot register, or load, is another check's
        return None
    silent = [name for name in REGISTERS if name not in called]
    if not silent:
        return None
    body = f"""
{_STEPPED}
other, called = begin(start)[0], set()
for held in (optimizer, other):
    for name in {REGISTERS}:
        getattr(held, name)(lambda *_, name=name: called.add(name))
other.load_state_dict(optimizer.state_dict())
print('never called:', [name for name in {REGISTERS} if name not in called])
"""
    kinds = " and ".join(name.removeprefix("register_") for name in silent)
    message = f"Hooks of checkpoints that are registered are never called: {kinds}."
    return _finding(subject, message, body, f"never called: {silent}")


def _rate(subject: Subject, usual: Session, start: Any, gradients: Any) -> CheckResult | None:
    """A rate in a tensor stays that tensor, which schedulers and captured graphs hold."""
    rate = usual_rate(subject)
    if not rate or any(group.get("lr") != rate for group in usual.optimizer.param_groups):
        return None  # one whose steps find the rate writes it
    try:
        session = subject.open(start, options={"lr": torch.tensor(float(rate))})
        held = [group["lr"] for group in session.optimizer.param_groups]
        for row in gradients:
            session.step(row)
    except Exception:  # a rate in a tensor is another check's
        return None
    after = [group["lr"] for group in session.optimizer.param_groups]
    pairs = list(zip(held, after, strict=False))
    if all(a is b or not isinstance(a, torch.Tensor) for a, b in pairs):
        return None
    body = f"""
optimizer, params = begin(start, lr=torch.tensor({float(rate)!r}))
held = [group['lr'] for group in optimizer.param_groups]
for g in gradients:
    step(optimizer, params, g)
same = all(a is b['lr'] for a, b in zip(held, optimizer.param_groups))
print('the same tensor:', same)
"""
    message = (
        "step() puts another object in the place of the tensor that holds the rate: who holds the "
        "tensor, as captured graphs do, fills it in vain."
    )
    return _finding(subject, message, body, "the same tensor: False")


def _zeros(subject: Subject, usual: Session, start: Any, gradients: Any) -> CheckResult | None:
    """zero_grad(set_to_none=False) leaves zeros, to which buckets and flat buffers hold views."""
    del usual
    session = subject.open(start)
    try:
        session.step(gradients[0])
        for p, g in zip(session.params, gradients[1], strict=True):
            p.grad = g.to(p)
        session.optimizer.zero_grad(set_to_none=False)
    except Exception:  # it has no such switch
        return None
    if any(p.grad is not None for p in session.params) or _told_of_zeros(session.optimizer):
        return None
    body = """
optimizer, params = begin(start)
step(optimizer, params, gradients[0])
for p, g in zip(params, gradients[1]):
    p.grad = g.to(p)
optimizer.zero_grad(set_to_none=False)
print('gradients kept:', any(p.grad is not None for p in params))
"""
    message = "zero_grad(set_to_none=False) sets gradients to None."
    return _finding(subject, message, body, "gradients kept: False")


def _told_of_zeros(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether class or method say that the switch of zero_grad() is ignored."""
    words = f"{type(optimizer).__doc__ or ''} {type(optimizer).zero_grad.__doc__ or ''}"
    return bool(re.search(r"set_to_none[^.]{0,60}\b(ignored|no effect|always|not used)", words))
