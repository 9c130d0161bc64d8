"""Optimizers that differentiate twice: the gradient keeps its graph."""

import warnings
from typing import Any

from lpfl.conformance.drives.session import Gradients, LossFunction, Session
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.pulse import beat

CURVATURE = 0.5


class GraphSession(Session):
    """backward(create_graph=True); the surrogate's Hessian is ``CURVATURE`` times I."""

    text = f"""\
def step(optimizer, params, gradients):
    optimizer.zero_grad()
    loss = 0.0
    for p, g in zip(params, gradients):
        if g is not None:
            away = p - p.detach()
            loss = loss + (g * away).sum() + {CURVATURE / 2} * away.square().sum()
    loss.backward(create_graph=True)
    optimizer.step()
"""

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        return self.advance(surrogate(self.params, gradients, curvature=CURVATURE))

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss, with the graph of its gradient."""
        self.zero()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*create_graph=True.*")
            loss_function().backward(create_graph=True)
        self.steps += 1
        beat()
        try:
            return self.optimizer.step()
        finally:
            for p in self.params:  # a graph in p.grad keeps itself alive
                if p.grad is not None:
                    p.grad = p.grad.detach()
