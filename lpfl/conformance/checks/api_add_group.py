"""A parameter that joins later moves, and those already there go on."""

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "api.add-group"


@check(ID, tags=("api",), cost=0.1, needs=("inject",))
def add_group(subject: Subject) -> CheckResult:
    """A parameter added at step 3 moves, and the old ones go on."""
    start, gradients = subject.draw([(6, 4), (6, 4)], 18, "add-group")
    session = subject.open(start[:1])
    for step in gradients[:3]:
        session.step(step[:1])
    late = torch.nn.Parameter(start[1].clone())
    try:
        session.optimizer.add_param_group({"params": [late]})
        session.params.append(late)
        before = session.values()
        for step in gradients[3:]:
            session.step(step)
    except Exception as error:
        return CheckResult(
            check=ID,
            outcome=Outcome.LIMIT,
            message=f"The first step after add_param_group raises {type(error).__name__}: {error}",
        )
    moved = [float((a - b).norm()) for a, b in zip(session.values(), before, strict=True)]
    if min(moved) == 0:
        who = "added" if moved[1] == 0 else "earlier"
        return CheckResult(
            check=ID,
            outcome=Outcome.DEVIATES,
            message=f"The {who} parameter does not move in 15 steps after add_param_group.",
            measured=0.0,
        )
    message = f"The added parameter moves by {moved[1]:.2g} in 15 steps."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=moved[1])
