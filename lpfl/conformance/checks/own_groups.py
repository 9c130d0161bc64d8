"""Groups that an optimizer makes by itself, such as one per layer: each has its own rate."""

from typing import Any

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.lr-read"
AFTER = 7
SHAPES = ((6, 4), (5, 6))


def rate_of_its_own(subject: Subject) -> CheckResult | None:
    """Return the finding that the rate of the last of several own groups is not read, if so."""
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, AFTER + 2, ID, "own groups")
    session = subject.open(start)
    held = {id(p) for p in session.params}
    groups = session.optimizer.param_groups
    last = any(id(p) in held for p in groups[-1]["params"])
    if len(groups) < 2 or not last or any(not group.get("lr") for group in groups):
        return None

    def halve(session: Session, t: int) -> None:
        if t == AFTER:
            session.optimizer.param_groups[-1]["lr"] *= 0.5

    plain = subject.run(start, gradients)
    other = subject.run(start, gradients, observe=halve)
    if not all(torch.equal(a, b) for a, b in zip(plain.end, other.end, strict=True)):
        return None
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=(
            f"The change of the run by halving lr in the last of its {len(groups)} groups is 0: "
            "the rate of another group is taken."
        ),
        measured=0.0,
        bound=0.0,
        scenario={"groups": len(groups), "lr halved after": AFTER},
        **_shown(subject, shapes),
    )


def _shown(subject: Subject, shapes: Any) -> dict[str, Any]:
    body = f"""
def ends(factor):
    optimizer, params = begin(start)
    for t, g in enumerate(gradients):
        if t == {AFTER}:
            optimizer.param_groups[-1]['lr'] *= factor
        step(optimizer, params, g)
    return read(optimizer, params)


print('change', gap(ends(0.5), ends(1.0), start))
"""
    stream = (ID, "own groups")
    return evidence(subject, body, 0.0, shapes=shapes, steps=AFTER + 2, stream=stream)
