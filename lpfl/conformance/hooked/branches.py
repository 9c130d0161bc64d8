"""Networks in pairs: with a layer that is not called in every step, and without it."""

import torch
from torch import Tensor, nn

from lpfl.conformance.hooked.networks import Network


class Unused(Network):
    """A third layer that is never called; the twin does not have it."""

    calls: tuple[int, ...] = ()

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)
        if self.calls or not twin:
            self.spare = nn.Linear(3, 3, bias=False)
        self.called = False

    def before(self, step: int) -> None:
        self.called = step in self.calls

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.last(x + self.spare(x) if self.called else x)


class Dropped(Unused):
    """A branch that is called in the first of four steps only."""

    calls = (0,)


class Added(Unused):
    """A branch that is called from the third of four steps on."""

    calls = (2, 3)


class Ignored(Added):
    """A branch that is called in every step, and added from the third of four on."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        seen = self.spare(x)
        return self.last(x + seen if self.called else x)


class NoRows(Ignored):
    """A branch that gets no rows in two of four steps, in which the twin does not call it."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.called:
            return self.last(x + self.spare(x))
        return self.last(x if self.twin else torch.cat([x, self.spare(x[:0])]))
