"""Paths under a schedule: the rate is halved in mid-run on each of them."""

from collections.abc import Callable, Iterator
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start
from lpfl.conformance.definition.alternatives import other_value
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.subject import Session, Subject, Trajectory

AFTER = 4
"""Steps before the rate is halved."""


def under_a_schedule(subject: Subject, switch: str) -> Iterator[Pair]:
    """Yield the pair of runs, with the switch on and off, in which lr is halved, if it is known."""
    rate = other_value(subject, "lr")
    if rate is None or "lr" not in subject.default_group:
        return

    def halve(session: Session, t: int) -> None:
        if t == AFTER:
            session.set(lr=rate)

    def ran(on: bool) -> Callable[[Start, Gradients], Trajectory]:
        def run(start: Start, gradients: Gradients) -> Trajectory:
            return subject.run(start, gradients, options={switch: on}, observe=halve)

        return run

    yield Pair(
        check="api.paths",
        says=f"with {switch}=True and half the rate from step {AFTER + 1} on",
        plain=ran(False),
        other=ran(True),
        body=_text(switch, rate),
        options={switch: False},
        raises=Outcome.VARIANT if switch == "fused" else Outcome.LIMIT,
        scenario={"lr": rate, "from step": AFTER + 1, "switch": switch},
    )


def _text(switch: str, rate: Any) -> str:
    return f"""
def halved(on):
    optimizer, params = begin(start, {switch}=on)
    for t, g in enumerate(gradients):
        if t == {AFTER}:
            for group in optimizer.param_groups:
                group['lr'] = {rate!r}
        step(optimizer, params, g)
    return read(optimizer, params)


a, b = halved(True), halved(False)
"""
