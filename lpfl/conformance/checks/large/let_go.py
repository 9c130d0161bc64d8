"""An optimizer that is deleted, with its parameters: their memory is free again."""

import gc
import weakref

from lpfl.conformance.checks.large.objects import set_aside
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.let-go"
SHAPES = ((6, 4), (5,))
COUNT, STEPS = 4, 3
HOOKS = "_post_accumulate_grad_hooks"
"""Hooks that refer to their parameter, as all that step in the backward pass do, keep it."""


@check(ID, tags=("api",), cost=0.05)
def let_go(subject: Subject) -> CheckResult:
    """Optimizers that are deleted, one after the other, leave none of their parameters behind."""
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, STEPS, ID)
    left, hooked = [], False
    with set_aside():
        for _ in range(COUNT):
            session = subject.open(start)
            for row in gradients:
                session.step(row)
            left.append(weakref.ref(session.params[0]))
            hooked = any(getattr(p, HOOKS, None) for p in session.params)
            del session
        gc.collect()
        kept = sum(p() is not None for p in left)
    if hooked and kept:
        message = "Not applicable: it steps in hooks of the parameters, which torch never collects."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    message = f"Of {COUNT} optimizers that are deleted, {kept} keep their parameters in memory"
    if kept < COUNT - 1:  # the last one may be known still
        return CheckResult(
            check=ID, outcome=Outcome.CONFORMS, message=message + ".", measured=float(kept)
        )
    body = f"""
import gc, weakref

left = []
for _ in range({COUNT}):
    optimizer, params = begin(start)
    for g in gradients:
        step(optimizer, params, g)
    left.append(weakref.ref(params[0]))
    del optimizer, params
gc.collect()
print('still in memory:', sum(p() is not None for p in left))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"{message}: a process that makes one after the other runs out of it.",
        measured=float(kept),
        bound=float(COUNT - 2),
        scenario={"shapes": shapes, "steps": STEPS},
        **evidence(subject, body, float(kept), shapes=shapes, steps=STEPS, stream=(ID,)),
    )
