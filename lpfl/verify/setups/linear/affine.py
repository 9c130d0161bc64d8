"""Two layers with biases: the Jacobian of one step by automatic differentiation."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.affine import affine_step
from lpfl.optim.kfac import Kfac
from lpfl.problems.linear_representation import Batch, Weights, flatten
from lpfl.verify.trial import as_numpy


def weights_jacobian(
    rule: Kfac, weights: Weights, batch: Batch, bias_factor: str, *, head_rule: Kfac | None = None
) -> NDArray[np.float64]:
    """Return the Jacobian of one step of one replicate: of [G b] and [F c], or with F c fixed."""
    rows = weights.representation[0].numel()

    def step(flat: Tensor) -> Tensor:
        start = weights_of(flat, weights)
        after = affine_step(rule, start, batch, head_rule=head_rule, bias_factor=bias_factor)
        return flatten(after)[0]

    full = torch.autograd.functional.jacobian(step, flatten(weights)[0], vectorize=True)
    return as_numpy(full[:rows, :rows] if head_rule is None else full)


def weights_of(flat: Tensor, like: Weights) -> Weights:
    """Undo ``flatten`` for one replicate."""
    rows = like.representation[0].numel()
    G = linalg.unvec(flat[:rows], like.representation.shape[-2]).unsqueeze(0)
    return Weights(linalg.unvec(flat[rows:], like.head.shape[-2]).unsqueeze(0), G)
