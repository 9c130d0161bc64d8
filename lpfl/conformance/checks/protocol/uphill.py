"""maximize of an optimizer that evaluates the loss itself: its value must turn round too."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start
from lpfl.conformance.drives.session import LossFunction
from lpfl.conformance.subject import Subject, Trajectory

SEARCHES: tuple[Mapping[str, Any], ...] = ({}, {"line_search_fn": "strong_wolfe"})
"""Options under which a loss is climbed: a line search looks at its value."""


def on_a_loss(subject: Subject) -> Iterator[Pair]:
    """Yield pairs of maximize on -f and minimize on f, where f = sum sqrt(1 + (p - t)^2)."""
    if "closure" not in subject.needs or "maximize" not in subject.constructor_names:
        return
    for options in SEARCHES:
        if all(subject.accepts(name) for name in options):
            yield _pair(subject, options)


def _pair(subject: Subject, options: Mapping[str, Any]) -> Pair:
    up, down = {**options, "maximize": True}, {**options, "maximize": False}
    said = "".join(f", {k}={v}" for k, v in options.items())
    return Pair(
        check="api.maximize",
        says=f"with maximize=True on -f{said}, against maximize=False on f, a loss with a minimum,",
        plain=partial(_run, subject, down, 1.0),
        other=partial(_run, subject, up, -1.0),
        body=f"""
def ends(sign, **options):
    optimizer, params = begin(start, **options)
    for targets in gradients:
        def closure():
            optimizer.zero_grad()
            away = [p - t for p, t in zip(params, targets)]
            loss = sign * sum((1 + d ** 2).sqrt().sum() for d in away)
            loss.backward()
            return loss

        optimizer.step(closure)
    return read(optimizer, params)


a, b = ends(-1.0, **{up!r}), ends(1.0, **{down!r})
""",
        options=up,
        scenario={"options": up, "f": "sum sqrt(1 + (p - t)^2)"},
    )


def _run(
    subject: Subject, options: Mapping[str, Any], sign: float, start: Start, targets: Gradients
) -> Trajectory:
    session = subject.open(start, options=options)
    return session.follow(
        targets, lambda row: session.advance(valley(session.params, row, sign=sign))
    )


def valley(
    params: Sequence[torch.nn.Parameter], targets: Sequence[Any], *, sign: float = 1.0
) -> LossFunction:
    """Return the loss sign * sum sqrt(1 + (p - t)^2), whose gradient changes with the point."""

    def loss() -> torch.Tensor:
        away = [p - t.to(p) for p, t in zip(params, targets, strict=True)]
        return sign * torch.stack([(1 + d**2).sqrt().sum() for d in away]).sum()

    return loss
