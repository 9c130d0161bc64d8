"""Gradient scaling: a step whose gradients are not finite is left out, memory and all."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject, Trajectory

ID = "api.scaler"
SCALE = 1024.0
LOST = (0, 3)
"""Steps whose scaled gradients are infinite."""
SHAPES = ((6, 4), (5,))
STEPS = 5
ITSELF = "_step_supports_amp_scaling"
"""The attribute by which torch knows an optimizer that leaves such steps out by itself."""


@check(ID, tags=("api",), cost=0.1, needs=("inject",))
def scaler(subject: Subject) -> Iterable[CheckResult]:
    """A step that torch.amp.GradScaler finds infinite changes nothing, unscaled before or not."""
    if subject.needs & {"keeps_grad", "sparse"}:
        message = "Not applicable: the drive makes or keeps gradients of its own."
        yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    own = list(_own(subject))
    if not own:
        message = "Not applicable: torch.amp.GradScaler itself leaves such steps out."
        yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    farthest = 0.0
    for options in own:
        for unscaled in (False, True):
            pair = _pair(subject, options, unscaled)
            result = agree(subject, pair, subject.shapes(*SHAPES), STEPS)
            if result.outcome is not Outcome.CONFORMS:
                yield result
            if result.outcome in FINDINGS:
                return
            farthest = max(farthest, result.measured or 0.0)
    message = f"Runs with infinite gradients in between are at most {farthest:.2g} apart."
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _own(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Yield options with which the optimizer itself leaves such steps out.

    Else torch does it, which does not call step() then.
    """
    for options in ({}, {"fused": True}):
        if not all(subject.accepts(name) for name in options):
            continue
        try:
            start, gradients = subject.draw(subject.shapes(*SHAPES), 1, ID)
            session = subject.open(start, options=options)
            session.step(gradients[0])
        except Exception:
            continue
        if getattr(session.optimizer, ITSELF, False):
            yield options


def _pair(subject: Subject, options: Mapping[str, Any], unscaled: bool) -> Pair:
    def clean(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start, options=options)
        values = [session.values()]
        for t, row in enumerate(gradients):
            if t not in LOST:
                session.step(row)
            values.append(session.values())
        return Trajectory(values, session.optimizer)

    def scaled(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start, options=options)
        kind = session.params[0].device.type
        growing = torch.amp.GradScaler(kind, init_scale=SCALE, growth_interval=1000)
        values = [session.values()]
        for t, row in enumerate(gradients):
            factor = growing.scale(torch.ones((), device=kind)).item()
            for p, g in zip(session.params, row, strict=True):
                p.grad = (g * factor).to(p)
            if t in LOST:
                _spoil(session.params)
            if unscaled:
                growing.unscale_(session.optimizer)
            growing.step(session.optimizer)
            growing.update()
            session.steps += 1
            values.append(session.values())
        return Trajectory(values, session.optimizer)

    said = "".join(f", {k}={v}" for k, v in options.items())
    before = "    scaler.unscale_(optimizer)\n" if unscaled else ""
    return Pair(
        check=ID,
        says="by torch.amp.GradScaler"
        + (", unscaled before step()," if unscaled else "")
        + f" with infinite gradients in between{said}",
        plain=clean,
        other=scaled,
        body=f"""
optimizer, params = begin(start, **{dict(options)!r})
scaler = torch.amp.GradScaler("cpu", init_scale={SCALE}, growth_interval=1000)
for t, g in enumerate(gradients):
    factor = scaler.scale(torch.tensor(1.0)).item()
    for p, x in zip(params, g):
        p.grad = x * factor
    if t in {LOST}:
        params[-1].grad.flatten()[0] = torch.inf
{before}    scaler.step(optimizer)
    scaler.update()
a = read(optimizer, params)
b = run(start, [g for t, g in enumerate(gradients) if t not in {LOST}], **{dict(options)!r})
""",
        options=options,
        raises=Outcome.VARIANT,
        scenario={"infinite in steps": LOST, "unscaled before": unscaled, "options": dict(options)},
    )


def _spoil(params: list[torch.nn.Parameter]) -> None:
    """Make one entry of the last gradient infinite."""
    grad = params[-1].grad
    if grad is not None:
        grad.view(-1)[0] = torch.inf
