"""Pieces that many references share: averages, denominators with epsilon, weight decay."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle

EPS = (
    "outside the root",
    "outside, before bias correction",
    "inside the root",
    "inside, before bias correction",
    "squared inside the root",
    "clamp",
    "clamp before bias correction",
)
SCHEDULED = "times lr over its first value"
"""Times the multiplier of a schedule, as the paper of AdamW has it: shows where lr changes."""
DECOUPLED = ("times lr", "times lr, after the step", "not times lr", SCHEDULED)
NOT_DECOUPLED = ("L2 in the gradient", "ignored", "constant lr * weight_decay")
DECAYED = ("all weights", "all but vectors and numbers")
CAUTIOUS_DECAY, STRICTLY = "cautious_decay", "entries that move alone"
OF_GRADIENT = ("along the gradient", "along the gradient, where it is not 0")
BIAS = ("both", "none", "first only", "second only")
NO_BIAS = frozenset(BIAS[1:])


def average(memory: Memory, key: str, value: Tensor, beta: float) -> Tensor:
    """Return beta old + (1 - beta) value, starting at zero, and keep it."""
    memory[key] = beta * memory.get(key, torch.zeros_like(value)) + (1 - beta) * value
    return memory[key]


def correction(beta: float, t: int) -> float:
    """Return 1 - beta^t, the weight that an average from zero has gathered after t values."""
    return float(1 - beta**t)


def corrections(c: Convention, o: Any, t: int) -> tuple[float, float]:
    """Return the bias corrections of first and second moment under the axis "bias correction"."""
    kind = c.get("bias correction", "both")
    first = correction(o.beta1, t) if kind in ("both", "first only") else 1.0
    second = correction(o.beta2, t) if kind in ("both", "second only") else 1.0
    return first, second


def denominator(v: Tensor, eps: float, correct: float, kind: str) -> Tensor:
    """Return the root of v / correct with epsilon in the named place."""
    if kind == "outside the root":
        return (v / correct).sqrt() + eps
    if kind == "outside, before bias correction":
        return (v.sqrt() + eps) / correct**0.5
    if kind == "inside the root":
        return (v / correct + eps).sqrt()
    if kind == "inside, before bias correction":
        return ((v + eps) / correct).sqrt()
    if kind == "squared inside the root":
        return (v / correct + eps**2).sqrt()
    if kind == "clamp":
        return (v / correct).sqrt().clamp(min=eps)
    if kind == "clamp before bias correction":
        return v.sqrt().clamp(min=eps) / correct**0.5
    raise ValueError(f"epsilon {kind!r}, needs one of {EPS}")


def but_vectors(*made: Oracle) -> tuple[Oracle, ...]:
    """Return the references with an axis more: vectors may be left undecayed where this is said."""
    return tuple(
        replace(
            oracle,
            conventions={**oracle.conventions, "decayed": DECAYED},
            departures={**oracle.departures, "decayed": frozenset(DECAYED[1:])},
            relevant={**oracle.relevant, "decayed": "weight_decay"},
        )
        for oracle in made
    )


def decay_of(p: Tensor, o: Any, c: Convention) -> float:
    """Return the weight decay of these weights: 0 for those that the axis "decayed" leaves out."""
    left_out = p.ndim < 2 and c.get("decayed") == DECAYED[1]
    return 0.0 if left_out else float(o.weight_decay)


def coupled(p: Tensor, g: Tensor, o: Any, c: Convention) -> Tensor:
    """Return the gradient that the method sees: with the decay in it where that is the rule."""
    return g + decay_of(p, o, c) * p if c["decay"] == "L2 in the gradient" else g


def decayed(p: Tensor, move: Tensor, o: Any, c: Convention) -> Tensor:
    """Return p - move with decoupled weight decay in the named form.

    Where the option ``cautious_decay`` is set, only entries that the step does not drive away from
    zero decay (Chen et al. 2025, Cautious weight decay, algorithm 1).
    """
    kind, decay = c["decay"], decay_of(p, o, c) * _spared(p, move, o)
    rate = o.lr * decay
    if kind == "times lr":
        return p * (1 - rate) - move
    if kind == "times lr, after the step":
        return (p - move) * (1 - rate)
    if kind == "not times lr":
        return p * (1 - decay) - move
    if kind == SCHEDULED:
        return p * (1 - decay * (o.lr / o.first_lr if o.first_lr else 0.0)) - move
    if kind == "constant lr * weight_decay":
        return p - rate - move
    return p - move


def _spared(p: Tensor, move: Tensor, o: Any) -> Tensor | float:
    """Return 1, or under cautious decay 0 for the entries that the step drives away from zero.

    Entries that stand still decay in the paper; not so where the option says ``STRICTLY``. In some
    packages the gradient's sign counts, not the step's.
    """
    cautious = getattr(o, CAUTIOUS_DECAY, False)
    if not cautious:
        return 1.0
    along = o.gradient if cautious in OF_GRADIENT else move
    strictly = cautious in (STRICTLY, OF_GRADIENT[1])
    towards = along * p > 0 if strictly else along * p >= 0
    return towards.to(p.dtype)


def safe_divide(a: Tensor, b: Tensor) -> Tensor:
    """Return a / b, and 0 where both are 0."""
    return torch.where((a == 0) & (b == 0), torch.zeros_like(a), a / b)
