"""Ways to clip gradients before a step, and runs on gradients that were clipped so."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, size

Row = Sequence[Tensor]

PLAIN: Mapping[str, str] = {
    "each entry": "g.clamp(-most, most)",
    "the norm of each weight": "cut(g, most, g.norm())",
    "the norm of all": "cut(g, most, total(gs))",
    "the norm of each row": "cut(g, most, unit(g))",
    "the root mean square of each weight": "cut(g, most, g.square().mean().sqrt())",
    "the largest entry of each weight": "cut(g, most, g.abs().max())",
    "the largest entry of all": "cut(g, most, max(h.abs().max() for h in gs))",
}
"""What is held to a bound, with the expression of the clipped gradient."""
TO_WEIGHTS: Mapping[str, str] = {
    "each output unit": "cut(g, most * unit(p), unit(g))",
    "each weight": "cut(g, most * p.norm(), g.norm())",
}
WRONG_AXIS = {"each input": "cut(g, most * unit(p.T).T, unit(g.T).T)"}
"""Adaptive clipping, to a share of the weights' norm: of matrices, by the wrong axis too."""
TOOLS = """
def total(gs):
    return sum(float(g.square().sum()) for g in gs) ** 0.5


def unit(x):
    return x.norm(dim=tuple(range(1, x.ndim)), keepdim=True) if x.ndim > 1 else x.norm()


def cut(g, most, size):
    return g * (most / size).clamp(max=1.0) if hasattr(size, "clamp") else g * min(1.0, most / size)
"""


def _unit(x: Tensor) -> Tensor:
    return x.norm(dim=tuple(range(1, x.ndim)), keepdim=True) if x.ndim > 1 else x.norm()


def _cut(g: Tensor, most: Any, length: Any) -> Tensor:
    share = most / length
    return g * (share.clamp(max=1.0) if isinstance(share, Tensor) else min(1.0, share))


def clipped(rule: str, most: float, values: Row, gradients: Row) -> list[Tensor]:
    """Return the gradients clipped by a rule, at these weights."""
    if rule == "each entry":
        return [g.clamp(-most, most) for g in gradients]
    if rule in TO_WEIGHTS or rule in WRONG_AXIS:
        return [_to_weights(rule, most, p, g) for p, g in zip(values, gradients, strict=True)]
    largest = max(g.abs().max() for g in gradients)
    return [_cut(g, most, _length(rule, g, gradients, largest)) for g in gradients]


def _length(rule: str, g: Tensor, gradients: Row, largest: Tensor) -> Any:
    if rule == "the norm of all":
        return size(gradients)
    if rule == "the norm of each row":
        return _unit(g)
    if rule == "the root mean square of each weight":
        return g.square().mean().sqrt()
    if rule.startswith("the largest entry"):
        return largest if rule.endswith("of all") else g.abs().max()
    return g.norm()


def _to_weights(rule: str, most: float, p: Tensor, g: Tensor) -> Tensor:
    if rule == "each weight":
        return _cut(g, most * p.norm(), g.norm())
    if rule in WRONG_AXIS:
        return _cut(g, most * _unit(p.T).T, _unit(g.T).T)
    return _cut(g, most * _unit(p), _unit(g))


def run_clipped(
    subject: Subject,
    start: Start,
    gradients: Gradients,
    rule: str,
    most: float,
    *,
    options: Mapping[str, Any],
    groups: Any = None,
) -> Trajectory:
    """Return the run on gradients that are clipped before they are handed over."""
    session = subject.open(start, options=options, groups=groups)
    values = [session.values()]
    for row in gradients:
        session.step(clipped(rule, most, values[-1], row))
        values.append(session.values())
    return Trajectory(values, session.optimizer)
