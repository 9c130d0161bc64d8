"""Small real models: one layer, a layer under a fixed head, two layers, one convolution.

A row of inputs X is one sample. Every model maps (n, d) to (n, m), has no bias and only layers
that optimizers know how to hook (nn.Linear, nn.Conv2d); a fixed head is a buffer.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lpfl.conformance.definition.option_names import known_as

if TYPE_CHECKING:
    from lpfl.conformance.subject import Session, Subject

Activation = Callable[[Tensor], Tensor]


def linear(weight: Tensor) -> nn.Linear:
    """Return the layer y = W x with this weight (m, d)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
    return layer


def one_layer(weight: Tensor) -> nn.Module:
    """Return y = W x, W (m, d), as a model of one layer."""
    return nn.Sequential(linear(weight))


def two_layers(representation: Tensor, head: Tensor) -> nn.Module:
    """Return y = F G x with representation G (k, d) and head F (m, k), both trained."""
    return nn.Sequential(linear(representation), linear(head))


class FixedHead(nn.Module):
    """y = F act(G x), of which only G (k, d) is trained; F (m, k) is a buffer."""

    head: Tensor

    def __init__(self, representation: Tensor, head: Tensor, act: Activation | None = None) -> None:
        super().__init__()
        self.representation = linear(representation)
        self.register_buffer("head", head.clone())
        self.act = act

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, m) of inputs (n, d)."""
        hidden = self.representation(inputs)
        return (hidden if self.act is None else self.act(hidden)) @ self.head.mT


def whole_image(kernel: Tensor) -> nn.Module:
    """Return the convolution with this kernel (m, c, h, w) on images of its own size (h, w)."""
    m, c, h, w = kernel.shape
    layer = nn.Conv2d(c, m, (h, w), bias=False, dtype=kernel.dtype)
    with torch.no_grad():
        layer.weight.copy_(kernel)
    return nn.Sequential(layer, nn.Flatten())


def squared_loss(
    model: nn.Module, inputs: Tensor, targets: Tensor, *, factor: float = 1.0
) -> Callable[[], Tensor]:
    """Return the function that returns factor/(2n) times the squared distance of the outputs.

    Inputs and targets are moved, once, to where the model is.
    """
    device = next(model.parameters()).device
    X, Y = inputs.to(device), targets.to(device)

    def loss() -> Tensor:
        return factor * (model(X) - Y).square().sum() / (2 * len(X))

    return loss


def slopes(
    weights: Sequence[Tensor], inputs: Tensor, targets: Tensor, *, factor: float = 1.0
) -> list[Tensor]:
    """Return the gradients of ``squared_loss`` in the weights of linear layers, first to last.

    An optimizer that takes its gradients from p.grad needs no backward pass to be given them.
    """
    seen = [inputs]
    for weight in weights:
        seen.append(seen[-1] @ weight.mT)
    back = factor * (seen[-1] - targets) / len(inputs)
    found: list[Tensor] = []
    for weight, rows in zip(reversed(weights), reversed(seen[:-1]), strict=True):
        found.append(back.mT @ rows)
        back = back @ weight
    return found[::-1]


def opened(
    subject: "Subject",
    model: nn.Module,
    *,
    rate: float | None = None,
    options: dict[str, Any] | None = None,
) -> "Session":
    """Return a session on the model without weight decay, at this learning rate if there is one."""
    decay = dict.fromkeys(known_as(subject, "weight_decay"), 0.0)
    given = {**decay, **(options or {})}
    if rate is not None and "fused" not in subject.needs:
        given |= dict.fromkeys(known_as(subject, "lr")[:1], rate)
    session = subject.open_on(model, options=given)
    if rate is not None and "fused" in subject.needs:
        session.set(lr=rate)
    return session


def has_rate(subject: "Subject") -> bool:
    """Return whether a learning rate can be set."""
    return "fused" in subject.needs or bool(known_as(subject, "lr"))


def default_rate(subject: "Subject") -> Any:
    """Return the learning rate that an optimizer has if nothing is said."""
    return next((subject.default(name) for name in known_as(subject, "lr")), None)
