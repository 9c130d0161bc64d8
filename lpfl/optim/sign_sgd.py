"""SignSGD, with optional momentum (Signum)."""

import torch
from torch import Tensor

from lpfl.optim.invariances import SIGNED_PERMUTATIONS
from lpfl.optim.layerwise import layerwise
from lpfl.optim.method import Method, require_decay, require_step_size


def sign_sgd_step(
    W: Tensor, grad: Tensor, average: Tensor, *, step_size: float, momentum: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return weights and gradient average after one step; any shape, the average starts at zero.

    a+ = momentum a + (1 - momentum) grad; W+ = W - step_size sign(a+), sign(0) = 0.
    Units: step_size in those of W.
    Source: Bernstein et al. 2018, algorithms 1 and 2.
    """
    average = momentum * average + (1.0 - momentum) * grad
    return W - step_size * average.sign(), average


def sign_sgd(*, step_size: float = 1e-3, momentum: float = 0.0, head: str = "joint") -> Method:
    """SignSGD on head and representation."""
    require_step_size(step_size)
    require_decay("momentum", momentum)

    def rule(W: Tensor, grad: Tensor, average: Tensor) -> tuple[Tensor, Tensor]:
        return sign_sgd_step(W, grad, average, step_size=step_size, momentum=momentum)

    return layerwise(
        "sign_sgd",
        start=torch.zeros_like,
        rule=rule,
        head=head,
        hyperparameters={"step_size": step_size, "momentum": momentum},
        invariances=SIGNED_PERMUTATIONS,
    )
