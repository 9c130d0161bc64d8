"""Deep linear chains near a solution: the Jacobian of a step by automatic differentiation."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.chain import chain_step
from lpfl.optim.kfac import Kfac
from lpfl.problems.linear_representation import Batch
from lpfl.problems.linear_representation.chain import Layers
from lpfl.verify.trial import as_numpy, condition_of


def chain_jacobian(
    rules: Sequence[Kfac], layers: Layers, batch: Batch, *, order: str = "joint"
) -> NDArray[np.float64]:
    """Return the Jacobian of one step on all weights at ``layers`` of one replicate, (p, p)."""
    states = tuple(rule.start(W) for rule, W in zip(rules, layers, strict=True))

    def step(flat: Tensor) -> Tensor:
        after, _ = chain_step(rules, unflatten(flat, layers), states, batch, order=order)
        return flatten(after)

    jacobian = torch.autograd.functional.jacobian(step, flatten(layers), vectorize=True)
    return as_numpy(jacobian)


def flatten(layers: Layers) -> Tensor:
    """Return the columns of all layers of one replicate as one vector."""
    return torch.cat([linalg.vec(W[0]) for W in layers])


def unflatten(flat: Tensor, layers: Layers) -> Layers:
    """Undo :func:`flatten`, with the shapes of ``layers``."""
    pieces = flat.split([W[0].numel() for W in layers])
    return tuple(
        linalg.unvec(piece, W.shape[-2]).unsqueeze(0)
        for piece, W in zip(pieces, layers, strict=True)
    )


def squared_condition(layers: Layers, cov_x: Tensor) -> float:
    """Return the condition number of the covariance times those of all layers, squared."""
    return condition_of(cov_x, *layers) ** 2
