"""Optimizers that evaluate the loss themselves, through a closure."""

from typing import Any

import torch

from lpfl.conformance.drives.session import Gradients, LossFunction, Session
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.pulse import beat

LOSS = 1.0
"""Value of the loss: steps in proportion to the loss stand still where it is 0."""


class ClosureSession(Session):
    """step(closure); the closure sets the same gradient each time it is called.

    Its value follows the weights from where the step begins, along that gradient.

    calls: how often the closure was called. without_grad: how often gradients were off. backward:
    whether the closure runs the backward pass.
    """

    text = f"""\
def step(optimizer, params, gradients):
    origin = [p.detach().clone() for p in params]

    def closure():
        optimizer.zero_grad()
        rows = [row for row in zip(params, gradients, origin) if row[1] is not None]
        parts = [(g * (p - p0)).sum() for p, g, p0 in rows]
        loss = {LOSS} + sum(parts)
        loss.backward()
        return loss

    return optimizer.step(closure)
"""
    calls = 0
    without_grad = 0
    backward = True

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        origin = [p.detach().clone() for p in self.params]
        return self.advance(surrogate(self.params, gradients, value=LOSS, origin=origin))

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss, by a closure that may be called several times."""

        def closure() -> torch.Tensor:
            self.calls += 1
            beat()
            self.without_grad += not torch.is_grad_enabled()
            self.zero()
            loss = loss_function()
            if self.backward:
                loss.backward()
            return loss

        if "grad_first" in self.needs and self.steps == 0:
            loss_function().backward()
        self.steps += 1
        beat()
        return self.optimizer.step(closure)


class OwnBackwardSession(ClosureSession):
    """step(closure) that runs the backward pass of the loss that the closure returns."""

    text = f"""\
def step(optimizer, params, gradients):
    origin = [p.detach().clone() for p in params]

    def closure():
        optimizer.zero_grad()
        rows = [row for row in zip(params, gradients, origin) if row[1] is not None]
        parts = [(g * (p - p0)).sum() for p, g, p0 in rows]
        return {LOSS} + sum(parts)

    return optimizer.step(closure)
"""
    backward = False


class ValueClosureSession(ClosureSession):
    """The gradient is there before step(); the closure returns the loss as a number."""

    text = f"""\
def step(optimizer, params, gradients):
    for p, g in zip(params, gradients):
        p.grad = None if g is None else g.clone()
    origin = [p.detach().clone() for p in params]
    rows = [row for row in zip(params, gradients, origin) if row[1] is not None]
    value = lambda: float(sum((g * (p.detach() - p0)).sum() for p, g, p0 in rows))
    return optimizer.step(lambda: {LOSS} + value())
"""

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss whose value alone the closure returns."""
        self.zero()
        loss = loss_function()
        loss.backward()
        self.steps += 1
        beat()
        return self.optimizer.step(lambda: float(loss_function().detach()))
