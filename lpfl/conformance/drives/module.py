"""Optimizers that hook the layers of a model: a bag of layers, run forward and backward."""

from collections.abc import Callable
from typing import Any

import torch

from lpfl.conformance.drives.bag import Bag
from lpfl.conformance.drives.session import Gradients, LossFunction, Session
from lpfl.conformance.pulse import beat
from lpfl.conformance.signatures import Undrivable


class ModuleSession(Session):
    """Gradient g of a layer comes from input X and output gradient B with B'X = g.

    A gradient None freezes its layer for the step (requires_grad is off).
    """

    text = """\
def step(optimizer, params, gradients):
    for p in params:
        p.grad = None
    model = optimizer.bag
    inputs, slopes = model.places(gradients, seed=model.count)
    model.count += 1

    def loss():
        return (model(inputs) * torch.cat(slopes, 1)).sum()

    {move}
"""
    call: Callable[[], Any] | None = None

    @classmethod
    def program_text(cls, needs: frozenset[str]) -> str:
        """Return the text of a step of a program, by the drive of the other needs."""
        move = "loss().backward()\n    optimizer.step()"
        if "create_graph" in needs:
            move = move.replace("backward()", "backward(create_graph=True)")
        if "fused" in needs:
            move = f"optimizer.fused_backward(loss(), {cls.rate})"
        if "closure" in needs:
            move = (
                "def closure():\n        for p in params:\n            p.grad = None\n"
                "        value = loss()\n        value.backward()\n        return value\n\n"
                "    optimizer.step(closure)"
            )
        return cls.text.replace("{move}", move)

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        if not isinstance(self.model, Bag):
            raise Undrivable("gradients are prescribed on a bag of layers only")
        if any(g is None for g in gradients):
            raise Undrivable("a layer of a hooked model always has a gradient")
        known = [g for g in gradients if g is not None]
        placed, slopes = self.model.places(known, self.steps)
        device = self.params[0].device
        inputs, weights = [x.to(device) for x in placed], torch.cat(slopes, 1).to(device)
        return self.advance(lambda: (self.model(inputs) * weights).sum())

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss of the model, by the drive of the other needs."""
        self.zero()
        if "closure" in self.needs:
            self.steps += 1
            beat()
            return self.optimizer.step(lambda: self._backward(loss_function))
        if "fused" in self.needs:
            self.steps += 1
            beat()
            return self.optimizer.fused_backward(loss_function(), self.rate)
        self._backward(loss_function)
        self.steps += 1
        beat()
        return self.optimizer.step()

    rate = 1e-3

    def _backward(self, loss_function: LossFunction) -> torch.Tensor:
        self.zero()
        loss = loss_function()
        loss.backward(create_graph="create_graph" in self.needs)
        return loss

    def set(self, **options: Any) -> None:
        """Set options on every group; a fused rate is an argument of the backward pass."""
        if "fused" in self.needs:
            self.rate = options.pop("lr", self.rate)
        super().set(**options)
