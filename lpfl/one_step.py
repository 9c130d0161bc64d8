"""One step on the first layer of a two-layer network: the step that learns the feature."""

from math import isfinite, sqrt

from torch import Tensor

from lpfl.linalg import require_finite
from lpfl.precondition import Preconditioner, sgd
from lpfl.problems.single_index.network import (
    TwoLayerNetwork,
    batch_norm_first_layer_gradient,
    first_layer_gradient,
)


def scaled_gradient(
    network: TwoLayerNetwork, inputs: Tensor, targets: Tensor, *, batch_norm: bool = False
) -> Tensor:
    """Return ``sqrt(N) grad_G`` (R, N, d), or ``grad_G`` for the unnormalised network.

    In both cases minus this matrix is ``c_act f beta^T`` plus a remainder that is small in
    operator norm.
    """
    gradient = batch_norm_first_layer_gradient if batch_norm else first_layer_gradient
    scale = sqrt(network.width) if network.normalised else 1.0
    return scale * gradient(network, inputs, targets)


def one_step(
    network: TwoLayerNetwork,
    inputs: Tensor,
    targets: Tensor,
    *,
    step_size: float,
    precondition: Preconditioner = sgd,
    batch_norm: bool = False,
) -> TwoLayerNetwork:
    """Return the network with ``G+ = G - step_size * precondition(sqrt(N) grad_G, X)``.

    Shapes: inputs (R, n, d), targets (R, n). ``precondition`` is a function of
    ``lpfl.precondition`` with its parameters bound, such as ``partial(kfac, damping=0.1)``.
    Raises: ValueError if step_size, or an entry of the new first layer, is not finite.
    """
    if not isfinite(step_size):
        raise ValueError(f"step_size={step_size}, needs to be finite")
    gradient = scaled_gradient(network, inputs, targets, batch_norm=batch_norm)
    G = network.first_layer - step_size * precondition(gradient, inputs)
    require_finite("first layer after the step", G)
    return network.with_first_layer(G)
