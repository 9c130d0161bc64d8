"""Paths under a schedule: the rate is halved in mid-run, or starts at 0, on each of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start
from lpfl.conformance.definition.alternatives import other_value
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.subject import Session, Subject, Trajectory

AFTER = 4
"""Steps before the rate is halved."""
RESTS = 2
"""Steps at rate 0, in which every other entry has had no gradient yet."""


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


def from_rest(subject: Subject, switch: str) -> Iterator[Pair]:
    """Yield the pair of runs, with the switch on and off, whose first rates are 0."""
    if other_value(subject, "lr") is None or "lr" not in subject.default_group:
        return

    def ran(on: bool) -> Callable[[Start, Gradients], Trajectory]:
        def run(start: Start, gradients: Gradients) -> Trajectory:
            session = subject.open(start, options={switch: on})
            rate = session.optimizer.param_groups[0]["lr"]

            def move(row: Sequence[torch.Tensor | None]) -> None:
                rests = session.steps < RESTS
                session.set(lr=0.0 if rests else rate)
                session.step([_halves(g) for g in row if g is not None] if rests else row)

            return session.follow(gradients, move)

        return run

    yield Pair(
        check="api.paths",
        says=f"with {switch}=True and rate 0 in {RESTS} steps that leave entries without gradient",
        plain=ran(False),
        other=ran(True),
        body=_REST.replace("switch", switch),
        options={switch: False},
        raises=Outcome.VARIANT if switch == "fused" else Outcome.LIMIT,
        scenario={"lr": 0.0, "in steps": RESTS, "switch": switch},
    )


def _halves(g: torch.Tensor) -> torch.Tensor:
    """Return the gradient with every other entry at 0."""
    return g * (torch.arange(g.numel()).reshape(g.shape) % 2)


_REST = f"""
def rested(on):
    optimizer, params = begin(start, switch=on)
    rates = [group['lr'] for group in optimizer.param_groups]
    for t, g in enumerate(gradients):
        for group, rate in zip(optimizer.param_groups, rates):
            group['lr'] = 0.0 if t < {RESTS} else rate
        if t < {RESTS}:
            g = [x * (torch.arange(x.numel()).reshape(x.shape) % 2) for x in g]
        step(optimizer, params, g)
    return read(optimizer, params)


a, b = rested(True), rested(False)
"""


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
