"""Zeros: gradients that are zero at first, always, later, in one row; weights that start there."""

from typing import Any

import torch

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import rounds_away
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence, program, proven
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap, size

STILL = 1e-12
WEIGHTS = "api.zero-weights"
WEIGHT_SHAPES = ((6, 4), (5,))
WEIGHT_STEPS = 12


@check("api.zero", tags=("api",), cost=0.2)
def zero(subject: Subject) -> CheckResult:
    """Zero gradients (first, always, later, in part) leave finite parameters, and move nothing."""
    check_id = "api.zero"
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, 8, check_id)
    nothing = [[0.0 * g for g in step] for step in gradients]
    partly = [[_first_zeroed(g) for g in step] for step in gradients]
    plans = {
        "at first": nothing[:2] + gradients[2:],
        "always": nothing,
        "from step 4 on": gradients[:3] + nothing[3:],
        "in one row": partly,
    }
    options = without_decay(subject)
    for when, plan in plans.items():
        try:
            run = subject.run(start, plan, options=options)
        except Exception as error:
            subject.run(start, gradients, options=options)  # one that raises too is no finding
            return _zero_finding(subject, when, Outcome.LIMIT, f"raise {told(error)}", error)
        if not run.finite:
            return _zero_finding(subject, when, Outcome.DEVIATES, "make parameters not finite")
        if when == "always" and run.displacement() > STILL * size(start):
            return _moving(subject, run.displacement() / size(start), start, plan, options)
    message = "The relative move by gradients that are all zero is 0; zeros elsewhere do no harm."
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _first_zeroed(g: torch.Tensor) -> torch.Tensor:
    g = g.clone()
    g[:1] = 0.0
    return g


def _moving(subject: Subject, moved: float, start: Any, plan: Any, options: Any) -> CheckResult:
    seeded = subject.run(start, plan, options=options, seed=subject.seed + 7)
    run = subject.run(start, plan, options=options)
    random = gap(seeded, run) > 1e-3
    shrinks = all(
        torch.equal(begin, end) or _shrinks(begin, end)
        for begin, end in zip(run.values[0], run.end, strict=True)
    )
    why = " (noise: another seed moves it elsewhere)" if random else ""
    why = " (every weight that moves shrinks by one factor: a decay)" if shrinks else why
    outcome = Outcome.VARIANT if random or shrinks else Outcome.LIMIT
    if rounds_away(moved):
        why, outcome = " (numbers of float32 inside)", Outcome.NUMERICS
    return CheckResult(
        check="api.zero",
        outcome=outcome,
        message=f"The relative move by gradients that are all zero is {moved:.2g}{why}.",
        measured=moved,
        bound=STILL,
        scenario={"zero gradients": "always", "weight_decay": 0.0},
        **(_moved_program(subject, moved) if outcome is Outcome.LIMIT else {}),
    )


def _shrinks(begin: torch.Tensor, end: torch.Tensor) -> bool:
    """Return whether a weight is multiplied by one factor below 1; one of zeros is by none."""
    c = float((begin * end).sum() / begin.square().sum())
    return float((end - c * begin).norm()) <= 1e-6 * float((end - begin).norm()) and 0 <= c < 1


def _moved_program(subject: Subject, moved: float) -> dict[str, Any]:
    body = f"""
ends = run(start, [[0 * x for x in g] for g in gradients], **{without_decay(subject)!r})
print('relative move by zero gradients:', gap(ends, start, [0 * v for v in start]))
"""
    shapes = subject.shapes((6, 4), (5,))
    return evidence(subject, body, moved, shapes=shapes, steps=8, stream=("api.zero",))


def _zero_finding(
    subject: Subject, when: str, outcome: Outcome, does: str, error: Exception | None = None
) -> CheckResult:
    plan = {
        "at first": "[[0 * x for x in g] if t < 2 else g for t, g in enumerate(gradients)]",
        "always": "[[0 * x for x in g] for g in gradients]",
        "from step 4 on": "[[0 * x for x in g] if t > 2 else g for t, g in enumerate(gradients)]",
        "in one row": "[[x.index_fill(0, torch.tensor([0]), 0.0) for x in g] for g in gradients]",
    }[when]
    body = f"""
try:
    ends = run(start, {plan}, **{without_decay(subject)!r})
    print('finite:', all(bool(p.isfinite().all()) for p in ends))
except Exception as error:
    print(type(error).__name__)
"""
    shapes = subject.shapes((6, 4), (5,))
    text = program(subject, body, shapes=shapes, steps=8, stream=("api.zero",))
    text, why = proven(subject, text, type(error).__name__ if error else "finite: False")
    return CheckResult(
        check="api.zero",
        outcome=outcome,
        message=f"Gradients that are zero {when} {does}.",
        scenario={"zero gradients": when},
        snippet=text,
        details={"snippet": why} if why else {},
    )


@check(WEIGHTS, tags=("api",), cost=0.1)
def zero_weights(subject: Subject) -> CheckResult:
    """Weights that start at zero move like others, and stay finite."""
    shapes = subject.shapes(*WEIGHT_SHAPES)
    start, gradients = subject.draw(shapes, WEIGHT_STEPS, WEIGHTS)
    options = without_decay(subject)
    if subject.run(start, gradients, options=options).displacement() == 0:
        message = f"Not compared: ordinary weights stand still for {WEIGHT_STEPS} steps."
        return CheckResult(check=WEIGHTS, outcome=Outcome.INCONCLUSIVE, message=message)
    worst = CheckResult(
        check=WEIGHTS,
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
            said = f"move by exactly 0 in {WEIGHT_STEPS} steps"
            worst = _finding(subject, i, Outcome.LIMIT, said, "moved: 0.0")
    return worst


def _finding(subject: Subject, i: int, outcome: Outcome, said: str, proof: str) -> CheckResult:
    shapes = subject.shapes(*WEIGHT_SHAPES)
    body = f"""
zeros, own = [0.0 * start[{i}]], [[g[{i}]] for g in gradients]
try:
    ends = run(zeros, own, **{without_decay(subject)!r})
    print('finite:', bool(ends[0].isfinite().all()), 'moved:', float(ends[0].norm()))
except Exception as error:
    print(type(error).__name__)
"""
    text = program(subject, body, shapes=shapes, steps=WEIGHT_STEPS, stream=(WEIGHTS,))
    text, why = proven(subject, text, proof)
    return CheckResult(
        check=WEIGHTS,
        outcome=outcome,
        message=f"Weights of shape {shapes[i]} that start at zero {said}.",
        scenario={"start": 0.0, "shape": shapes[i], "steps": WEIGHT_STEPS},
        snippet=text,
        details={"snippet": why} if why else {},
    )
