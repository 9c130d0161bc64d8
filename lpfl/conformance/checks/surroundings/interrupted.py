"""Errors that somebody catches: a closure that raises, a checkpoint that is refused."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import parameters_of
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject, Trajectory

ID = "api.interrupted"
SHAPES = ((6, 4), (5,))
STEPS = 6
FAILS = 3
"""Step before which the closure raises once."""
RATE = 0.3


class _OutOfMemoryError(RuntimeError):
    """What the closure raises."""


@check(ID, tags=("api",), cost=0.05, needs=("inject", "params"))
def interrupted(subject: Subject) -> Iterator[CheckResult]:
    """A closure that raises counts as no step; a checkpoint that is refused changes nothing."""
    found = list(_asked(subject))
    told = [answer for answer in found if answer.outcome in FINDINGS]
    if told:
        yield from told
        return
    message = f"The number of caught errors that leave something behind is 0 of {len(found)}."
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _asked(subject: Subject) -> Iterator[CheckResult]:
    names = [p.name for p in parameters_of(subject.open(_start(subject)).optimizer.step)]
    if "closure" in names and "keeps_grad" not in subject.needs:
        result = agree(subject, _closure(subject), subject.shapes(*SHAPES), STEPS)
        if result.outcome is not Outcome.UNDRIVABLE:
            yield result
    if (answer := _refused(subject)) is not None:
        yield answer


def _start(subject: Subject) -> Start:
    return subject.draw(subject.shapes(*SHAPES), 0, ID)[0]


def _closure(subject: Subject) -> Pair:
    def by_closure(fails: bool) -> Callable[[Start, Gradients], Trajectory]:
        def run(start: Start, gradients: Gradients) -> Trajectory:
            session = subject.open(start)

            def move(row: Any) -> None:
                if fails and session.steps == FAILS:
                    _fail(session)
                loss = surrogate(session.params, row, value=1.0)
                session.optimizer.step(lambda: _evaluated(session, loss))

            return session.follow(gradients, move)

        return run

    return Pair(
        check=ID,
        says=f"whose closure raises once, before step {FAILS + 1}, which is caught",
        plain=by_closure(False),
        other=by_closure(True),
        body=f"""
def ends(fails):
    optimizer, params = begin(start)
    for t, g in enumerate(gradients):
        def closure():
            optimizer.zero_grad()
            loss = sum((x * (p - p.detach())).sum() for p, x in zip(params, g)) + 1.0
            loss.backward()
            return loss

        def failing():
            raise MemoryError

        if fails and t == {FAILS}:
            try:
                optimizer.step(failing)
            except MemoryError:
                pass
        optimizer.step(closure)
    return read(optimizer, params)


a, b = ends(True), ends(False)
""",
        differs=Outcome.LIMIT,
    )


def _fail(session: Session) -> None:
    def failing() -> torch.Tensor:
        raise _OutOfMemoryError

    try:
        session.optimizer.step(failing)
    except _OutOfMemoryError:
        return


def _evaluated(session: Session, loss_function: Callable[[], torch.Tensor]) -> torch.Tensor:
    session.zero()
    loss = loss_function()
    loss.backward()
    return loss


def _refused(subject: Subject) -> CheckResult | None:
    """Return the finding that a checkpoint of other groups is refused and changes the options."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID, "refused")
    if len(start) < len(SHAPES):
        return None
    try:
        other = subject.open(start, groups=[([0], {}), ([1], {})])
        for row in gradients[:2]:
            other.step(row)
        for group in other.optimizer.param_groups:
            group["lr"] = RATE * float(group["lr"])
        given = copy.deepcopy(other.optimizer.state_dict())
        session = subject.open(start)
        held = _options(session)
    except Exception:  # groups, or a rate, that it does not have
        return None
    try:
        session.optimizer.load_state_dict(given)
    except Exception:
        if _options(session) == held:
            message = "A checkpoint of other groups is refused, and the options stay."
            return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)
    else:
        return None  # that it is taken is another check's
    body = f"""
import copy

params = [torch.nn.Parameter(v.clone()) for v in start]
other = make([{{'params': [p]}} for p in params])
for group in other.param_groups:
    group['lr'] = {RATE} * float(group['lr'])
optimizer, _ = begin(start)
before = float(optimizer.param_groups[0]['lr'])
try:
    optimizer.load_state_dict(copy.deepcopy(other.state_dict()))
except Exception:
    print('the rate is kept:', float(optimizer.param_groups[0]['lr']) == before)
"""
    shapes = [tuple(v.shape) for v in start]
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message="load_state_dict() refuses a checkpoint of other groups, and has changed the "
        "options of its own by then.",
        scenario={"groups of the checkpoint": 2},
        **evidence(
            subject, body, "kept: False", shapes=shapes, steps=STEPS, stream=(ID, "refused")
        ),
    )


def _options(session: Session) -> list[dict[str, str]]:
    groups = session.optimizer.param_groups
    return [{k: repr(v) for k, v in group.items() if k != "params"} for group in groups]
