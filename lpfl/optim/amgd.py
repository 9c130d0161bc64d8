"""Alternating minimisation-descent: least-squares head, gradient step on the representation."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lpfl.linalg import orthonormal_rows
from lpfl.optim.core.hyper import Hyper, positive
from lpfl.optim.core.invariances import INPUT_ROTATIONS
from lpfl.optim.core.method import Memory, Method
from lpfl.optim.drive import whole_model
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


@dataclass(frozen=True, kw_only=True)
class Amgd(Hyper):
    """Alternating minimisation-descent: least-squares head, gradient step, orthonormal rows."""

    name: ClassVar[str] = "amgd"

    step_size: float = positive(1e-2, "step size")

    def step(self, weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        return amgd_step(weights.representation, batch, step_size=self.step_size), memory

    def method(self) -> Method:
        """Return the method on a linear representation."""
        return Method(
            self.name,
            self.step,
            hyperparameters=self.hyperparameters(),
            orthonormal=True,
            invariances=INPUT_ROTATIONS,
        )


amgd = whole_model(Amgd)
