"""Networks in pairs: forward passes in place, run again, without gradients, in bfloat16."""

import torch
from torch import Tensor, nn

from lpfl.conformance.hooked.networks import Network


class InPlace(Network):
    """An activation that writes over a layer's output; the twin's makes a new tensor."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 6)
        self.last = nn.Linear(6, 2)
        self.activation = nn.ReLU(inplace=not twin)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.activation(self.first(x)))


class Recomputed(Network):
    """Two layers whose forward pass is run again in the backward pass; in the twin it is not."""

    reentrant = False

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 4, bias=False)
        self.middle = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)

    def inner(self, x: Tensor) -> Tensor:
        return self.last(self.middle(x).tanh())

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.twin:
            return self.inner(x)
        run_again = torch.utils.checkpoint.checkpoint
        return run_again(self.inner, x, use_reentrant=self.reentrant)


class RecomputedReentrant(Recomputed):
    """Two layers that run again in a backward pass of their own; in the twin they do not."""

    reentrant = True


class LookedAt(Network):
    """Layers called without gradients in each forward pass first; in the twin they are not."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.last = nn.Linear(3, 2, bias=False)

    def look(self, x: Tensor) -> None:
        if not self.twin:
            with torch.no_grad():
                self.last(self.first(3 * x.flip(0)))

    def forward(self, x: Tensor) -> Tensor:
        self.look(x)
        return self.last(self.first(x))


class LookedAtLater(LookedAt):
    """Layers called without gradients after each forward pass; in the twin they are not."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.last(self.first(x))
        self.look(x)
        return y


class Mixed(Network):
    """Layers of float32 that run in bfloat16, by autocast; in the twin they run in float32."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2)

    def load(self, weights: Tensor) -> None:
        super().load(weights)
        self.float()

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=not self.twin):
            y = self.last(self.first(x.float()).tanh())
        return y.to(x.dtype)


class Copied(Network):
    """A model of which an average is begun before each step, and called; of the twin it is not."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2)

    def before(self, step: int) -> None:
        if not self.twin:
            self.call(torch.optim.swa_utils.AveragedModel(self))

    def call(self, average: nn.Module) -> None:
        with torch.no_grad():
            average.eval()(3 * torch.ones_like(self.first.weight))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x).tanh())


class CopiedToTrain(Copied):
    """A model of which a copy is called before each step, with slopes; of the twin it is not."""

    def call(self, average: nn.Module) -> None:
        average(3 * torch.ones_like(self.first.weight)).square().sum().backward()


class KeptInEval(Network):
    """A batch norm that is kept in eval mode; the twin has its map, which has no mode."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__(twin)
        self.first = nn.Linear(4, 3, bias=False)
        self.middle = nn.BatchNorm1d(3, affine=False)
        self.last = nn.Linear(3, 2, bias=False)

    def before(self, step: int) -> None:
        if step == 0:
            self.middle.eval()

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.last(x / (1 + self.middle.eps) ** 0.5 if self.twin else self.middle(x))
