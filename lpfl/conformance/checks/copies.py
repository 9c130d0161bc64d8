"""Copies of an optimizer, by copy.deepcopy and by pickle: they step on, and by themselves."""

import copy
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch.optim import Optimizer

from lpfl.conformance.definition.alternatives import alternatives, together
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import distance

ID = "api.copy"
COPIED, STEPS = 3, 6
SAME = 1e-9
SAID = re.compile(r"deep ?copy|deepcopied|pickl", re.IGNORECASE)
AWAY = "a copy's run is away"
MOVED = "a copy's step moves the original"
GROUP = """\
    for one in (optimizer, twin):
        late = torch.nn.Parameter(start[0].clone())
        one.add_param_group({'params': [late]})
        late.grad = torch.ones_like(late)
        one.step()
"""
COPIES = "groups and state, as by torch's base class"


def _pickled(pair: Any) -> Any:
    return pickle.loads(pickle.dumps(pair))


WAYS: dict[str, Callable[[Any], Any]] = {"deepcopy": copy.deepcopy, "pickle": _pickled}


class Trouble(NamedTuple):
    """What goes wrong with a way of copying: in words, as a program prints it, and how it counts.

    refused: the error says so in words. dropped: an attribute that torch's base class leaves out.
    late: it shows where a group is added to the copy.
    """

    way: str
    options: Mapping[str, Any]
    words: str
    proof: str
    refused: bool = False
    dropped: bool = False
    late: bool = False

    def __str__(self) -> str:
        given = " and ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.way}{f' with {given}' if given else ''}: {self.words}"


@check(ID, tags=("api",), cost=0.1, needs=("params",), alone=True)
def copies(subject: Subject) -> CheckResult:
    """A deep copy and a pickled copy step on as the original does, under every option.

    torch's base class copies groups and state, and no other attribute: that is a limit of torch's
    own optimizers, and for all others a convention.
    """
    found = [trouble for way in WAYS if (trouble := _first(subject, way))]
    if not found:
        message = "The number of ways to copy (deepcopy, pickle) that fail is 0."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    message = f"A copied optimizer does not go on ({'; '.join(map(str, found))})."
    session = _opened(subject, {})
    torchs = type(session.optimizer).__module__.startswith("torch.optim.")
    shown = next((t for t in found if not t.refused and (torchs or not t.dropped)), None)
    told_so = SAID.search(documentation(subject, session.optimizer))
    if shown and not told_so and not subject.needs & {"in_backward", "fused"}:
        outcome, more = Outcome.LIMIT, _shown(subject, shown)
    elif shown or told_so or any(trouble.refused for trouble in found):
        outcome, more = Outcome.VARIANT, {}
    else:
        outcome, more = Outcome.CONVENTION, {"convention": {"copied": COPIES}}
        message += " torch's base class copies no attribute: its own LBFGS shows the same."
    return CheckResult(
        check=ID, outcome=outcome, message=message, measured=float(len(found)), bound=0.0, **more
    )


def _first(subject: Subject, way: str) -> Trouble | None:
    """Return the first trouble of a way: with no option moved, with one, with all of them."""
    if way == "pickle" and not _importable(type(_opened(subject, {}).optimizer)):
        return None
    usual = _trouble(subject, way, {})
    taken = {n: v for n, v in together(subject).items() if _takes(subject, n)}
    if usual or not taken or not (all_moved := _trouble(subject, way, taken)):
        return usual
    singly = ({n: v} for n, v in alternatives(subject).items() if _takes(subject, n))
    return next(_troubles(subject, way, singly), all_moved)


def _takes(subject: Subject, option: str) -> bool:
    """Return whether it is an option of the constructor, not an entry of the group alone."""
    return subject.hides_options or option in subject.constructor_names


def _troubles(
    subject: Subject, way: str, options: Iterator[Mapping[str, Any]]
) -> Iterator[Trouble]:
    for given in options:
        if trouble := _trouble(subject, way, given):
            yield trouble


def _importable(kind: type) -> bool:
    """Return whether pickle finds the class again; one made in a function it cannot."""
    try:
        return pickle.loads(pickle.dumps(kind)) is kind
    except Exception:
        return False


def _opened(subject: Subject, options: Mapping[str, Any]) -> Session:
    start, _ = subject.draw(subject.shapes((6, 4), (5,)), STEPS, ID)
    return subject.open(start, options=options)


def _twin(session: Session, way: str) -> Session:
    """Return a session on a copy of the optimizer and its parameters."""
    params, optimizer = WAYS[way]((session.params, session.optimizer))
    twin = copy.copy(session)
    twin.params, twin.optimizer = params, optimizer
    if session.model is not None:
        twin.model = torch.nn.ParameterList(params)
    for p, q in zip(session.params, params, strict=True):
        if session.needs & {"keeps_grad", "grad_first"} and p.grad is not None:
            q.grad = p.grad.clone()
    return twin


def _trouble(subject: Subject, way: str, options: Mapping[str, Any]) -> Trouble | None:
    """Copy a session after some steps, let both step on, and compare them with one left alone."""
    _, gradients = subject.draw(subject.shapes((6, 4), (5,)), STEPS, ID)
    sessions = [_opened(subject, options) for _ in range(3)]
    begin = sessions[0].values()
    alone, again, session = sessions
    for row in gradients[:COPIED]:
        _step(subject, sessions, row)
    try:
        twin = _twin(session, way)
    except Exception as error:
        return Trouble(way, options, told(error), type(error).__name__, says_so(error))
    try:
        for row in gradients[COPIED:]:
            _step(subject, [alone, again, session, twin], row)
        ends = twin.values()  # may switch its mode
    except Exception as error:
        dropped = _dropped(error, session.optimizer)
        return Trouble(way, options, told(error), type(error).__name__, says_so(error), dropped)
    length = distance(alone.values(), begin) or 1.0
    chance = distance(again.values(), alone.values()) / length
    bound = max(SAME, 10 * chance)
    if (far := distance(session.values(), alone.values()) / length) > bound:
        return Trouble(way, options, f"{MOVED} by {far:.2g} of its way", MOVED)
    if (far := distance(ends, alone.values()) / length) > bound:
        return Trouble(way, options, f"its run is {far:.2g} away", AWAY)
    plain = subject.injects and not subject.needs & {"named", "group_flags", "sparse"}
    return _late(session, twin, way, options) if plain else None


def _late(session: Session, twin: Session, way: str, options: Mapping[str, Any]) -> Trouble | None:
    """Return the trouble of a group that the original takes and its copy does not."""
    try:
        _grown(session.optimizer, session.params[0])
    except Exception:  # no group can be added by hand
        return None
    try:
        _grown(twin.optimizer, session.params[0])
        return None
    except Exception as error:
        said = f"a group added to the copy raises {told(error)}"
        dropped = _dropped(error, session.optimizer)
        return Trouble(way, options, said, type(error).__name__, says_so(error), dropped, True)


def _grown(optimizer: Any, like: torch.Tensor) -> None:
    """Add a group to the optimizer and take a step with a gradient of its own."""
    late = torch.nn.Parameter(like.detach().clone())
    optimizer.add_param_group({"params": [late]})
    late.grad = torch.ones_like(late)
    optimizer.step()


def _dropped(error: Exception, optimizer: Any) -> bool:
    """Return whether an error misses an attribute of the original, which torch does not copy."""
    inherited = getattr(type(optimizer), "__getstate__", None) is Optimizer.__getstate__
    return isinstance(error, AttributeError) and inherited and error.name in vars(optimizer)


def _step(subject: Subject, sessions: list[Session], row: Any) -> None:
    for session in sessions:
        seed_everything(subject.seed + 1)
        session.step(row)


def _shown(subject: Subject, trouble: Trouble) -> dict[str, Any]:
    duplicate = {"deepcopy": "copy.deepcopy(pair)", "pickle": "pickle.loads(pickle.dumps(pair))"}
    body = f"""
import copy, pickle

options = {dict(trouble.options)!r}
optimizer, params = begin(start, **options)
for g in gradients[:{COPIED}]:
    step(optimizer, params, g)
pair = (params, optimizer)
try:
    again, twin = {duplicate[trouble.way]}
    for g in gradients[{COPIED}:]:
        step(optimizer, params, g)
        step(twin, again, g)
    alone = run(start, gradients, **options)
    first, second = gap(read(optimizer, params), alone, start), gap(read(twin, again), alone, start)
{GROUP if trouble.late else ""}    moved = {MOVED!r} if first > {SAME} else 'the runs agree'
    print({AWAY!r} if second > {SAME} >= first else moved)
except Exception as error:
    print(f'{{type(error).__name__}}: {{error}}')
"""
    shapes = subject.shapes((6, 4), (5,))
    return evidence(subject, body, trouble.proof, shapes=shapes, steps=STEPS, stream=(ID,))
