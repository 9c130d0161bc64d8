"""The two-layer network of single-index learning, its loss and closed-form gradients.

``f(x) = N^{-1/2} f^T act(G x)`` with N hidden neurons, G (R, N, d) and f (R, N); the unnormalised
network drops the ``N^{-1/2}``. Loss of a batch: ``(1/2n) sum_i (f(x_i) - y_i)^2``.
"""

from dataclasses import dataclass, replace
from math import sqrt

import torch
from torch import Tensor

from lpfl.problems.links import Activation, activation_named


@dataclass(frozen=True)
class TwoLayerNetwork:
    """A two-layer network without biases, R replicates.

    Shapes: first_layer G (R, N, d), second_layer f (R, N).
    Raises: ValueError on shapes that do not fit or an unknown activation name.
    """

    first_layer: Tensor
    second_layer: Tensor
    activation: str | Activation = "tanh"
    normalised: bool = True

    def __post_init__(self) -> None:
        activation_named(self.activation)
        G, f = self.first_layer, self.second_layer
        if G.ndim != 3 or f.shape != G.shape[:2]:
            raise ValueError(
                f"first_layer has shape {tuple(G.shape)} and second_layer {tuple(f.shape)}, "
                "needs (R, N, d) and (R, N)"
            )

    @property
    def width(self) -> int:
        return self.first_layer.shape[1]

    @property
    def output_scale(self) -> float:
        """``N^{-1/2}``, or 1 for the unnormalised network."""
        return 1 / sqrt(self.width) if self.normalised else 1.0

    def with_first_layer(self, first_layer: Tensor) -> "TwoLayerNetwork":
        """Return the same network with another G."""
        return replace(self, first_layer=first_layer)


def initialise(
    *,
    replicates: int,
    dim: int,
    width: int,
    generator: torch.Generator,
    activation: str | Activation = "tanh",
    normalised: bool = True,
    dtype: torch.dtype = torch.float64,
) -> TwoLayerNetwork:
    """Draw ``f ~ N(0, I/N)`` and the entries of G from N(0, 1/d).

    Raises: ValueError if replicates, dim or width is below 1.
    """
    for name, value in (("replicates", replicates), ("dim", dim), ("width", width)):
        if value < 1:
            raise ValueError(f"{name}={value}, needs >= 1")
    device = generator.device
    f = torch.randn((replicates, width), generator=generator, dtype=dtype, device=device)
    G = torch.randn((replicates, width, dim), generator=generator, dtype=dtype, device=device)
    return TwoLayerNetwork(G / sqrt(dim), f / sqrt(width), activation, normalised)


def features(network: TwoLayerNetwork, inputs: Tensor) -> Tensor:
    """Return ``act(X G^T)`` (R, n, N) for inputs (R, n, d)."""
    return activation_named(network.activation).value(inputs @ network.first_layer.mT)


def forward(network: TwoLayerNetwork, inputs: Tensor) -> Tensor:
    """Return the outputs (R, n) for inputs (R, n, d)."""
    phi = features(network, inputs)
    return network.output_scale * torch.einsum("rnk,rk->rn", phi, network.second_layer)


def loss(network: TwoLayerNetwork, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return ``(1/2n) sum_i (f(x_i) - y_i)^2`` (R,)."""
    return (forward(network, inputs) - targets).square().mean(-1) / 2


def first_layer_gradient(network: TwoLayerNetwork, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the loss in G (R, N, d), residual ``f(x) - y`` included.

    Units: [y]^2 per unit of G.
    Source: chain rule.
    """
    act = activation_named(network.activation)
    H = inputs @ network.first_layer.mT
    outputs = network.output_scale * torch.einsum("rnk,rk->rn", act.value(H), network.second_layer)
    back = act.slope(H) * ((outputs - targets) / targets.shape[-1])[:, :, None]
    return _through_second_layer(network, back).mT @ inputs


def batch_norm_first_layer_gradient(
    network: TwoLayerNetwork, inputs: Tensor, targets: Tensor
) -> Tensor:
    """Return the gradient in G (R, N, d) with batch-normalised pre-activations.

    The network is ``N^{-1/2} f^T act(h^)``, ``h^`` the pre-activations G x minus their mean over
    the batch and over their standard deviation (no shift, no gain, no epsilon).
    Raises: ValueError for a batch of one row or a constant pre-activation.
    Source: chain rule: the backward signal loses its components along 1 and h^.
    """
    n = targets.shape[-1]
    if n < 2:
        raise ValueError(f"n={n}, needs >= 2 for a batch normalisation")
    act = activation_named(network.activation)
    H = inputs @ network.first_layer.mT
    H = H - H.mean(1, keepdim=True)
    spread = H.square().mean(1, keepdim=True).sqrt()
    if not bool((spread > 0).all()):
        raise ValueError(f"pre-activation has spread {float(spread.min())}, needs > 0")
    H = H / spread
    outputs = network.output_scale * torch.einsum("rnk,rk->rn", act.value(H), network.second_layer)
    back = act.slope(H) * ((outputs - targets) / n)[:, :, None]
    back = _through_second_layer(network, back)
    back = back - back.mean(1, keepdim=True) - H * (back * H).mean(1, keepdim=True)
    return (back / spread).mT @ inputs


def _through_second_layer(network: TwoLayerNetwork, back: Tensor) -> Tensor:
    return back * (network.output_scale * network.second_layer)[:, None, :]
