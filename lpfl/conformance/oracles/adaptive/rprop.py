"""Rprop: steps of a size that grows and shrinks with the sign of successive gradients.

Source: Riedmiller and Braun 1993; Igel and Huesken 2000 for the forms without weight
backtracking (Rprop- and iRprop-).
"""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter

TURN = ("no step after a change of sign (iRprop-)", "backtrack (Rprop+)", "step anyway (Rprop-)")


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    size = m.get("size", torch.full_like(g, o.lr))
    agree = g * m.get("previous", torch.zeros_like(g))
    size = torch.where(agree > 0, size * o.eta_plus, size)
    size = torch.where(agree < 0, size * o.eta_minus, size)
    size = m["size"] = size.clamp(o.smallest, o.largest)
    turned, kind = agree < 0, c["change of sign"]
    seen = torch.where(turned, torch.zeros_like(g), g) if kind != TURN[2] else g
    move = -size * seen.sign()
    if kind == TURN[1]:
        move = torch.where(turned, -m.get("move", torch.zeros_like(g)), move)
    m["previous"], m["move"] = seen, move
    return p + move


ORACLES = (
    Oracle(
        claim="rprop",
        source="Riedmiller and Braun 1993; Igel and Huesken 2000",
        step=per_parameter(rule),
        options={
            "lr": 0.01,
            "eta_minus": 0.5,
            "eta_plus": 1.2,
            "smallest": 1e-6,
            "largest": 50.0,
        },
        conventions={"change of sign": TURN},
        aliases={
            "eta_minus": ("etas[0]", "eta_minus", "decrease"),
            "eta_plus": ("etas[1]", "eta_plus", "increase"),
            "smallest": ("step_sizes[0]", "min_step_size", "min_step"),
            "largest": ("step_sizes[1]", "max_step_size", "max_step"),
        },
    ),
)
