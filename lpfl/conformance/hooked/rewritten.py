"""Networks in pairs: members, places and layers in another order, and a bias as an input."""

import torch
from torch import Tensor, nn

from lpfl.conformance.hooked.networks import Network


class Members(Network):
    """A linear layer on the members of a sequence; the twin has them the other way round."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(9, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :12].unflatten(1, (3, 4)) * torch.tensor([[0.5], [1.0], [3.0]]).to(x)
        y = self.first(x.flip(1)).flip(1) if self.twin else self.first(x)
        return self.last(y.flatten(1))


class Places(Network):
    """A convolution of single pixels; the twin's image is upside down."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv2d(4, 3, 1, bias=False)
        self.last = nn.Linear(9, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :12].unflatten(1, (4, 3, 1)) * torch.tensor([[0.5], [1.0], [3.0]]).to(x)
        y = self.first(x.flip(2)).flip(2) if self.twin else self.first(x)
        return self.last(y.flatten(1))


class Registered(Network):
    """Three layers, the last registered first; in the twin they are in the order of their calls."""

    first: nn.Module
    middle: nn.Module
    last: nn.Module

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        layers = {"first": (4, 4), "middle": (4, 4), "last": (4, 2)}
        for name in layers if twin else reversed(layers):
            setattr(self, name, nn.Linear(*layers[name], bias=False))

    def load(self, weights: Tensor) -> None:
        known, at = self.state_dict(), 0
        for name in ("first.weight", "middle.weight", "last.weight"):
            value = known[name]
            value.copy_(weights[at : at + value.numel()].reshape(value.shape))
            at += value.numel()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.first(x[:, :4])))


class Biased(Network):
    """A layer with a bias; the twin has none, and an input that is always 1."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = self.layer(4 if twin else 3, not twin)
        self.last = nn.Linear(12, 2, bias=False)

    def layer(self, inputs: int, bias: bool) -> nn.Linear | nn.Conv2d:
        return nn.Linear(inputs, 12, bias=bias)

    def seen(self, x: Tensor) -> Tensor:
        return x[:, :3]

    def load(self, weights: Tensor) -> None:
        W, last = self.first.weight.data, self.last.weight.data
        rows = weights[: len(W) * 4].reshape(len(W), 4, *W.shape[2:])
        W.copy_(rows if self.twin else rows[:, :3])
        if self.first.bias is not None:
            self.first.bias.data.copy_(rows[:, 3].flatten())
        last.copy_(weights[rows.numel() : rows.numel() + last.numel()].reshape(last.shape))

    def read(self) -> dict[str, Tensor]:
        found = super().read()
        W = self.first.weight.detach()[:, :3]
        return {**found, "first.weight": W.to("cpu", torch.float64).flatten().clone()}

    def forward(self, x: Tensor) -> Tensor:
        x = self.seen(x)
        if self.twin:
            x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
        return self.last(self.first(x).flatten(1))


class BiasedPlaces(Biased):
    """A convolution with a bias; the twin has none, and an input channel that is always 1."""

    def layer(self, inputs: int, bias: bool) -> nn.Linear | nn.Conv2d:
        return nn.Conv2d(inputs, 3, 1, bias=bias)

    def seen(self, x: Tensor) -> Tensor:
        return x[:, :12].unflatten(1, (3, 2, 2))
