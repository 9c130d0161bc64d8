"""A step of KFAC whose output factor is made of the residuals of another batch (LR-33)."""

from torch import Tensor

from lpfl.optim.core.output_factor import output_factor
from lpfl.optim.kfac import kfac_step
from lpfl.problems import linear_representation as model


def step_on_other_residuals(
    weights: model.Weights, batch: model.Batch, other: model.Batch, *, step_size: float
) -> Tensor:
    """Return G (R, k, d) after a step on ``batch``, its output factor from ``other``.

    Both batches refit the head before they are used: one for its gradient, one for its residuals.
    """
    G = weights.representation
    heads = [model.least_squares_head(G, one) for one in (batch, other)]
    _, grad_G = model.gradients(model.Weights(heads[0], G), batch)
    left = output_factor("empirical", "representation", model.Weights(heads[1], G), other)
    return kfac_step(G, None, grad_G, batch.cov_x, step_size=step_size, left=left)
