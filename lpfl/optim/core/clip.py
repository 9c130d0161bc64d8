"""A clip over the layers that move together: the predicted decrease of the loss is bounded."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lpfl.optim.rule import Layer, MatrixRule


class Piece(NamedTuple):
    """One matrix about to move: its rule, gradient and state, and what its layer saw."""

    rule: MatrixRule
    matrix: Tensor
    gradient: Tensor
    state: Any
    layer: Layer

    def moved(self) -> tuple[Tensor, Any]:
        """Return the matrix and the state after the step."""
        return self.rule.update(self.matrix, self.gradient, self.state, self.layer)


def clipped(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with the factor of the clip, if a rule has one, in their layers.

    nu = min(1, sqrt(kl_clip / sum over the pieces of step_size <gradient, step>)), steps with
    their step sizes. Of several bounds the smallest counts.
    Source: the rescaling of KFAC updates by a trust region in the Fisher metric (Ba et al. 2017).
    """
    factor = clip_factor(pieces)
    if factor is None:
        return list(pieces)
    return [piece._replace(layer=piece.layer._replace(scale=factor)) for piece in pieces]


def clip_factor(pieces: Sequence[Piece]) -> Tensor | None:
    """Return nu (..., 1, 1) of the pieces, None if no rule clips."""
    bounds = [piece.rule.clip for piece in pieces if piece.rule.clip is not None]
    if not bounds:
        return None
    terms = [piece.rule.decrease(*piece[1:]) for piece in pieces if piece.rule.clip is not None]
    total = torch.stack(torch.broadcast_tensors(*terms)).sum(0)
    least = torch.finfo(total.dtype).tiny
    return (min(bounds) / total.clamp(min=least)).sqrt().clamp(max=1.0)
