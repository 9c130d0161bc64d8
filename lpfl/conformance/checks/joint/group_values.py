"""An option of a group that is 0, and closures beside several groups."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS, Gradients, Pair, Start, agree
from lpfl.conformance.definition.alternatives import alternatives
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.signatures import parameters_of
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

STEPS = 4
SHAPES = ((6, 4), (6, 4))
_COUNTED = """
def calls(groups):
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer = make([{"params": params[part]} for part in groups])
    seen = []
    for row in gradients:
        def closure():
            seen.append(1)
            optimizer.zero_grad()
            loss = sum((g * (p - p.detach())).sum() for p, g in zip(params, row))
            loss.backward()
            return loss

        optimizer.step(closure)
    return len(seen)


print('with one group:', calls([slice(0, 2)]), 'calls, with two:',
      calls([slice(0, 1), slice(1, 2)]))
"""


def zeros(subject: Subject, check_id: str) -> Iterator[CheckResult]:
    """Yield whether a group's option of 0 counts, beside another default.

    Only for options of which any other number counts: one that is not read is told elsewhere.
    """
    known = alternatives(subject)
    for name, value in subject.default_group.items():
        usual = (value or known.get(name)) if isinstance(value, float) else None
        if name == "lr" or name not in subject.constructor_names:
            continue
        start, gradients = subject.draw(SHAPES, STEPS, check_id, "zeros", name)
        if isinstance(usual, float) and usual:
            try:
                pair = _pair(subject, check_id, name, usual)
                if gap(pair.other(start, gradients), pair.plain(start, gradients)) <= SCALARS:
                    message = f"A group's {name} of 0 counts."
                    yield CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message)
                elif _read(subject, name, usual, start, gradients):
                    result = agree(subject, pair, SHAPES, STEPS)
                    if result.outcome in FINDINGS:
                        yield result
            except Exception:  # 0 is refused, or groups cannot be made by hand
                continue


def _pair(subject: Subject, check_id: str, name: str, usual: float) -> Pair:
    return Pair(
        check=check_id,
        says=f"of a group with {name}=0.0 beside the default {usual}, against the default 0.0,",
        plain=partial(_run, subject, {name: 0.0}, {}),
        other=partial(_run, subject, {name: usual}, {name: 0.0}),
        body=f"""
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make([{{"params": params, {name!r}: 0.0}}], {name}={usual!r})
for g in gradients:
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients, {name}=0.0)
""",
        options={name: 0.0},
        raises=Outcome.NOT_CLAIMED,
        differs=Outcome.LIMIT,
        scenario={"default": {name: usual}, "group": {name: 0.0}},
    )


def _run(
    subject: Subject, options: Any, own: Any, start: Start, gradients: Gradients
) -> Trajectory:
    groups = [(list(range(len(start))), own)] if own else None
    return subject.run(start, gradients, options=options, groups=groups)


def _read(subject: Subject, name: str, usual: float, start: Start, gradients: Gradients) -> bool:
    """Return whether half the default counts in a group, and 0 where the default is 0 too."""
    half = {name: 0.5 * usual}
    wanted = _run(subject, half, {}, start, gradients)
    own = _run(subject, {name: usual}, half, start, gradients)
    plain = _run(subject, {name: usual}, {}, start, gradients)
    zero = {name: 0.0}
    same = gap(
        _run(subject, zero, zero, start, gradients), _run(subject, zero, {}, start, gradients)
    )
    return gap(own, wanted) <= SCALARS < gap(plain, wanted) and same <= SCALARS


def evaluations(subject: Subject, check_id: str) -> Iterator[CheckResult]:
    """Yield whether two groups take as many evaluations of a closure as one."""
    start, gradients = subject.draw(SHAPES, STEPS, check_id, "closure")
    try:
        if not _offers_closure(subject, start):
            return
        one = _calls(subject.open(start), gradients)
        two = _calls(subject.open(start, groups=[([0], {}), ([1], {})]), gradients)
    except Exception:  # told by the check of closures, or it takes no groups
        return
    if one != STEPS:
        return
    message = f"Two groups take {two} evaluations of a closure in {STEPS} steps, one takes {one}."
    if two <= one:
        yield CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message)
        return
    stream = (check_id, "closure")
    yield CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=message,
        measured=float(two),
        bound=float(one),
        scenario={"steps": STEPS, "groups": 2},
        **evidence(subject, _COUNTED, f"two: {two}", shapes=SHAPES, steps=STEPS, stream=stream),
    )


def _offers_closure(subject: Subject, start: Start) -> bool:
    """Return whether step() takes a closure that it evaluates once."""
    odd = {"keeps_grad", "sparse", "grad_first", "named"}
    names = [p.name for p in parameters_of(subject.open(start).optimizer.step)]
    return subject.injects and not subject.needs & odd and "closure" in names


def _calls(session: Session, gradients: Gradients) -> int:
    """Return how often closures are evaluated in a step per row of gradients."""
    calls = 0

    def evaluate(loss_function: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        session.zero()
        loss: torch.Tensor = loss_function()
        loss.backward()
        return loss

    for row in gradients:
        session.optimizer.step(partial(evaluate, surrogate(session.params, row)))
    return calls
