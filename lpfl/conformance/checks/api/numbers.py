"""Sparse gradients, a learning rate in a tensor, several learning rates."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.joint.empty import PATHS
from lpfl.conformance.checks.scheduled.filled import filled
from lpfl.conformance.checks.sparse_rows import rows_and_none
from lpfl.conformance.definition.alternatives import usual_rate
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import parameters_of, told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import distance, size

SHAPES = ((6, 4), (5,))
STEPS = 6
RATE = re.compile(r"(^|_)lr(_|$)|learning_rate")
STILL = 1e-12
SPARSE, TENSOR = "api.sparse", "api.lr-tensor"


@check(SPARSE, tags=("api",), cost=0.1, needs=("inject",))
def sparse(subject: Subject) -> Iterable[CheckResult]:
    """Sparse gradients are refused, or do what dense ones do: places add up, none is one too."""

    def parts(g: Tensor) -> Tensor:
        values = torch.stack([0.25 * g[0], 0.75 * g[0]])
        where = torch.zeros(1, 2, dtype=torch.long)
        return torch.sparse_coo_tensor(where, values, g.shape, check_invariants=True)

    def joined(start: Start, gradients: Gradients) -> Trajectory:
        return subject.run(start, [[parts(g).coalesce() for g in row] for row in gradients])

    start, gradients = subject.draw(subject.shapes((6, 4)), 2, SPARSE)
    if "sparse" in subject.needs or not start:
        message = "Not applicable: the drive makes its own gradients."
        yield CheckResult(check=SPARSE, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    try:
        joined(start, gradients)
    except Exception as error:
        message = f"Sparse gradients are refused: {told(error)}."
        yield CheckResult(check=SPARSE, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    pair = Pair(
        check=SPARSE,
        says="by sparse gradients with two entries in one place, against their sum,",
        plain=joined,
        other=lambda s, rows: subject.run(s, [[parts(g) for g in row] for row in rows]),
        body="""
def parts(g):
    values = torch.stack([0.25 * g[0], 0.75 * g[0]])
    where = torch.zeros(1, 2, dtype=torch.long)
    return torch.sparse_coo_tensor(where, values, g.shape, check_invariants=True)


a = run(start, [[parts(g) for g in row] for row in gradients])
b = run(start, [[parts(g).coalesce() for g in row] for row in gradients])
""",
    )
    yield agree(subject, pair, subject.shapes((6, 4)), STEPS)
    yield from rows_and_none(subject)


@check(TENSOR, tags=("api",), cost=0.1, needs=("lr", "params"))
def rate_in_a_tensor(subject: Subject) -> CheckResult:
    """lr in a tensor does what the number does, also filled in mid-run, and step() leaves it."""
    rate = usual_rate(subject)
    if rate is None or "fused" in subject.needs:
        message = "Not applicable: lr is not a number."
        return CheckResult(check=TENSOR, outcome=Outcome.NOT_CLAIMED, message=message)
    paths: list[Mapping[str, Any]] = [{p: True} for p in PATHS if subject.accepts(p)]
    answers = [_by_tensor(subject, rate, options) for options in ({}, *paths)]
    accused = [a for a in answers[1:] if a.outcome in FINDINGS - {Outcome.NUMERICS}]
    return accused[0] if accused and answers[0].outcome not in FINDINGS else answers[0]


def _by_tensor(subject: Subject, rate: float, options: Mapping[str, Any]) -> CheckResult:
    """Return the answer on one path."""
    held = torch.tensor(rate, dtype=torch.float64)

    def by_tensor(start: Start, gradients: Gradients) -> Trajectory:
        nonlocal held
        held = torch.tensor(rate, dtype=torch.float64)
        return subject.run(start, gradients, options={**options, "lr": held})

    plain = {**options, "lr": rate}
    given = "".join(f", {k}={v!r}" for k, v in options.items())
    pair = Pair(
        check=TENSOR,
        says="with lr in a tensor" + given.replace(", ", " and "),
        plain=lambda start, gradients: subject.run(start, gradients, options=plain),
        other=by_tensor,
        body=f"""
optimizer, params = begin(start, lr=torch.tensor({rate!r}, dtype=torch.float64){given})
for g in gradients:
    step(optimizer, params, g)
a, b = [p.detach() for p in params], run(start, gradients, lr={rate!r}{given})
""",
        options=plain,
        raises=Outcome.NOT_CLAIMED,
        differs=Outcome.DEVIATES if _takes_tensors(subject) else Outcome.LIMIT,
        scenario={"options": dict(options)},
    )
    result = agree(subject, pair, subject.shapes(*SHAPES), STEPS)
    changed = abs(float(held) / rate - 1) if rate else 0.0
    if result.outcome is Outcome.CONFORMS and changed:
        return _changed(subject, rate, changed, given)
    if result.outcome is Outcome.CONFORMS and "lr" in subject.default_group:
        return filled(subject, rate, options, pair.differs) or result
    return result


def _takes_tensors(subject: Subject) -> bool:
    """Return whether the constructor says that lr may be a tensor."""
    start, _ = subject.draw(subject.shapes(*SHAPES), 0, TENSOR)
    built_by = type(subject.open(start).optimizer).__init__
    named = [p for p in parameters_of(built_by) if p.name == "lr"]
    return any("Tensor" in str(p.annotation) for p in named)


def _changed(subject: Subject, rate: float, changed: float, given: str) -> CheckResult:
    body = f"""
rate = torch.tensor({rate!r}, dtype=torch.float64)
optimizer, params = begin(start, lr=rate{given})
for g in gradients:
    step(optimizer, params, g)
print('change', abs(float(rate) / {rate!r} - 1))
"""
    text = program(subject, body, shapes=subject.shapes(*SHAPES), steps=STEPS, stream=(TENSOR,))
    text, why = proven(subject, text, changed)
    details: dict[str, Any] = {"snippet": why} if why else {}
    return CheckResult(
        check=TENSOR,
        outcome=Outcome.LIMIT,
        message=f"step() changes the tensor that was given for lr{given}, by {changed:.2g} of it.",
        measured=changed,
        bound=0.0,
        scenario={"steps": STEPS},
        snippet=text,
        details=details,
    )


def other_rates(subject: Subject) -> list[str]:
    """Return the options beside lr that are learning rates by their names."""
    names = [str(n) for n in {*subject.constructor_names, *subject.default_group}]
    found = [n for n in names if n != "lr" and RATE.search(n) and subject.accepts(n)]
    return sorted(n for n in found if isinstance(subject.default(n), float))


def stands_without(subject: Subject, others: list[str]) -> bool:
    """Return whether nothing moves with lr and all other learning rates at 0."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), 10, "api.lr-zero")
    options = dict.fromkeys(["lr", *others, *known_as(subject, "weight_decay")], 0.0)
    try:
        run = subject.run(start, gradients, options=options)
    except Exception:
        return False
    return distance(run.end, start) / size(start) <= STILL
