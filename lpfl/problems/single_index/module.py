"""One replicate of the two-layer network as a ``torch.nn.Module``, for ordinary optimizers."""

import torch
from torch import Tensor, nn

from lpfl.problems.links import activation_named
from lpfl.problems.single_index.network import TwoLayerNetwork


class SingleIndexModule(nn.Module):
    """``f(x) = scale * second(act(first(x)))`` with two linear layers without biases.

    Parameters: ``first.weight`` (N, d) and ``second.weight`` (1, N), copies of one replicate.
    """

    def __init__(self, network: TwoLayerNetwork, *, replicate: int = 0) -> None:
        super().__init__()
        count = network.first_layer.shape[0]
        if not 0 <= replicate < count:
            raise ValueError(f"replicate={replicate}, needs 0 <= replicate < {count}")
        self.first = _linear(network.first_layer[replicate])
        self.second = _linear(network.second_layer[replicate][None, :])
        self.scale = network.output_scale
        self.activation = activation_named(network.activation)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs (n,) for inputs (n, d)."""
        return self.scale * self.second(self.activation.value(self.first(inputs)))[:, 0]

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return ``(1/2n) sum_i (f(x_i) - y_i)^2``."""
        return (self(inputs) - targets).square().mean() / 2


def _linear(weight: Tensor) -> nn.Linear:
    rows, columns = weight.shape
    layer = nn.Linear(columns, rows, bias=False, dtype=weight.dtype, device="meta")
    layer.weight = nn.Parameter(torch.clone(weight.detach()))
    return layer
