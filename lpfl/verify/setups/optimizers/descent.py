"""Gradient steps of a rule on least squares, from the second moments of batches."""

from collections.abc import Iterable

import torch
from torch import Tensor

from lpfl.optim.rule import Layer, MatrixRule
from lpfl.problems.single_index import moments as sampler


def descend(rule: MatrixRule, batches: Iterable[sampler.Moments]) -> Tensor:
    """Return the weights (R, d) after one step of ``rule`` from 0 on each of the batches.

    The model is y = a'x, the linear part of a network's output; its gradient is a Q - h.
    """
    weights, state = None, None
    for batch in batches:
        h = batch.cross_moment[:, None, :]
        weights = torch.zeros_like(h) if weights is None else weights
        state = rule.start(weights) if state is None else state
        gradient = weights @ batch.second_moment - h
        weights, state = rule.update(weights, gradient, state, Layer(batch.second_moment))
    assert weights is not None
    return weights[:, 0, :]


def filter_of(rule: MatrixRule, Q: Tensor, target: Tensor, *, steps: int) -> Tensor:
    """Return W (R, d, d) after ``steps`` steps from 0 with the gradient W Q - target."""
    weights = torch.zeros_like(target)
    state = rule.start(weights)
    for _ in range(steps):
        weights, state = rule.update(weights, weights @ Q - target, state, Layer(Q))
    return weights
