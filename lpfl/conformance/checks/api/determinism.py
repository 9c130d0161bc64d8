"""Same seed, same run; and whether the optimizer draws random numbers."""

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

STEPS = 6
SAME = 1e-12  # another memory alignment may change the order of a BLAS sum


@check("api.determinism", tags=("api",), cost=0.1)
def determinism(subject: Subject) -> CheckResult:
    """The same seed gives the same run."""
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, STEPS, "determinism")
    first = subject.run(start, gradients)
    apart = gap(first, subject.run(start, gradients))
    if apart > SAME:
        return CheckResult(
            check="api.determinism",
            outcome=Outcome.DEVIATES,
            message=f"Two runs with the same seed are {apart:.2g} apart.",
            measured=apart,
            bound=SAME,
            scenario={"shapes": shapes, "steps": STEPS},
            **evidence(
                subject,
                "a, b = run(start, gradients), run(start, gradients)\n"
                f"print('differs:', gap(a, b, start) > {SAME})",
                "differs: True",
                shapes=shapes,
                steps=STEPS,
                stream=("determinism",),
            ),
        )
    torch.manual_seed(subject.seed + 1)
    other = gap(first, subject.run(start, gradients, seed=subject.seed + 1))
    draws = f"; another seed is {other:.2g} apart" if other > SAME else ""
    return CheckResult(
        check="api.determinism",
        outcome=Outcome.CONFORMS,
        message=f"Two runs with the same seed are {apart:.2g} apart{draws}.",
        measured=apart,
        bound=SAME,
        details={"other_seed": other},
    )
