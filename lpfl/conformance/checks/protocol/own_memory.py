"""The memory of parameters: a step writes into it, in the usual format and in bfloat16."""

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.in-place"
SHAPES = ((6, 4), (5,))
STEPS = 6


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def in_place(subject: Subject) -> CheckResult:
    """step() writes into the parameters' own memory, so that views of them follow."""
    apart = _left_behind(subject, torch.float64)
    if apart != 0:
        return _replaced(subject, torch.float64, apart)
    try:
        narrow = _left_behind(subject, torch.bfloat16)
    except Exception:  # api.dtypes says what raises in this format
        narrow = 0.0
    if narrow > 0:
        return _replaced(subject, torch.bfloat16, narrow)
    return CheckResult(
        check=ID, outcome=Outcome.CONFORMS, message=_said(apart), measured=0.0, bound=0.0
    )


def _left_behind(subject: Subject, dtype: torch.dtype) -> float:
    """Return how far the parameters end from views that were taken before the first step."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID, dtype=dtype)
    session = subject.open(start)
    views = [p.detach().view_as(p) for p in session.params]
    for step in gradients:
        session.step(step)
    pairs = zip(session.params, views, strict=True)
    return max(float((p.detach() - v).abs().max()) for p, v in pairs)


def _said(apart: float, where: str = "") -> str:
    return (
        f"The distance of the parameters from views taken before six steps{where} is {apart:.2g}."
    )


def _replaced(subject: Subject, dtype: torch.dtype, apart: float) -> CheckResult:
    usual = dtype == torch.float64
    cast = (
        ""
        if usual
        else f"start = [v.to({dtype}) for v in start]\n"
        f"gradients = [[x.to({dtype}) for x in g] for g in gradients]"
    )
    body = f"""
{cast}
optimizer, params = begin(start)
views = [p.detach().view_as(p) for p in params]
for g in gradients:
    step(optimizer, params, g)
print('distance', max(float((p.detach() - v).abs().max()) for p, v in zip(params, views)))
"""
    shapes = subject.shapes(*SHAPES)
    where = "" if usual else " in bfloat16"
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"{_said(apart, where)[:-1]}: their memory is replaced.",
        measured=apart,
        bound=0.0,
        scenario={"shapes": shapes, "steps": STEPS, "dtype": str(dtype).removeprefix("torch.")},
        **evidence(subject, body, apart, shapes=shapes, steps=STEPS, stream=(ID,)),
    )
