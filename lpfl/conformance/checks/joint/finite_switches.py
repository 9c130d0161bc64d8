"""Numbers that a switch loses: at zeros, in a single entry, where gradients turn round."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.finite-switches"
SHAPES = ((), (1,), (5,), (1, 1), (1, 6), (6, 4), (4, 3, 2, 2))
STEPS = 6


def _as_drawn(start: Start, rows: Gradients) -> tuple[Start, Gradients]:
    return start, rows


def _turning(start: Start, rows: Gradients) -> tuple[Start, Gradients]:
    return start, [[(-0.25) ** t * g for g in rows[0]] for t in range(len(rows))]


def _first_zero(start: Start, rows: Gradients) -> tuple[Start, Gradients]:
    return start, [[0.0 * g if t < 2 else g for g in row] for t, row in enumerate(rows)]


def _later_zero(start: Start, rows: Gradients) -> tuple[Start, Gradients]:
    return start, [[0.0 * g if t > 2 else g for g in row] for t, row in enumerate(rows)]


def _zero_weights(start: Start, rows: Gradients) -> tuple[Start, Gradients]:
    return [0.0 * v for v in start], rows


PLANS: Mapping[str, tuple[Callable[[Start, Gradients], tuple[Start, Gradients]], str]] = {
    "normal gradients": (_as_drawn, ""),
    "gradients that turn round": (
        _turning,
        "gradients = [[(-0.25) ** t * x for x in gradients[0]] for t in range(len(gradients))]",
    ),
    "gradients that are zero at first": (
        _first_zero,
        "gradients = [[0 * x if t < 2 else x for x in g] for t, g in enumerate(gradients)]",
    ),
    "gradients that are zero from step 4 on": (
        _later_zero,
        "gradients = [[0 * x if t > 2 else x for x in g] for t, g in enumerate(gradients)]",
    ),
    "weights that start at zero": (_zero_weights, "start = [0 * v for v in start]"),
}
"""Setting -> what makes it of drawn tensors, here and in programs."""


@check(ID, tags=("api",), cost=0.1)
def finite_switches(subject: Subject) -> CheckResult:
    """With a switch turned over, zeros, single entries and turning gradients leave numbers."""
    found, shapes = switches(subject), subject.shapes(*SHAPES)
    for name, value in found.items():
        for plan in PLANS:
            if _lost(subject, shapes, plan, {name: value}) is None:
                continue
            for shape in shapes:
                if answer := _answer(subject, shape, plan, {name: value}):
                    return answer
    message = f"The number of switches that lose numbers, or raise, is 0 of {len(found)}."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _lost(
    subject: Subject, shapes: Sequence[tuple[int, ...]], plan: str, options: Mapping[str, Any]
) -> Exception | str | None:
    """Return the error of a run, or words if it does not end in numbers; None if all is well."""
    start, gradients = PLANS[plan][0](*subject.draw(shapes, STEPS, ID))
    try:
        run = subject.run(start, gradients, options=options)
    except Exception as error:
        return error
    return None if run.finite else "finite: False"


def _answer(
    subject: Subject, shape: tuple[int, ...], plan: str, options: Mapping[str, Any]
) -> CheckResult | None:
    """Return the finding about one parameter, unless it is so without the switch."""
    lost = _lost(subject, [shape], plan, options)
    if lost is None or _lost(subject, [shape], plan, {}) is not None:
        return None
    if isinstance(lost, Exception) and (says_so(lost) or shape == ()):
        return None
    raised = isinstance(lost, Exception)
    said = ", ".join(f"{k}={v}" for k, v in options.items())
    does = f"raises {told(lost)}" if isinstance(lost, Exception) else "turns NaN or infinite"
    body = f"""
{PLANS[plan][1]}
try:
    ends = run(start, gradients, **{dict(options)!r})
    print('finite:', all(bool(p.isfinite().all()) for p in ends))
except Exception as error:
    print(type(error).__name__)
"""
    proof = type(lost).__name__ if isinstance(lost, Exception) else lost
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT if raised else Outcome.DEVIATES,
        message=f"With {said}, a parameter of shape {shape} {does} ({plan}); not without it.",
        scenario={"options": dict(options), "shape": shape, "setting": plan, "steps": STEPS},
        **evidence(subject, body, proof, shapes=[shape], steps=STEPS, stream=(ID,)),
    )
