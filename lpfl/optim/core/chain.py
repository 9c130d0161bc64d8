"""One step of a rule on every layer of a deep linear chain."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from lpfl.guards import require_choice
from lpfl.optim.core.clip import Piece, clipped
from lpfl.optim.rule import Layer, MatrixRule
from lpfl.problems.linear_representation.chain import Layers, above, below, chain_gradients
from lpfl.problems.linear_representation.model import Batch

ORDERS = ("joint", "in_turn")


def chain_layer(layers: Sequence[Tensor], index: int, batch: Batch) -> Layer:
    """Return what a layer saw: the second moment of its inputs, the Gram matrix of those above."""
    over, under = above(layers, index), below(layers, index)
    inputs = batch.cov_x if under is None else under @ batch.cov_x @ under.mT
    return Layer(inputs, None if over is None else over.mT @ over)


def chain_step(
    rules: Sequence[MatrixRule],
    layers: Layers,
    states: Sequence[Any],
    batch: Batch,
    *,
    order: str = "joint",
) -> tuple[Layers, tuple[Any, ...]]:
    """Return the layers and the states after one step, each layer moved by its own rule.

    order: "joint" moves every layer from the old ones; "in_turn" moves the first layer first, and
    each later one sees the new layers below it.
    Raises: ValueError for another order, or another number of rules than layers.
    """
    require_choice("order", order, ORDERS)
    if len(rules) != len(layers):
        raise ValueError(f"{len(rules)} rules, needs {len(layers)}: one for each layer")
    after, kept = list(layers), list(states)
    every = range(len(layers))
    for together in [tuple(every)] if order == "joint" else [(index,) for index in every]:
        seen = tuple(after)
        slopes = chain_gradients(seen, batch)
        pieces = [
            Piece(rules[i], seen[i], slopes[i], states[i], chain_layer(seen, i, batch))
            for i in together
        ]
        for i, piece in zip(together, clipped(pieces), strict=True):
            after[i], kept[i] = piece.moved()
    return tuple(after), tuple(kept)
