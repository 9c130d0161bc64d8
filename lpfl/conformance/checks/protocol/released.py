"""What steps inside the backward pass lets each gradient go, or its zero_grad() does."""

from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import CheckResult
from lpfl.conformance.subject import Subject, Trajectory

ID = "api.micro-batches"
SHAPES = ((6, 4), (5,))
STEPS = 4


def released(subject: Subject) -> CheckResult:
    """Return the answer for passes with nothing but the optimizer's zero_grad() in between."""

    def other(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)

        def move(row: Any) -> None:
            session.optimizer.zero_grad()
            surrogate(session.params, row)().backward()
            session.optimizer.step()

        return session.follow(gradients, move)

    pair = Pair(
        check=ID,
        says="with zero_grad() of its own alone between its backward passes",
        plain=subject.run,
        other=other,
        body="""
optimizer, params = begin(start)
for g in gradients:
    for p in params:
        p.grad = None
    step(optimizer, params, g)
a, b = run(start, gradients), read(optimizer, params)
""",
    )
    return agree(subject, pair, subject.shapes(*SHAPES), STEPS)
