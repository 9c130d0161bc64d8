"""SGD with heavy-ball or Nesterov momentum."""

import torch
from torch import Tensor

from lpfl.optim.invariances import ROTATIONS
from lpfl.optim.layerwise import layerwise
from lpfl.optim.method import Method, require_decay, require_step_size


def sgd_momentum_step(
    W: Tensor,
    grad: Tensor,
    velocity: Tensor,
    *,
    step_size: float,
    momentum: float,
    nesterov: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return weights and velocity after one step; any shape, velocity starts at zero.

    v+ = momentum v + grad; W+ = W - step_size v+, or W - step_size (grad + momentum v+).
    Units: v in those of the gradient; step_size as for SGD.
    Source: Sutskever et al. 2013, in the form in which the step size stands outside v.
    """
    velocity = momentum * velocity + grad
    direction = grad + momentum * velocity if nesterov else velocity
    return W - step_size * direction, velocity


def sgd_momentum(
    *, step_size: float = 1e-2, momentum: float = 0.9, nesterov: bool = False, head: str = "joint"
) -> Method:
    """SGD with momentum on head and representation.

    Raises: ValueError unless step_size > 0, 0 <= momentum < 1, and momentum > 0 for Nesterov.
    """
    require_step_size(step_size)
    require_decay("momentum", momentum)
    if nesterov and momentum == 0.0:
        raise ValueError(f"momentum={momentum}, needs > 0 with nesterov")

    def rule(W: Tensor, grad: Tensor, velocity: Tensor) -> tuple[Tensor, Tensor]:
        return sgd_momentum_step(
            W, grad, velocity, step_size=step_size, momentum=momentum, nesterov=nesterov
        )

    hyperparameters = {"step_size": step_size, "momentum": momentum, "nesterov": nesterov}
    return layerwise(
        "sgd_momentum",
        start=torch.zeros_like,
        rule=rule,
        head=head,
        hyperparameters=hyperparameters,
        invariances=ROTATIONS,
    )
