"""Several parameters in one optimizer, several optimizers in one process, several dtypes."""

from collections.abc import Sequence
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree, agree_or_on_squares
from lpfl.conformance.checks.joint.one_shape import by_shape
from lpfl.conformance.oracles.methods import PER_PARAMETER
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import end_gap, gap

SHAPES = ((6, 4), (5,), (3, 4), (6, 4))
"""Two of them alike, for state that is kept by shape."""
ROUNDED = 1e-3
"""Distance up to which rounding in float32 may explain it; that in bfloat16 makes more."""


def alone(subject: Subject, start: Start, gradients: Gradients) -> Trajectory:
    """Run each parameter in an optimizer of its own."""
    runs = [
        subject.run([start[i]], [[g[i]] for g in gradients], seed=subject.seed)
        for i in range(len(start))
    ]
    steps = range(len(gradients) + 1)
    return Trajectory([[run.values[t][0] for run in runs] for t in steps])


def coupled(subject: Subject) -> bool:
    """Return whether the parameters of one optimizer influence each other, or it is random."""
    if "coupled" not in subject.memory:
        shapes = subject.shapes(*SHAPES)
        start, gradients = subject.draw(shapes, 8, "coupled")
        plain = subject.run(start, gradients)
        bound = tolerance(subject, "api.coupling")
        seeded = gap(subject.run(start, gradients, seed=subject.seed + 7), plain)
        together = gap(alone(subject, start, gradients), plain)
        # Estimates of a step size for all of them grow while the gradients agree.
        steady = [[g * 10.0**i for i, g in enumerate(gradients[0])]] * 40
        together = max(together, gap(alone(subject, start, steady), subject.run(start, steady)))
        subject.memory["coupled"] = together > bound or seeded > bound
    return bool(subject.memory["coupled"])


@check("api.coupling", tags=("api",), cost=0.3)
def coupling(subject: Subject) -> CheckResult:
    """Parameters together move as each of them alone."""
    shapes = subject.shapes(*SHAPES)
    pair = Pair(
        check="api.coupling",
        says="of each parameter alone",
        plain=subject.run,
        other=lambda start, gradients: alone(subject, start, gradients),
        body="""
a = [run([v], [[g[i]] for g in gradients])[0] for i, v in enumerate(start)]
b = run(start, gradients)
""",
        differs=Outcome.DEVIATES if subject.spec.claims & PER_PARAMETER else Outcome.VARIANT,
    )
    answer = agree_or_on_squares(subject, pair, shapes, 8)
    if answer.outcome is not Outcome.VARIANT:
        return answer
    return by_shape(subject, pair) or answer


@check("api.instances", tags=("api",), cost=0.1)
def instances(subject: Subject) -> CheckResult:
    """A second optimizer that steps in between changes nothing."""

    def disturbed(start: Start, gradients: Gradients) -> Trajectory:
        other = subject.open([2.0 * v for v in start])
        session = subject.open(start)

        def move(step: Any) -> None:
            state = torch.get_rng_state()
            other.step([-3.0 * g for g in step])
            torch.set_rng_state(state)
            session.step(step)

        return session.follow(gradients, move)

    pair = Pair(
        check="api.instances",
        says="with a second optimizer stepping in between",
        plain=subject.run,
        other=disturbed,
        body="""
other, qs = begin([2.0 * v for v in start])
optimizer, params = begin(start)
for g in gradients:
    step(other, qs, [-3.0 * x for x in g])
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients)
""",
    )
    return agree(subject, pair, subject.shapes((6, 4), (5,)), 8)


@check("api.mixed", tags=("api",), cost=0.1, needs=("params",))
def mixed(subject: Subject) -> CheckResult:
    """Parameters of different dtypes in one optimizer move as each of them alone."""
    kinds = (torch.float64, torch.float32, torch.float64)

    def cast(start: Sequence[torch.Tensor]) -> Start:
        return [v.to(kind) for v, kind in zip(start, kinds, strict=False)]

    pair = Pair(
        check="api.mixed",
        says="of float64 and float32 parameters together, against each alone,",
        plain=lambda s, g: alone(subject, cast(s), [cast(step) for step in g]),
        other=lambda s, g: subject.run(cast(s), [cast(step) for step in g]),
        body="""
cast = lambda vs: [v.to(torch.float32 if i == 1 else v.dtype) for i, v in enumerate(vs)]
start, gradients = cast(start), [cast(g) for g in gradients]
a = run(start, gradients)
b = [run([v], [[g[i]] for g in gradients])[0] for i, v in enumerate(start)]
""",
        tolerance=1e-5,
        control=lambda s, g: end_gap(alone(subject, s, g), subject.run(s, g)),
    )
    if coupled(subject):
        message = "Not compared: the parameters of one optimizer influence each other."
        return CheckResult(check=pair.check, outcome=Outcome.VARIANT, message=message)
    shapes = [(6, 4), (6, 4), (6, 4)]
    result = agree(subject, pair, shapes, 6)
    if result.outcome not in FINDINGS:
        reverse = agree(subject, _narrow_first(subject), shapes, 6)
        result = reverse if reverse.outcome in FINDINGS else result
    return result


def _narrow_first(subject: Subject) -> Pair:
    """Return the pair in which the last parameter is float32, and those before it bfloat16."""

    def cast(start: Sequence[torch.Tensor]) -> Start:
        return [*(v.to(torch.bfloat16) for v in start[:-1]), start[-1].to(torch.float32)]

    def last(run: Trajectory) -> Trajectory:
        return Trajectory([values[-1:] for values in run.values])

    return Pair(
        check="api.mixed",
        says="of a float32 parameter after bfloat16 ones, against it alone,",
        plain=lambda s, g: last(alone(subject, cast(s), [cast(row) for row in g])),
        other=lambda s, g: last(subject.run(cast(s), [cast(row) for row in g])),
        body="""
cast = lambda vs: [*(v.to(torch.bfloat16) for v in vs[:-1]), vs[-1].to(torch.float32)]
start, gradients = cast(start), [cast(g) for g in gradients]
a = run(start, gradients)[-1:]
start, gradients = start[-1:], [g[-1:] for g in gradients]
b = run(start, gradients)
""",
        tolerance=ROUNDED,
        control=lambda s, g: end_gap(alone(subject, s, g), subject.run(s, g)),
    )
