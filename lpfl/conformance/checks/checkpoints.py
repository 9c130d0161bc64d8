"""A run beside its checkpoints: reading one, going back to it, a schedule or a mode after it."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.state_entries import reopened
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome, severity
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import Trajectory, gap

ID = "api.resume"
SHAPES = ((6, 4), (5,))
STEPS = 8
AWAY = 3
"""Steps that are taken after the checkpoint, and then undone."""
FALL = 0.5
"""What a schedule makes of the rates right after loading."""
IN_GRADIENTS = frozenset({"keeps_grad", "grad_first"})
"""Needs of optimizers whose memory lies in p.grad, of which a checkpoint has no part."""
SAID = FINDINGS | {Outcome.CONFORMS, Outcome.VARIANT}
_BEGUN = """
import copy

half = max(1, len(gradients) // 2)
one, ps = begin(start)
for g in gradients[:half]:
    step(one, ps, g)
"""
_GOES_ON = """
for g in gradients[half:]:
    step(two, qs, g)
a = read(two, qs)
"""


def beside_checkpoints(subject: Subject) -> CheckResult | None:
    """Return the gravest answer of runs that differ from an ordinary one by a checkpoint alone."""
    shapes = subject.shapes(*SHAPES)
    again = lambda s, g: gap(subject.run(s, g), subject.run(s, g))  # noqa: E731
    pairs = (replace(pair, control=again) for pair in _pairs(subject))
    answers = (agree(subject, pair, shapes, STEPS) for pair in pairs)
    said = [answer for answer in answers if answer.outcome in SAID]
    return max(said, key=lambda answer: severity(answer.outcome), default=None)


def _pairs(subject: Subject) -> Iterator[Pair]:
    if subject.needs & IN_GRADIENTS:
        return
    yield _read(subject)
    if "model" in subject.needs:  # its inputs go on while the checkpoint does not
        return
    yield _rolled_back(subject)
    yield _begun_again(subject)
    if isinstance(subject.default_group.get("lr"), float):
        yield _scheduled(subject)
    if "mode" in subject.needs and "named" not in subject.needs and subject.injects:
        yield _saved_in_eval(subject)


def _half(gradients: Gradients) -> int:
    """Return the number of steps before a checkpoint."""
    return max(1, len(gradients) // 2)


def _joined(one: Trajectory, two: Trajectory) -> Trajectory:
    return Trajectory([*one.values, *two.values[1:]])


def _read(subject: Subject) -> Pair:
    def reading(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)
        session.optimizer.state_dict()

        def move(row: Any) -> None:
            session.step(row)
            session.optimizer.state_dict()

        return session.follow(gradients, move)

    return Pair(
        check=ID,
        says="with state_dict() read before the first step and after each",
        plain=subject.run,
        other=reading,
        body="""
optimizer, params = begin(start)
optimizer.state_dict()
for g in gradients:
    step(optimizer, params, g)
    optimizer.state_dict()
a, b = read(optimizer, params), run(start, gradients)
""",
    )


def _away_and_back(session: Session, gradients: Gradients) -> None:
    """Take some steps from where a session stands, and go back to the weights and the state."""
    weights = [p.detach().clone() for p in session.params]
    state = copy.deepcopy(session.optimizer.state_dict())
    for row in gradients[:AWAY]:
        session.step([-2.0 * g for g in row])
    with torch.no_grad():
        for p, held in zip(session.params, weights, strict=True):
            p.copy_(held)
    session.optimizer.load_state_dict(state)


def _rolled_back(subject: Subject) -> Pair:
    def rolled_back(start: Start, gradients: Gradients) -> Trajectory:
        session, half = subject.open(start), _half(gradients)
        before = session.follow(gradients[:half])
        _away_and_back(session, gradients)
        session.steps = half
        return _joined(before, session.follow(gradients[half:]))

    return Pair(
        check=ID,
        says=f"that goes {AWAY} steps on from a checkpoint and is rolled back to it",
        plain=subject.run,
        other=rolled_back,
        body=f"""{_BEGUN}
weights, state = [p.detach().clone() for p in ps], copy.deepcopy(one.state_dict())
for g in gradients[:{AWAY}]:
    step(one, ps, [-2.0 * x for x in g])
for p, held in zip(ps, weights):
    p.data.copy_(held)
one.load_state_dict(state)
two, qs = one, ps
{_GOES_ON}
b = run(start, gradients)
""",
    )


def _begun_again(subject: Subject) -> Pair:
    def begun_again(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)
        _away_and_back(session, gradients)
        session.zero()  # a gradient that is left is no part of a checkpoint
        session.steps = 0
        seed_everything(subject.seed)
        return session.follow(gradients)

    return Pair(
        check=ID,
        says=f"that goes {AWAY} steps and is rolled back to a checkpoint from before the first",
        plain=subject.run,
        other=begun_again,
        body=f"""
import copy

one, ps = begin(start)
state = copy.deepcopy(one.state_dict())
for g in gradients[:{AWAY}]:
    step(one, ps, [-2.0 * x for x in g])
for p, held in zip(ps, start):
    p.data.copy_(held)
    p.grad = None
one.load_state_dict(state)
torch.manual_seed({subject.seed})
for g in gradients:
    step(one, ps, g)
a, b = read(one, ps), run(start, gradients)
""",
    )


def _scheduled(subject: Subject) -> Pair:
    def fall(session: Session) -> None:
        for group in session.optimizer.param_groups:
            if isinstance(group.get("lr"), float):
                group["lr"] *= FALL

    def uninterrupted(start: Start, gradients: Gradients) -> Trajectory:
        session, half = subject.open(start), _half(gradients)
        before = session.follow(gradients[:half])
        fall(session)
        return _joined(before, session.follow(gradients[half:]))

    def resumed(start: Start, gradients: Gradients) -> Trajectory:
        session, half = subject.open(start), _half(gradients)
        before = session.follow(gradients[:half])
        fresh = reopened(subject, session)
        fresh.optimizer.load_state_dict(copy.deepcopy(session.optimizer.state_dict()))
        fall(fresh)
        return _joined(before, fresh.follow(gradients[half:]))

    return Pair(
        check=ID,
        says=f"whose lr is set to {FALL} of itself right after loading",
        plain=uninterrupted,
        other=resumed,
        body=f"""{_BEGUN}
two, qs = begin([p.detach().clone() for p in ps])
two.load_state_dict(copy.deepcopy(one.state_dict()))
for group in [*one.param_groups, *two.param_groups]:
    if isinstance(group.get('lr'), float):
        group['lr'] *= {FALL}
{_GOES_ON}
for g in gradients[half:]:
    step(one, ps, g)
b = read(one, ps)
""",
    )


def _saved_in_eval(subject: Subject) -> Pair:
    def resumed(start: Start, gradients: Gradients) -> Trajectory:
        session, half = subject.open(start), _half(gradients)
        before = session.follow(gradients[:half])
        session.optimizer.eval()
        params = [torch.nn.Parameter(p.detach().clone()) for p in session.params]
        optimizer = subject.build(params)  # in the mode in which it begins, as in a script
        optimizer.load_state_dict(copy.deepcopy(session.optimizer.state_dict()))
        fresh = Session(optimizer, params, subject.needs)  # calls train()
        fresh.steps = half
        return _joined(before, fresh.follow(gradients[half:]))

    return Pair(
        check=ID,
        says="saved after eval() and resumed with train()",
        differs=Outcome.LIMIT,  # it is right where the mode is that of training
        plain=subject.run,
        other=resumed,
        body=f"""{_BEGUN}
one.eval()
qs = [torch.nn.Parameter(p.detach().clone()) for p in ps]
two = in_any_mode(qs)
two.load_state_dict(copy.deepcopy(one.state_dict()))
two.train()
{_GOES_ON}
b = run(start, gradients)
""",
    )
