"""Shapes: rows, columns, vectors, scalars, squares, wide, tall, kernels, single and no entries."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS
from lpfl.conformance.checks.joint.empty import beside_empty
from lpfl.conformance.definition.alternatives import together
from lpfl.conformance.definition.grid import documentation, said_for_linear_layers
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.drives.refusals import refuses
from lpfl.conformance.oracles.methods import ELEMENTWISE
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome, severity
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, end_gap

ID = "api.shapes"
STEPS = 12
SHAPES: dict[str, tuple[int, ...]] = {
    "row": (1, 8),
    "column": (8, 1),
    "vector": (7,),
    "scalar": (),
    "square": (5, 5),
    "wide": (3, 40),
    "tall": (40, 3),
    "2-d kernel": (4, 3, 2, 2),
    "1-d kernel": (4, 3, 2),
    "single entry": (1, 1),
    "empty": (0,),
    "32 x 40": (32, 40),
}
LARGE = {"64 x 65": (64, 65)}
EXCUSED = ("scalar", "empty")
DECAY = 0.1
LINE = 72
"""Characters that the list of the other shapes may take."""
NUMBERS = re.compile(
    r"\b(0-?d|zero.dim\w*|scalars|scalar (param|weight|tensor)\w*|single numbers?|"
    r"vectors and numbers|numbers and vectors)\b",
    re.IGNORECASE,
)
"""Words by which an optimizer says that parameters without axes are special."""


@check(ID, tags=("api",), cost=0.6)
def shapes(subject: Subject) -> CheckResult:
    """Every shape the optimizer takes charge of moves and stays finite."""
    wanted = SHAPES if subject.quick else {**SHAPES, **LARGE}
    answers = list(_answers(subject, wanted))
    left_out = [n for n, shape in wanted.items() if not subject.handles(shape)]
    worst = max(answers, key=lambda r: severity(r.outcome), default=None)
    if len(left_out) == len(wanted):
        message = "Not driven: it takes charge of none of the shapes."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    if worst is None or worst.outcome is Outcome.CONFORMS:
        taken = len(wanted) - len(left_out)
        message = f"The number of shapes that raise, stand still or turn NaN is 0 of {taken}."
        return CheckResult(
            check=ID,
            outcome=Outcome.CONFORMS,
            message=message,
            measured=0.0,
            details={"left to others": left_out},
        )
    failed = sorted((r for r in answers if r.outcome in FINDINGS), key=_size)
    return _listed(failed) if failed else worst


def _shape(result: CheckResult) -> tuple[int, ...]:
    scenario = result.scenario or {}
    shape: tuple[int, ...] = scenario["shape"] if "shape" in scenario else scenario["shapes"][-1]
    return shape


def _size(result: CheckResult) -> tuple[int, int, int]:
    """Return a key that puts the gravest finding first, the smallest shape of its kind."""
    shape = _shape(result)
    return -severity(result.outcome), math.prod(shape), len(shape)


def _listed(failed: list[CheckResult]) -> CheckResult:
    """Return the first finding with the shapes of all others in its message, as many as fit."""
    first = failed[0]
    others = [str(shape) for shape in dict.fromkeys(map(_shape, failed)) if shape != _shape(first)]
    if not others:
        return first
    told = list(others)
    while len(", ".join(told)) > LINE:
        told.pop()
    rest = f" and {len(others) - len(told)} more" if len(told) < len(others) else ""
    return replace(
        first,
        message=f"{first.message[:-1]}; so fail {', '.join(told)}{rest}.",
        details={**first.details, "all": [result.message for result in failed]},
    )


def _answers(subject: Subject, wanted: dict[str, tuple[int, ...]]) -> Iterator[CheckResult]:
    for name, shape in wanted.items():
        if subject.handles(shape):
            start, gradients = subject.draw([shape], STEPS, ID, name)
            try:
                run = subject.run(start, gradients)
            except Exception as error:
                if "model" in subject.needs and _runs_beside_a_layer(subject, shape):
                    continue
                yield _raised(subject, name, shape, error)
                continue
            still = start[0].numel() > 0 and not any(bool(m.any()) for m in run.moves())
            if not run.finite:
                yield _finding(subject, name, shape, Outcome.DEVIATES, "turns NaN", "finite: False")
            elif still and name not in EXCUSED and _moves_at_all(subject):
                said = f"moves by exactly 0 in {STEPS} steps"
                grade = Outcome.VARIANT if said_for_linear_layers(subject) else Outcome.LIMIT
                yield _finding(subject, name, shape, grade, said, "moved: 0.0")
            if name == "empty" and run.finite and (found := beside_empty(subject)):
                yield found
    yield from _number_unlike_a_vector(subject)


def _number_unlike_a_vector(subject: Subject) -> Iterator[CheckResult]:
    """A number moves as a vector of one entry does, with weight decay too."""
    if not (subject.handles(()) and subject.handles((1,))):
        return
    names = known_as(subject, "weight_decay")
    try:
        moved = together(subject)
        plain, decayed = ({**moved, **dict.fromkeys(names, d)} for d in (0.0, DECAY))
        if _apart(subject, plain) > 0:
            unlike, options, says = True, plain, "is stepped unlike a vector of one entry"
        else:
            unlike = bool(names) and _apart(subject, decayed) > 0 and _same(subject, plain, decayed)
            options, says = decayed, "is not decayed, unlike a vector of one entry"
        apart = _apart(subject, options) if unlike else 0.0
    except Exception:
        return
    elementwise = bool(subject.spec.claims & ELEMENTWISE)
    if not unlike or (options is plain and not elementwise):
        return
    if NUMBERS.search(documentation(subject, subject.open([torch.tensor(0.5)]).optimizer)):
        message = f"A parameter of shape () (scalar) {says}, as it says."
        yield CheckResult(check=ID, outcome=Outcome.VARIANT, message=message)
        return
    body = f"""
options = {options!r}
a = run(start, gradients, **options)
flat = lambda row: [x.reshape(1) for x in row]
b = run(flat(start), [flat(g) for g in gradients], **options)
print('distance', gap([a[0].reshape(1)], b, flat(start)))
"""
    text = program(subject, body, shapes=[()], steps=STEPS, stream=(ID, "number"))
    text, why = proven(subject, text, apart)
    yield CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES if elementwise else Outcome.LIMIT,
        message=f"A parameter of shape () (scalar) {says}: {apart:.2g} of the way apart.",
        measured=apart,
        bound=_bound(subject),
        scenario={"shape": (), "steps": STEPS, "options": options},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _bound(subject: Subject) -> float:
    return max(SCALARS, tolerance(subject, ID))


def _number(subject: Subject, options: Mapping[str, Any], shape: tuple[int, ...]) -> Trajectory:
    """Return the run of one number, kept in this shape."""
    start, gradients = subject.draw([()], STEPS, ID, "number")
    start, *rows = ([x.reshape(shape) for x in row] for row in (start, *gradients))
    return subject.run(start, rows, options=options)


def _apart(subject: Subject, options: Mapping[str, Any]) -> float:
    """Return how far a number ends from a vector of it, over the way; 0 if no more than chance."""
    run, other = _number(subject, options, ()), _number(subject, options, (1,))
    apart = end_gap(Trajectory([[v.reshape(1) for v in row] for row in run.values]), other)
    start, gradients = subject.draw([()], STEPS, ID, "number")
    told = apart > _bound(subject)
    return (
        apart if told and attributable(subject, apart, start, gradients, options=options) else 0.0
    )


def _same(subject: Subject, plain: Mapping[str, Any], decayed: Mapping[str, Any]) -> bool:
    """Return whether weight decay does nothing to a number."""
    apart = end_gap(_number(subject, plain, ()), _number(subject, decayed, ()))
    return apart <= _bound(subject)


def _runs_beside_a_layer(subject: Subject, shape: tuple[int, ...]) -> bool:
    """Return whether a model that has a linear layer too is trained: one without is no model."""
    try:
        return subject.run(*subject.draw([(6, 4), shape], STEPS, ID)).finite
    except Exception:
        return False


def _moves_at_all(subject: Subject) -> bool:
    return subject.run(*subject.draw([(6, 4)], STEPS, ID)).displacement() > 0


def _raised(subject: Subject, name: str, shape: tuple[int, ...], error: Exception) -> CheckResult:
    said = f"raises {told(error)}"
    if name in EXCUSED or refuses(error):
        message = f"A parameter of shape {shape} ({name}) {said}."
        return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message)
    return _finding(subject, name, shape, Outcome.LIMIT, said, type(error).__name__)


def _finding(
    subject: Subject, name: str, shape: tuple[int, ...], outcome: Outcome, said: str, proof: str
) -> CheckResult:
    body = """
try:
    ends = run(start, gradients)
    print('finite:', bool(ends[0].isfinite().all()), 'moved:', float((ends[0] - start[0]).norm()))
except Exception as error:
    print(type(error).__name__)
"""
    text = program(subject, body, shapes=[shape], steps=STEPS, stream=(ID, name))
    text, why = proven(subject, text, proof)
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=f"A parameter of shape {shape} ({name}) {said}.",
        scenario={"shape": shape, "steps": STEPS},
        snippet=text,
        details={"snippet": why} if why else {},
    )
