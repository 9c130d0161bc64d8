"""One step of a rule on two linear layers with biases."""

from typing import Any

import torch
from torch import Tensor

from lpfl.guards import require_choice
from lpfl.optim.rule import Layer, MatrixRule
from lpfl.problems.linear_representation.affine import affine_gradients, homogeneous
from lpfl.problems.linear_representation.model import Batch, Weights

BIAS_FACTORS = ("shared", "own")


def affine_step(
    rule: MatrixRule,
    weights: Weights,
    batch: Batch,
    *,
    head_rule: MatrixRule | None,
    bias_factor: str = "shared",
) -> Weights:
    """Return both layers after one step from the old weights; rules without memory.

    bias_factor: "shared" treats the bias as one more column, with the constant as an input;
    "own" moves it as a layer of its own, whose input is the constant alone. head_rule None: the
    head stays as it is.
    Raises: ValueError for another bias factor.
    """
    require_choice("bias_factor", bias_factor, BIAS_FACTORS)
    slopes = affine_gradients(weights, batch)
    F = weights.head[..., :-1]
    G_next = _moved(
        rule, weights.representation, slopes.representation, batch.cov_x, F.mT @ F, bias_factor
    )
    if head_rule is None:
        return Weights(weights.head, G_next)
    over = homogeneous(weights.representation)
    hidden = over @ batch.cov_x @ over.mT
    return Weights(_moved(head_rule, weights.head, slopes.head, hidden, None, bias_factor), G_next)


def _moved(
    rule: MatrixRule,
    W: Tensor,
    grad: Tensor,
    moment: Tensor,
    outputs: Tensor | None,
    bias_factor: str,
) -> Tensor:
    """Return the weights [W b] after a step; moment: that of the layer's inputs and of 1."""
    pieces = (slice(None),) if bias_factor == "shared" else (slice(None, -1), slice(-1, None))
    moved: list[Tensor] = []
    for piece in pieces:
        part, slope = W[..., piece], grad[..., piece]
        state: Any = rule.start(part)
        after, _ = rule.update(part, slope, state, Layer(moment[..., piece, piece], outputs))
        moved.append(after)
    return torch.cat(moved, dim=-1)
