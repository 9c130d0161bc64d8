"""Networks in pairs: plain and twin compute one map of the same weights, in another way.

The source of a network is part of the program that shows a finding: it uses torch alone.
"""

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """A network (n, ...) -> (n, 2). order: in which the first axis of ``ordered`` is stored."""

    ordered = ""
    order = [0]  # noqa: RUF012

    def __init__(self, twin: bool = False) -> None:
        super().__init__()
        self.twin = twin

    def before(self, step: int) -> None:
        """Change the network before a step, counted from 0."""

    def load(self, weights: Tensor) -> None:
        """Set all weights from one long vector."""
        at = 0
        for name, value in self.state_dict().items():
            if value.is_floating_point() and "running" not in name:
                part = weights[at : at + value.numel()].reshape(value.shape)
                value.copy_(part[self.order] if name == self.ordered else part)
                at += value.numel()

    def read(self) -> dict[str, Tensor]:
        """Return a float64 copy of every weight, as one row each."""
        found = {}
        for name, value in self.state_dict().items():
            rows = value[self.order] if name == self.ordered else value
            found[name] = rows.detach().to("cpu", torch.float64).flatten().clone()
        return found


class Plain(Network):
    """Two linear layers."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x))


class Called(Network):
    """One layer called on both halves of the input; the twin makes the second call first."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x[:, :4], 3 * x[:, 4:]
        if self.twin:
            second = self.first(right)
            first = self.first(left)
        else:
            first = self.first(left)
            second = self.first(right)
        return self.last(first - 0.5 * second)


class Tied(Network):
    """Two layers with one weight, one for each half; in the twin they stand the other way round."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        one, two = nn.Linear(4, 3, bias=False), nn.Linear(4, 3, bias=False)
        two.weight = one.weight
        self.first = nn.ModuleList([two, one] if twin else [one, two])
        self.last = nn.Linear(3, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x[:, :4], 3 * x[:, 4:]
        one, two = self.first
        if self.twin:
            second = one(right)
            first = two(left)
        else:
            first = one(left)
            second = two(right)
        return self.last(first - 0.5 * second)


class CalledAlike(Network):
    """One layer called twice on one input; the twin calls it once and doubles the outcome."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.twin:
            return self.last(2 * self.first(x))
        return self.last(self.first(x) + self.first(x))


class TiedAlike(Network):
    """Two layers with one weight on one input; the twin has one layer, and doubles its outcome."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)
        if not twin:
            self.tied = nn.Linear(4, 3, bias=False)
            self.tied.weight = self.first.weight

    def load(self, weights: Tensor) -> None:
        self.first.weight.data.copy_(weights[:12].reshape(3, 4))
        self.last.weight.data.copy_(weights[12:18].reshape(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        if self.twin:
            return self.last(2 * self.first(x))
        return self.last(self.first(x) + self.tied(x))


class Fixed(nn.Module):
    """A linear map that has no parameter."""

    weight: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T


class FrozenFirst(Network):
    """The first of three layers is frozen; in the twin it is a map without a parameter."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = Fixed(4, 3) if twin else nn.Linear(4, 3, bias=False)
        self.middle = nn.Linear(3, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)
        self.first.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.first(x)))


class FrozenMiddle(Network):
    """The second of three layers is frozen; in the twin it is a map without a parameter."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.middle = Fixed(3, 3) if twin else nn.Linear(3, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)
        self.middle.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.first(x)))


class FrozenLater(Network):
    """The first layer is frozen before the third step."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)

    def before(self, step: int) -> None:
        if step == 2:
            self.first.weight.requires_grad_(False)
            self.first.weight.grad = None

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x))


class FrozenBias(Network):
    """The bias of the first layer is frozen, its weight is not."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3)
        self.last = nn.Linear(3, 2, bias=False)
        self.first.bias.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x))


class FrozenWeight(Network):
    """The weight of the first layer is frozen, its bias is not."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3)
        self.last = nn.Linear(3, 2, bias=False)
        self.first.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x))
