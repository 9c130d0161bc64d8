"""Optimizers that take part in the backward pass: in hooks, fused into it, or around it."""

from typing import Any

from lpfl.conformance.drives.session import Gradients, LossFunction, Session
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.pulse import beat

FUSED_RATE = 1e-3


class HookSession(Session):
    """The parameters have hooks: their gradients come from a backward pass, then step()."""

    text = """\
def step(optimizer, params, gradients):
    optimizer.zero_grad()
    parts = [(g * (p - p.detach())).sum() for p, g in zip(params, gradients) if g is not None]
    if parts:
        sum(parts).backward()
    return optimizer.step()
"""

    @property
    def prescribes(self) -> bool:
        """Never: a gradient that is written to p.grad passes the hooks by."""
        return False

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        return self.advance(surrogate(self.params, gradients))

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss."""
        self.zero()
        loss = loss_function()
        if loss.requires_grad:
            loss.backward()
        self.steps += 1
        beat()
        return self.optimizer.step()


class FusedSession(Session):
    """optimizer.fused_backward(loss, lr): no step(), no p.grad, the rate as an argument."""

    text = f"""\
def step(optimizer, params, gradients):
    parts = [(g * (p - p.detach())).sum() for p, g in zip(params, gradients) if g is not None]
    optimizer.fused_backward(sum(parts), {FUSED_RATE})
"""
    rate = FUSED_RATE

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        return self.advance(surrogate(self.params, gradients))

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss."""
        self.steps += 1
        beat()
        return self.optimizer.fused_backward(loss_function(), self.rate)

    def set(self, **options: Any) -> None:
        """Set options on every group; the rate is an argument of the backward pass."""
        self.rate = options.pop("lr", self.rate)
        super().set(**options)


class SampledSession(Session):
    """The backward pass runs inside optimizer.sampled_params(train=True)."""

    text = """\
def step(optimizer, params, gradients):
    optimizer.zero_grad()
    with optimizer.sampled_params(train=True):
        parts = [(g * (p - p.detach())).sum() for p, g in zip(params, gradients) if g is not None]
        sum(parts).backward()
    optimizer.step()
"""

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        return self.advance(surrogate(self.params, gradients))

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss evaluated at sampled parameters."""
        self.zero()
        with self.optimizer.sampled_params(train=True):
            loss_function().backward()
        self.steps += 1
        beat()
        return self.optimizer.step()


class OwnStepSession(Session):
    """``step(model, loss_function, optimizer)`` of the spec, which runs the backward pass too."""

    own_step: Any = None
    model: Any = None

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        return self.advance(surrogate(self.params, gradients))

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss, as the spec says."""
        self.steps += 1
        beat()
        return self.own_step(self.model, loss_function, self.optimizer)
