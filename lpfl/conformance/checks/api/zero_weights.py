"""Weights that start at zero, as biases and last layers do."""

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import says_so, told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject

ID = "api.zero-weights"
SHAPES = ((6, 4), (5,))
STEPS = 12


@check(ID, tags=("api",), cost=0.1)
def zero_weights(subject: Subject) -> CheckResult:
    """Weights that start at zero move like others, and stay finite."""
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, STEPS, ID)
    options = without_decay(subject)
    if subject.run(start, gradients, options=options).displacement() == 0:
        message = f"Not compared: ordinary weights stand still for {STEPS} steps."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    worst = CheckResult(
        check=ID,
        outcome=Outcome.CONFORMS,
        message=f"The number of shapes whose zeros stand still or turn NaN is 0 of {len(shapes)}.",
        measured=0.0,
    )
    for i in range(len(shapes)):
        zeros, own = [0.0 * start[i]], [[g[i]] for g in gradients]
        try:
            run = subject.run(zeros, own, options=options)
        except Exception as error:
            outcome = Outcome.VARIANT if says_so(error) else Outcome.LIMIT
            return _finding(subject, i, outcome, f"raise {told(error)}", type(error).__name__)
        if not run.finite:
            return _finding(subject, i, Outcome.DEVIATES, "turn NaN", "finite: False")
        others = subject.run([start[i]], own, options=options).displacement()
        if run.displacement() == 0 and others > 0:
            said = f"move by exactly 0 in {STEPS} steps"
            worst = _finding(subject, i, Outcome.LIMIT, said, "moved: 0.0")
    return worst


def _finding(subject: Subject, i: int, outcome: Outcome, said: str, proof: str) -> CheckResult:
    shapes = subject.shapes(*SHAPES)
    body = f"""
zeros, own = [0.0 * start[{i}]], [[g[{i}]] for g in gradients]
try:
    ends = run(zeros, own, **{without_decay(subject)!r})
    print('finite:', bool(ends[0].isfinite().all()), 'moved:', float(ends[0].norm()))
except Exception as error:
    print(type(error).__name__)
"""
    text = program(subject, body, shapes=shapes, steps=STEPS, stream=(ID,))
    text, why = proven(subject, text, proof)
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=f"Weights of shape {shapes[i]} that start at zero {said}.",
        scenario={"start": 0.0, "shape": shapes[i], "steps": STEPS},
        snippet=text,
        details={"snippet": why} if why else {},
    )
