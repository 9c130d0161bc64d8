"""Memory of a parameter that is replaced, as model.half(), .to() and p.data = x do."""

from collections.abc import Iterator
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.subject import Subject, Trajectory

ID = "api.loaded-weights"
SHAPES = ((6, 4), (5,))
STEPS = 5
WHEN = {0: "before the first step", 3: "after 3 steps"}
"""Steps before the replacement -> in words."""


def replaced(subject: Subject) -> Iterator[CheckResult]:
    """Yield a finding about p.data = p.data.clone(): the steps go on in the new memory."""
    for when, words in WHEN.items():
        result = agree(subject, _pair(subject, when, words), subject.shapes(*SHAPES), STEPS)
        if result.outcome in FINDINGS:
            yield result
            return


def _pair(subject: Subject, when: int, words: str) -> Pair:
    def other(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)

        def move(row: Any) -> None:
            if session.steps == when:
                for p in session.params:
                    p.data = p.data.clone()
            session.step(row)

        return session.follow(gradients, move)

    return Pair(
        check=ID,
        says=f"whose parameters get new memory (p.data = p.data.clone()) {words}",
        plain=subject.run,
        other=other,
        body=f"""
optimizer, params = begin(start)
for t, g in enumerate(gradients):
    if t == {when}:
        for p in params:
            p.data = p.data.clone()
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients)
""",
        differs=Outcome.LIMIT,
    )
