"""zero_grad() of an optimizer with two groups, also where the second one came later."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import torch

from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.micro-batches"
KEPT = re.compile(r"zero_grad[^.]{0,60}\b(keeps?|nothing|no-op|only)\b|\baccumulat", re.IGNORECASE)
"""Words by which gradients are kept on purpose."""
WAYS = {False: "2 groups", True: "2 groups, of which one was added later,"}
"""Whether the second group is added by add_param_group -> the groups in words."""


def left_by_zero_grad(subject: Subject) -> CheckResult | None:
    """Return the finding that zero_grad() leaves gradients, with and without set_to_none.

    Also that it takes no set_to_none, which training loops hand over.
    """
    shapes = subject.shapes((6, 4)) * 2
    if answer := _takes_no_argument(subject):
        return answer
    optimizer = subject.open(subject.draw(shapes[:1], 0, ID, "zero")[0]).optimizer
    if KEPT.search(documentation(subject, optimizer)):
        return None
    for later, to_none in itertools.product(WAYS, (True, False)):
        left = _left(subject, shapes, later, to_none)
        if left:
            called = f"zero_grad(set_to_none={to_none})"
            return CheckResult(
                check=ID,
                outcome=Outcome.DEVIATES,
                message=f"{called} leaves the gradients of {left} of {WAYS[later]} as they are.",
                measured=float(left),
                bound=0.0,
                scenario={"groups": 2, "steps": 1, "second group added later": later},
                **_shown(subject, shapes, later, to_none, left),
            )
    return None


def _takes_no_argument(subject: Subject) -> CheckResult | None:
    shapes = subject.shapes((6, 4))
    start, _ = subject.draw(shapes, 1, ID, "zero")
    session = subject.open(start)
    try:
        session.optimizer.zero_grad()
    except Exception:  # no matter of the argument
        return None
    try:
        session.optimizer.zero_grad(set_to_none=True)
        return None
    except TypeError as error:
        if "set_to_none" not in str(error):
            return None
        said = told(error)
    body = """
optimizer, params = begin(start)
try:
    optimizer.zero_grad(set_to_none=True)
except TypeError as error:
    print(type(error).__name__)
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"zero_grad(set_to_none=True) raises {said}: torch's own takes it.",
        scenario={"call": "zero_grad(set_to_none=True)"},
        **evidence(subject, body, "TypeError", shapes=shapes, steps=1, stream=(ID, "zero")),
    )


def _left(subject: Subject, shapes: Sequence[Any], later: bool, to_none: bool) -> int:
    """Return how many of two groups have gradients after a step and zero_grad()."""
    start, (row,) = subject.draw(shapes, 1, ID, "zero")
    try:
        session = _added(subject, start) if later else _built(subject, start)
        session.step(row)
        for p, g in zip(session.params, row, strict=True):
            p.grad = g.to(p)
        try:
            session.optimizer.zero_grad(set_to_none=to_none)
        except TypeError:
            session.optimizer.zero_grad()
    except Exception:  # other checks look at groups
        return 0
    held = {id(p) for group in session.optimizer.param_groups for p in group["params"]}
    if any(id(p) not in held for p in session.params):
        return 0
    return sum(p.grad is not None and bool(p.grad.any()) for p in session.params)


def _built(subject: Subject, start: Sequence[torch.Tensor]) -> Session:
    return subject.open(start, groups=[((i,), {}) for i in range(len(start))])


def _added(subject: Subject, start: Sequence[torch.Tensor]) -> Session:
    session = subject.open(start[:1])
    late = torch.nn.Parameter(subject.fitted(start[1]).clone())
    session.optimizer.add_param_group({"params": [late]})
    session.params.append(late)
    return session


def _shown(
    subject: Subject, shapes: Sequence[Any], later: bool, to_none: bool, left: int
) -> dict[str, Any]:
    made = "make([{'params': [p]} for p in params])"
    if later:
        made = "make(params[:1])\noptimizer.add_param_group({'params': params[1:]})"
    body = f"""
from torch.nn import Parameter

params = [Parameter(v.clone()) for v in start]
optimizer = {made}
for p, g in zip(params, gradients[0]):
    p.grad = g.clone()
optimizer.step()
for p, g in zip(params, gradients[0]):
    p.grad = g.clone()
try:
    optimizer.zero_grad(set_to_none={to_none})
except TypeError:
    optimizer.zero_grad()
print('gradients left:', sum(p.grad is not None and bool(p.grad.any()) for p in params))
"""
    proof = f"gradients left: {left}"
    return evidence(subject, body, proof, shapes=shapes, steps=1, stream=(ID, "zero"))
