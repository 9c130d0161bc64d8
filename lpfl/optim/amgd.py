"""Alternating minimisation-descent: least-squares head, gradient step on the representation."""

from torch import Tensor

from lpfl.linalg import orthonormal_rows
from lpfl.optim.invariances import INPUT_ROTATIONS
from lpfl.optim.method import Memory, Method, require_step_size
from lpfl.optim.sgd import sgd_step
from lpfl.problems.linear_representation import Batch, Weights, gradients, least_squares_head


def amgd_step(G: Tensor, batch: Batch, *, step_size: float) -> Weights:
    """Return head and representation after one step from orthonormal rows G (R, k, d).

    F = F_ls(G); G+ = G - step_size grad_G; the rows of G+ are orthonormalised.
    Units: step_size in 1/([x]^2 [y]^2).
    Source: Collins et al. 2021; Nayer and Vaswani 2022.
    """
    F = least_squares_head(G, batch)
    grad_G = gradients(Weights(F, G), batch).representation
    return Weights(F, orthonormal_rows(sgd_step(G, grad_G, step_size=step_size)))


def amgd(*, step_size: float = 1e-2) -> Method:
    """Alternating minimisation-descent."""
    require_step_size(step_size)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        return amgd_step(weights.representation, batch, step_size=step_size), memory

    return Method(
        "amgd",
        step,
        hyperparameters={"step_size": step_size},
        orthonormal=True,
        invariances=INPUT_ROTATIONS,
    )
