"""The mask of cautious optimizers: no entry moves against its gradient, the others move more.

Source: Liang et al. 2024, algorithm 1, which divides by (entries kept + 1) / entries; its authors'
code and most libraries divide by the mean of the mask.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Oracle

MASK = ("steps along the gradient", "steps against the gradient")
SCALE = ("entries over those kept plus 1", "entries over those kept", "none")
LEAST = 1e-3
"""Least mean of a mask by which is divided."""


def masked(move: Tensor, g: Tensor, o: Any, c: Convention) -> Tensor:
    """Return the step under the mask, if that is asked for."""
    if not o.cautious:
        return move
    agrees = move * g > 0 if c["cautious mask keeps"] == MASK[0] else move * g < 0
    mask = agrees.to(move.dtype)
    if c["cautious scale"] == SCALE[0]:
        mask = mask * mask.numel() / (mask.sum() + 1)
    elif c["cautious scale"] == SCALE[1] and mask.numel():
        mask = mask / mask.mean().clamp(min=LEAST)
    return move * mask


def with_caution(*made: Oracle) -> tuple[Oracle, ...]:
    """Return the references with the mask as an option, off unless a subject has it."""
    return tuple(
        replace(
            oracle,
            options={**oracle.options, "cautious": False},
            conventions={
                **oracle.conventions,
                "cautious mask keeps": MASK,
                "cautious scale": SCALE,
            },
            departures={**oracle.departures, "cautious mask keeps": frozenset(MASK[1:])},
            relevant={
                **oracle.relevant,
                "cautious mask keeps": "cautious",
                "cautious scale": "cautious",
            },
            aliases={**oracle.aliases, "cautious": ("cautious", "caution", "cautious_mask")},
        )
        for oracle in made
    )
