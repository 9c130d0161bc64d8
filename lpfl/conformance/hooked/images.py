"""Convolutions in pairs: stride, padding and groups beside the same map computed otherwise."""

import torch
from torch import Tensor, nn

from lpfl.conformance.hooked.networks import Network


class Padded(Network):
    """A convolution with padding and stride; the twin's image is padded beforehand."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv2d(2, 3, 3, stride=2, padding=0 if twin else 1, bias=False)
        self.last = nn.Linear(12, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (2, 4, 4))
        if self.twin:
            x = torch.nn.functional.pad(x, (1, 1, 1, 1))
        return self.last(self.first(x).flatten(1))


class SamePadded(Network):
    """A convolution padded to the same size by name; in the twin by the number of pixels."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv2d(2, 3, 3, padding=1 if twin else "same", bias=False)
        self.last = nn.Linear(48, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.unflatten(1, (2, 4, 4))).flatten(1))


class Strided(Network):
    """A convolution whose stride is its kernel; in the twin every patch is one pixel."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv2d(8, 3, 1, bias=False) if twin else self.convolution()
        self.last = nn.Linear(12, 2, bias=False)

    def convolution(self) -> nn.Conv2d:
        return nn.Conv2d(2, 3, 2, stride=2, bias=False)

    def pixels(self, x: Tensor) -> Tensor:
        return torch.nn.functional.pixel_unshuffle(x, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (2, 4, 4))
        return self.last(self.first(self.pixels(x) if self.twin else x).flatten(1))


class Dilated(Strided):
    """A convolution with dilation; in the twin every patch is one pixel."""

    def convolution(self) -> nn.Conv2d:
        return nn.Conv2d(2, 3, 2, dilation=2, bias=False)

    def pixels(self, x: Tensor) -> Tensor:
        return torch.nn.functional.unfold(x, 2, dilation=2).unflatten(2, (2, 2))


class Grouped(Network):
    """A convolution of two groups of channels; in the twin the groups stand the other way round."""

    ordered = "first.weight"

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv2d(4, 4, 2, groups=2, bias=False)
        self.last = nn.Linear(4, 2, bias=False)
        self.order = [2, 3, 0, 1] if twin else [0, 1, 2, 3]

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (4, 2, 4)) * torch.tensor([1.0, 1.0, 3.0, 3.0]).to(x)[:, None, None]
        return self.last(self.first(x[:, self.order])[:, self.order].sum((2, 3)))
