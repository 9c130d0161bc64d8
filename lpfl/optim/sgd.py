"""Stochastic gradient descent."""

from torch import Tensor

from lpfl.optim.method import Memory, Method, require_step_size
from lpfl.problems.linear_representation import Batch, Weights, gradients


def sgd_step(W: Tensor, grad: Tensor, *, step_size: float) -> Tensor:
    """Return ``W - step_size grad``; any shape."""
    return W - step_size * grad


def sgd(*, step_size: float = 1e-2) -> Method:
    """Joint SGD on head and representation."""
    require_step_size(step_size)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        slope = gradients(weights, batch)
        moved = [
            sgd_step(W, grad, step_size=step_size) for W, grad in zip(weights, slope, strict=True)
        ]
        return Weights(*moved), memory

    return Method("sgd", step, hyperparameters={"step_size": step_size})
