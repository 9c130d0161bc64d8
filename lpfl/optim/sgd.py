"""Stochastic gradient descent."""

from torch import Tensor

from lpfl.optim.invariances import ROTATIONS
from lpfl.optim.layerwise import layerwise, no_state
from lpfl.optim.method import Method, require_step_size


def sgd_step(W: Tensor, grad: Tensor, *, step_size: float) -> Tensor:
    """Return ``W - step_size grad``; any shape."""
    return W - step_size * grad


def sgd(*, step_size: float = 1e-2, head: str = "joint") -> Method:
    """SGD on head and representation."""
    require_step_size(step_size)

    def rule(W: Tensor, grad: Tensor, state: None) -> tuple[Tensor, None]:
        return sgd_step(W, grad, step_size=step_size), None

    return layerwise(
        "sgd",
        start=no_state,
        rule=rule,
        head=head,
        hyperparameters={"step_size": step_size},
        invariances=ROTATIONS,
    )
