"""A group whose rate is a plain number, beside an optimizer that holds its rate in a tensor."""

import torch

from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.groups"
RATE = 0.1


def rate_as_a_number(subject: Subject) -> CheckResult | None:
    """Return the finding that a group with its own rate as a number raises, if so.

    That is what users write. A refusal in words when the group is made is a variant; one that
    comes in step() speaks of a change that nobody made.
    """
    if "tensor_lr" not in subject.needs or not subject.injects:
        return None
    shapes = [shape for shape in ((6, 4), (5,)) if subject.handles(shape)]
    start, gradients = subject.draw(shapes, 2, ID, "number")
    params = [torch.nn.Parameter(subject.fitted(v)) for v in start]
    built = False
    try:
        optimizer = subject.build([{"params": params, "lr": RATE}])
        built = True
        for row in gradients:
            for p, g in zip(params, row, strict=True):
                p.grad = g.to(p)
            optimizer.step()
        return None
    except Exception as error:
        if says_so(error) and not built:
            message = f"A group with its rate as a number is refused: {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message)
        kind, said = type(error).__name__, told(error)
    body = f"""
try:
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer = make([{{"params": params, "lr": {RATE}}}])
    for g in gradients:
        step(optimizer, params, g)
except Exception as error:
    print(type(error).__name__, error)
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"A group with its own rate as a number raises {said}.",
        scenario={"lr of the group": RATE},
        **evidence(subject, body, kind, shapes=shapes, steps=2, stream=(ID, "number")),
    )
