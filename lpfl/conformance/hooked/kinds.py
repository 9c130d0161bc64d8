"""One small network for each kind of layer that a model may have."""

import torch
from torch import Tensor, nn

from lpfl.conformance.hooked.networks import Network


class Biased(Network):
    """a linear layer with a bias beside one without"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(6, 4)
        self.last = nn.Linear(4, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x))


class Sequence(Network):
    """a linear layer on every member of a sequence"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(2, 4, bias=False)
        self.last = nn.Linear(12, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.unflatten(1, (3, 2))).flatten(1))


class Dilated(Network):
    """a convolution with padding, stride and dilation"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv2d(1, 2, 2, stride=2, padding=1, dilation=2)
        self.last = nn.Linear(4, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.unflatten(1, (1, 2, 3))).flatten(1))


class Separable(Network):
    """a convolution of several groups"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv2d(2, 4, (1, 2), groups=2)
        self.last = nn.Linear(8, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.unflatten(1, (2, 1, 3))).flatten(1))


class Signal(Network):
    """a convolution of one dimension"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Conv1d(2, 3, 2)
        self.last = nn.Linear(6, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.unflatten(1, (2, 3))).flatten(1))


class Normed(Network):
    """a layer norm"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(6, 4, bias=False)
        self.middle = nn.LayerNorm(4)
        self.last = nn.Linear(4, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.first(x)))


class BatchNormed(Network):
    """a batch norm"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(6, 4, bias=False)
        self.middle = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.first(x)))


class Embedded(Network):
    """an embedding"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Embedding(5, 3)
        self.last = nn.Linear(6, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        words = (2 * x[:, :2]).round().clamp(-2, 2).to(torch.long) + 2
        return self.last(self.first(words).flatten(1))


class Attentive(Network):
    """an attention, whose outer projection is not called"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.MultiheadAttention(2, 1, batch_first=True)
        self.last = nn.Linear(6, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (3, 2))
        return self.last(self.first(x, x, x)[0].flatten(1))


class Transposed(Network):
    """a transposed convolution"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.ConvTranspose2d(2, 3, 2)
        self.last = nn.Linear(24, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.unflatten(1, (2, 1, 3))).flatten(1))


class Recurrent(Network):
    """a recurrent layer"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.GRU(2, 3, batch_first=True)
        self.last = nn.Linear(9, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.unflatten(1, (3, 2)))[0].flatten(1))


class Normalized(Network):
    """a linear layer whose weight is parametrized (weight_norm)"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.utils.parametrizations.weight_norm(nn.Linear(6, 4, bias=False))
        self.last = nn.Linear(4, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x))


class Keyworded(Network):
    """a linear layer that is called by keyword (input=)"""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(6, 4, bias=False)
        self.last = nn.Linear(4, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(input=x))


KINDS = (
    Biased, Sequence, Dilated, Separable, Signal, Normed, BatchNormed, Embedded, Attentive,
    Transposed, Recurrent, Normalized, Keyworded,
)  # fmt: skip
