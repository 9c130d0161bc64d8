"""Rounds of an iteration: more of them than by default still act."""

import re
import warnings
from collections.abc import Sequence

from torch import Tensor

from lpfl.conformance.checks.promised.told_of import told_of
from lpfl.conformance.checks.wrapped.options import is_coarse, named
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, distance

ID = "api.options"
ROUNDS = re.compile(
    r"^(num_?)?(ns|newton_?schulz|newton|msign|muon|polar|backend|sinkhorn|orthogonali[sz]ation)_?"
    r"(steps|iter(ation)?s?|rounds)$"
)
"""Names of options that are a number of rounds."""
AT_MOST = re.compile(r"at most|up to|maxim|\bmax\b|<=|no more than|limit|between|table|schedule")
"""Words that bound the number."""
SHAPES = ((6, 4),)
STEPS = 4
ALIVE, COARSELY, STILL = 1e-2, 1e-1, 1e-7
"""Effects, relative to the way: of a last round that still acts, in few bits, and of none."""


def rounds_that_run_out(subject: Subject) -> CheckResult | None:
    """Return the finding that rounds above the default do nothing, although the last one did."""
    if not subject.injects or not named(subject, ROUNDS):
        return None
    least = COARSELY if is_coarse(subject) else ALIVE
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, STEPS, ID, "rounds")
    for name in named(subject, ROUNDS):
        usual = subject.default(name)
        if not isinstance(usual, int) or usual < 2 or AT_MOST.search(told_of(subject, name)):
            continue
        more = (usual + 1, usual + 2, 2 * usual + 1)
        try:
            fewer, plain, *others = (
                _quietly(subject, start, gradients, name, n) for n in (usual - 1, usual, *more)
            )
        except Exception:  # so many are refused, or a warning speaks of it
            continue
        way = plain.displacement()
        if not way or distance(fewer.end, plain.end) <= least * way:
            continue
        if max(distance(other.end, plain.end) for other in others) > STILL * way:
            continue
        last = distance(fewer.end, plain.end) / way
        body = f"""
a, b = run(start, gradients, **{{{name!r}: {more[-1]}}}), run(start, gradients)
print('acts:', gap(a, b, start) > {STILL})
"""
        return CheckResult(
            check=ID,
            outcome=Outcome.LIMIT,
            message=f"The effect of {name}={more[-1]}, or {more[0]}, beside {usual} is 0 of the "
            f"way, that of {usual} beside {usual - 1} is {last:.2g}: rounds above {usual} are "
            "taken and not made.",
            measured=0.0,
            bound=STILL,
            scenario={"changed": {name: more[-1]}, "steps": STEPS},
            **evidence(
                subject, body, "acts: False", shapes=shapes, steps=STEPS, stream=(ID, "rounds")
            ),
        )
    return None


def _quietly(
    subject: Subject,
    start: Sequence[Tensor],
    gradients: Sequence[Sequence[Tensor]],
    name: str,
    n: int,
) -> Trajectory:
    """Return the run with so many rounds; a warning about them is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return subject.run(start, gradients, options={name: n})
