"""What belongs to the caller, or to any trainer: flags, checkpoints, groups, the state, repr()."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.checks.protocol.handed import handed
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.callers"
SHAPES = ((6, 4), (5,))
STEPS = 2
_STEPPED = """
optimizer, params = begin(start)
for g in gradients:
    step(optimizer, params, g)
"""


@check(ID, tags=("api",), cost=0.05, needs=("inject", "params"))
def callers(subject: Subject) -> Iterator[CheckResult]:
    """A step leaves flags as they are, loading the checkpoint, the constructor the groups."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    session = subject.open(start)
    for row in gradients:
        session.step(row)
    found = [
        answer
        for look in (_shown, _state, _flags, _checkpoint, _groups)
        if (answer := look(subject, session)) is not None
    ]
    if found:
        yield from found
        return
    message = "Flags, checkpoint, groups and state are as they were, or as torch keeps them."
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _finding(subject: Subject, message: str, body: str, proof: str) -> CheckResult:
    shapes = subject.shapes(*SHAPES)
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=message,
        scenario={"steps": STEPS},
        **evidence(subject, body, proof, shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _shown(subject: Subject, session: Session) -> CheckResult | None:
    """repr() is what a log or a debugger calls."""
    try:
        repr(session.optimizer)
        return None
    except Exception as error:
        body = f"""{_STEPPED}
try:
    repr(optimizer)
except Exception as error:
    print(type(error).__name__)
"""
        message = f"repr() of the optimizer raises {told(error)}."
        return _finding(subject, message, body, type(error).__name__)


def _state(subject: Subject, session: Session) -> CheckResult | None:
    """Trainers move and scale the tensors of the state: each of its values is a dictionary."""
    state = session.optimizer.state
    held = [state[p] for p in session.params if p in state]
    if any(not isinstance(own, Mapping) for own in held):
        return None  # torch's LBFGS and such keep their own form
    kept = [v for own in held for v in own.values() if isinstance(v, torch.Tensor)]
    if any(v.is_inference() for v in kept):
        body = f"""{_STEPPED}
kept = [v for own in optimizer.state.values() for v in own.values() if torch.is_tensor(v)]
print('inference tensors:', any(v.is_inference() for v in kept))
"""
        message = "The state holds inference tensors: outside of step() nobody can write into them."
        return _finding(subject, message, body, "inference tensors: True")
    odd = [v for k, v in state.items() if not isinstance(v, Mapping)]
    if not odd or not held:
        return None
    body = f"""{_STEPPED}
print('no dictionary:', any(not hasattr(v, 'items') for v in optimizer.state.values()))
"""
    message = (
        f"The state holds a bare {type(odd[0]).__name__} beside the dictionaries of parameters: "
        "loops over state.values(), which trainers have, stumble over it."
    )
    return _finding(subject, message, body, "no dictionary: True")


def _flags(subject: Subject, session: Session) -> CheckResult | None:
    """A parameter that is frozen while it has a gradient stays frozen."""
    p = session.params[0]
    p.requires_grad_(False)
    rows = [torch.zeros_like(q) for q in session.params]
    try:
        session.step(rows)
    except Exception:  # others look at frozen parameters
        return None
    thawed = p.requires_grad
    p.requires_grad_(True)
    if not thawed:
        return None
    body = f"""{_STEPPED}
params[0].requires_grad_(False)
step(optimizer, params, [0 * x for x in gradients[0]])
print('requires a gradient again:', params[0].requires_grad)
"""
    message = "step() sets requires_grad of a frozen parameter to True: it thaws what is frozen."
    return _finding(subject, message, body, "again: True")


def _checkpoint(subject: Subject, session: Session) -> CheckResult | None:
    """load_state_dict() leaves the checkpoint as it is: a caller may load it again."""
    try:
        given = copy.deepcopy(session.optimizer.state_dict())
        before = _keys(given)
        subject.open([p.detach() for p in session.params]).optimizer.load_state_dict(given)
        after = _keys(given)
    except Exception:  # resuming is another check's
        return None
    gone = sorted(map(str, before - after))
    if not gone:
        return None
    body = f"""{_STEPPED}
import copy

given = copy.deepcopy(optimizer.state_dict())


def keys(part, at=()):
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    found = set()
    for name, value in inner:
        found.add((*at, name))
        if isinstance(value, (dict, list)):
            found |= keys(value, (*at, name))
    return found


before = keys(given)
begin(start)[0].load_state_dict(given)
print('lost keys:', bool(before - keys(given)))
"""
    message = f"load_state_dict() takes {gone[0]} out of the checkpoint that it is given."
    return _finding(subject, message, body, "lost keys: True")


def _keys(part: Any, at: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    """Return the places of all entries of nested dictionaries and lists."""
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    found: set[tuple[Any, ...]] = set()
    for name, value in inner:
        found.add((*at, name))
        if isinstance(value, dict | list):
            found |= _keys(value, (*at, name))
    return found


def _groups(subject: Subject, session: Session) -> CheckResult | None:
    """The constructor may fill in defaults of a group's dictionary, and loses no entry of it."""
    if "named" in subject.needs or "group_flags" in subject.needs:
        return None
    options = {n: v for n, v in subject.default_group.items() if n in subject.constructor_names}
    given: list[dict[str, Any]] = []

    def form(params: list[torch.nn.Parameter]) -> list[dict[str, Any]]:
        given[:] = [{"params": list(params), **options}]
        return given

    try:
        handed(subject, [p.detach() for p in session.params], form)
    except Exception:  # groups of dictionaries are refused
        return None
    gone = sorted({"params", *options} - given[0].keys()) if given else ["the dictionary"]
    if not gone:
        return None
    body = f"""
params = [torch.nn.Parameter(v.clone()) for v in start]
given = [{{"params": params, **{options!r}}}]
before = set(given[0])
make(given)
print('lost entries:', not given or bool(before - set(given[0])))
"""
    message = f"The constructor takes {gone[0]} out of the dictionary of a group that it is given."
    return _finding(subject, message, body, "lost entries: True")
