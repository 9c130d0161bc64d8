"""Shapes: rows, columns, vectors, scalars, squares, wide, tall, kernels, single and no entries."""

from collections.abc import Iterator

from lpfl.conformance.definition.grid import said_for_linear_layers
from lpfl.conformance.outcomes import CheckResult, Outcome, severity
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import says_so, told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject

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


@check(ID, tags=("api",), cost=0.6)
def shapes(subject: Subject) -> CheckResult:
    """Every shape the optimizer takes charge of moves and stays finite."""
    wanted = SHAPES if subject.quick else {**SHAPES, **LARGE}
    answers = list(_answers(subject, wanted))
    left_out = [n for n, shape in wanted.items() if not subject.handles(shape)]
    worst = max(answers, key=lambda r: severity(r.outcome), default=None)
    if worst is None or worst.outcome is Outcome.CONFORMS:
        message = f"The number of shapes that raise, stand still or turn NaN is 0 of {len(wanted)}."
        return CheckResult(
            check=ID,
            outcome=Outcome.CONFORMS,
            message=message,
            measured=0.0,
            details={"left to others": left_out},
        )
    return worst


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
            if name == "empty" and run.finite and not _finite_beside(subject, shape):
                yield _beside(subject, shape)


def _runs_beside_a_layer(subject: Subject, shape: tuple[int, ...]) -> bool:
    """Return whether a model that has a linear layer too is trained: one without is no model."""
    try:
        return subject.run(*subject.draw([(6, 4), shape], STEPS, ID)).finite
    except Exception:
        return False


def _finite_beside(subject: Subject, shape: tuple[int, ...]) -> bool:
    """Return whether another parameter stays finite beside one of this shape; or if it raises."""
    start, gradients = subject.draw([(6, 4), shape], STEPS, ID, "beside")
    try:
        alone = subject.run(start[:1], [row[:1] for row in gradients])
        return not alone.finite or subject.run(start, gradients).finite
    except Exception:
        return True


def _beside(subject: Subject, shape: tuple[int, ...]) -> CheckResult:
    body = """
print('finite:', bool(run(start, gradients)[0].isfinite().all()))
"""
    text = program(subject, body, shapes=[(6, 4), shape], steps=STEPS, stream=(ID, "beside"))
    text, why = proven(subject, text, "finite: False")
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"A parameter of shape {shape} turns the others of its optimizer NaN.",
        scenario={"shapes": [(6, 4), shape], "steps": STEPS},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _moves_at_all(subject: Subject) -> bool:
    return subject.run(*subject.draw([(6, 4)], STEPS, ID)).displacement() > 0


def _raised(subject: Subject, name: str, shape: tuple[int, ...], error: Exception) -> CheckResult:
    said = f"raises {told(error)}"
    if name in EXCUSED or says_so(error):
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
