"""The option ``differentiable``: the derivative of a step by its gradients goes through it."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import torch

from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import inner_precision
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.graph"
SHAPES = ((6, 4), (5,))
STEPS = 3
"""Of which the last is differentiated."""
SMALL = 1e-6
"""Step of the difference."""
WRONG = 1e-3
"""Relative error of a derivative; that of the difference is 1e-6 or so."""
SHOWS = 1e-6
"""Change of the end, per change of the gradients and per way, from which a derivative counts."""
_DECLINES = re.compile(
    r"differentiable\b[^.]{0,160}\b(not (yet )?(used|supported|implemented)|ignored|unused|"
    r"no effect|compatib)",
    re.IGNORECASE,
)
Row = Sequence[torch.Tensor]


def differentiated(subject: Subject) -> CheckResult | None:
    """Return what is found about a step with differentiable=True, None where nothing is."""
    if "differentiable" not in subject.constructor_names or "named" in subject.needs:
        return None
    if inner_precision(subject) != "float64":  # a difference says nothing
        return None
    start, drawn = subject.draw(subject.shapes(*SHAPES), STEPS + 1, ID, "derivative")
    rows, along = drawn[:STEPS], drawn[STEPS]
    expected = _by_difference(subject, start, rows, along)
    if not abs(expected) > SHOWS:
        return None
    try:
        found = _by_autograd(subject, start, rows, along)
    except Exception as error:
        said = says_so(error) or _declined(subject)
        outcome = Outcome.VARIANT if said else Outcome.LIMIT
        message = f"A run with differentiable=True raises {told(error)}."
        return _answer(subject, outcome, message, None, type(error).__name__)
    apart = abs(found - expected) / abs(expected)
    if apart <= WRONG:
        return None
    message = (
        f"With differentiable=True the derivative of a step by its gradients is {found:.4g}, by "
        f"differences {expected:.4g}"
    )
    if _declined(subject):
        return _answer(subject, Outcome.VARIANT, f"{message}, as documented.", apart, apart)
    if not found:
        return _answer(subject, Outcome.LIMIT, f"{message}: the graph is cut.", apart, apart)
    return _answer(subject, Outcome.DEVIATES, f"{message}.", apart, apart)


def _by_difference(subject: Subject, start: Row, rows: Sequence[Row], along: Row) -> float:
    """Return the derivative of the end times ``along`` by the last gradients along it, per way."""
    ends = []
    for size in (SMALL, -SMALL):
        last = [g + size * u for g, u in zip(rows[-1], along, strict=True)]
        ends.append(subject.run(start, [*rows[:-1], last]))
    triples = zip(along, ends[0].end, ends[1].end, strict=True)
    change = sum(float((u * (a - b)).sum()) for u, a, b in triples)
    return change / (2 * SMALL) / (ends[0].displacement() or 1.0)


def _by_autograd(subject: Subject, start: Row, rows: Sequence[Row], along: Row) -> float:
    """Return the same derivative by the graph of the step."""
    begun = [subject.fitted(v).clone().requires_grad_() for v in start]
    params: list[Any] = [v.clone() for v in begun]
    last = [g.to(p).requires_grad_() for g, p in zip(rows[-1], begun, strict=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the .grad of what is no leaf
        optimizer = subject.build(params, differentiable=True)
        session = Session(optimizer, params, subject.needs)
        for row in [*rows[:-1], last]:
            for p, g in zip(params, row, strict=True):
                p.grad = g.to(p)
            optimizer.step()
        end = session.values()
        total = sum((p * u.to(p)).sum() for p, u in zip(params, along, strict=True))
        slopes = torch.autograd.grad(total, last, allow_unused=True)
    pairs = zip(slopes, along, strict=True)
    slope = sum(float((s.double().cpu() * u).sum()) for s, u in pairs if s is not None)
    way = sum(float((a - b).square().sum()) for a, b in zip(end, start, strict=True)) ** 0.5
    return slope / (way or 1.0)


def _declined(subject: Subject) -> bool:
    return bool(
        _DECLINES.search(documentation(subject, subject.open([torch.ones(6, 4)]).optimizer))
    )


_BODY = """
rows, along = gradients[:-1], gradients[-1]


def slope_by_differences():
    ends = [
        run(start, [*rows[:-1], [g + s * u for g, u in zip(rows[-1], along)]])
        for s in ({small}, -{small})
    ]
    return sum(float((u * (a - b)).sum()) for u, a, b in zip(along, *ends)) / {twice}


def slope():
    params = [v.clone().requires_grad_().clone() for v in start]
    last = [g.clone().requires_grad_() for g in rows[-1]]
    optimizer = make(params, differentiable=True)
    for row in [*rows[:-1], last]:
        for p, g in zip(params, row):
            p.grad = g
        optimizer.step()
    total = sum((p * u).sum() for p, u in zip(params, along))
    slopes = torch.autograd.grad(total, last, allow_unused=True)
    return sum(float((s * u).sum()) for s, u in zip(slopes, along) if s is not None)


try:
    expected = slope_by_differences()
    print('relative error', abs(slope() - expected) / abs(expected))
except Exception as error:
    print(type(error).__name__)
"""


def _answer(
    subject: Subject, outcome: Outcome, message: str, measured: float | None, proof: float | str
) -> CheckResult:
    more: dict[str, Any] = {}
    if outcome is not Outcome.VARIANT:
        body = _BODY
        for name, value in (("{small}", SMALL), ("{twice}", 2 * SMALL)):
            body = body.replace(name, str(value))
        shapes = subject.shapes(*SHAPES)
        more = evidence(
            subject, body, proof, shapes=shapes, steps=STEPS + 1, stream=(ID, "derivative")
        )
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=measured,
        bound=WRONG,
        scenario={"steps": STEPS, "options": {"differentiable": True}},
        **more,
    )
