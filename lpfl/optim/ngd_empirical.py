"""Natural gradient with the empirical Fisher: second moment of the per-sample gradients."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg import unvec
from lpfl.linalg.spectral import psd_power
from lpfl.optim.core.hyper import Hyper, non_negative, positive
from lpfl.optim.core.invariances import ROTATIONS
from lpfl.optim.core.method import Memory, Method, require_rows
from lpfl.optim.core.whitening import damped
from lpfl.optim.drive import whole_model
from lpfl.problems.linear_representation import Batch, Weights


def sample_gradients(weights: Weights, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return U (R, n, k(d + m)) whose rows are (vec grad_G, vec grad_F) of the single samples.

    Sample i has grad_G = F'r x' and grad_F = r (G x)', r = F G x - y.
    """
    F, G = weights
    hidden = inputs @ G.mT
    residual = hidden @ F.mT - targets
    # column-stacking vec of u v' is v (x) u
    per_G = inputs.unsqueeze(-1) * (residual @ F).unsqueeze(-2)
    per_F = hidden.unsqueeze(-1) * residual.unsqueeze(-2)
    return torch.cat([per_G.flatten(-2), per_F.flatten(-2)], dim=-1)


def empirical_fisher_inverse(U: Tensor, *, damping: float = 0.0) -> Tensor:
    """Return ``(U'U/n + damping I)^{-1} U'1/n`` (R, p) for per-sample gradients U (R, n, p).

    damping 0 takes the pseudo-inverse, which is U^+ 1 here; eigenvalues of U'U below rounding
    count as zero, and gradients that vanish give direction zero. Solves the smaller of the p-by-p
    and the n-by-n system: (U'U/n + lam)^{-1} U' = U'(U U'/n + lam)^{-1}.
    Units: damping in those of the squared gradient.
    Raises: ValueError if damping < 0.
    Source: derived (push-through identity).
    """
    guards.number("damping", damping, least=0.0)
    n, p = U.shape[-2:]
    if n < p:
        ones = torch.full_like(U[..., :1], 1.0 / n)
        return (U.mT @ inverse_times(U @ U.mT / n, ones, damping)).squeeze(-1)
    return inverse_times(U.mT @ U / n, U.mean(-2).unsqueeze(-1), damping).squeeze(-1)


def inverse_times(S: Tensor, right: Tensor, damping: float) -> Tensor:
    """Return ``(S + damping I)^{-1} right``, the pseudo-inverse for damping 0."""
    if damping == 0.0:
        return psd_power(S, -1.0) @ right
    return torch.cholesky_solve(right, torch.linalg.cholesky(damped(S, damping)))


@dataclass(frozen=True, kw_only=True)
class NgdEmpirical(Hyper):
    """Natural gradient descent on both layers, empirical Fisher of the batch.

    damping 0 (pseudo-inverse) needs an eigendecomposition of size min(n, k(d + m)) per step;
    damping > 0 a Cholesky factor.
    Raises: ValueError in a step on a batch without rows.
    """

    name: ClassVar[str] = "ngd_empirical"

    step_size: float = positive(1e-4, "step size")
    damping: float = non_negative(0.0, "added to the Fisher matrix")

    def step(self, weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        F, G = weights
        U = sample_gradients(weights, *require_rows(batch, "ngd_empirical"))
        direction = empirical_fisher_inverse(U, damping=self.damping)
        dG, dF = direction.split([G.shape[-2] * G.shape[-1], F.shape[-2] * F.shape[-1]], dim=-1)
        F_next = F - self.step_size * unvec(dF, F.shape[-2])
        return Weights(F_next, G - self.step_size * unvec(dG, G.shape[-2])), memory

    def method(self) -> Method:
        """Return the method on a linear representation."""
        return Method(
            self.name,
            self.step,
            hyperparameters=self.hyperparameters(),
            needs_rows=True,
            invariances=ROTATIONS,
        )


ngd_empirical = whole_model(NgdEmpirical)
