"""Natural gradient with the true Fisher of N(F G x, I): the exact Gauss-Newton matrix."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lpfl.linalg import right_solve
from lpfl.optim.core.hyper import Hyper, choice, non_negative, positive
from lpfl.optim.core.invariances import EVERY, ROTATIONS
from lpfl.optim.core.method import (
    Memory,
    Method,
)
from lpfl.optim.core.whitening import damped
from lpfl.optim.drive import whole_model
from lpfl.optim.kfac import require_enough_rows, require_full_column_rank
from lpfl.problems.linear_representation import Batch, Weights, gradients

GAUGES = ("minimum_norm", "equivariant")


def gauss_newton_inverse(weights: Weights, batch: Batch, *, gauge: str = "minimum_norm") -> Weights:
    """Return the direction ``GN^- (grad_G, grad_F)`` for a generalised inverse of GN.

    GN is singular along the gauge (F A, -A G). In function space every solution is the same:
    F dG + dF G = Pi D + (I - Pi) D Sh G'(G Sh G')^{-1} G, with D = F G - Y'X (X'X)^{-1} and Pi
    the projector on the columns of F. gauge "minimum_norm" is the pseudo-inverse: it takes the
    solution orthogonal to the gauge, from the Sylvester equation A G G' + F'F A = dG G' - F'dF.
    "equivariant" leaves dG = F^+ D, which commutes with every change of input coordinates and
    every gauge; the pseudo-inverse does so to first order in the step size only.
    Shapes: F (R, m, k) of full column rank, G (R, k, d) of full row rank; cov_x positive definite.
    Raises: ValueError if F lacks full column rank; torch.linalg.LinAlgError if cov_x or G cov_x G'
    is singular.
    Source: derived (LR-02).
    """
    require_full_column_rank(weights.head)
    F, G = weights
    D = F @ G - right_solve(batch.cross, batch.cov_x)
    dG = torch.cholesky_solve(F.mT @ D, torch.linalg.cholesky(F.mT @ F))
    hidden = batch.cov_x @ G.mT
    dF = right_solve((D - F @ dG) @ hidden, G @ hidden)
    if gauge == "equivariant":
        return Weights(dF, dG)
    A = solve_sylvester(F.mT @ F, G @ G.mT, dG @ G.mT - F.mT @ dF)
    return Weights(dF + F @ A, dG - A @ G)


def solve_sylvester(P: Tensor, Q: Tensor, right: Tensor) -> Tensor:
    """Return A with ``P A + A Q = right``, for symmetric positive definite P, Q (..., k, k)."""
    p, U = torch.linalg.eigh(P)
    q, V = torch.linalg.eigh(Q)
    return U @ ((U.mT @ right @ V) / (p.unsqueeze(-1) + q.unsqueeze(-2))) @ V.mT


def damped_gauss_newton_inverse(weights: Weights, batch: Batch, *, damping: float) -> Weights:
    """Return the direction ``(GN + damping I)^{-1} (grad_G, grad_F)``, exactly.

    With F = U S V' the system splits into one of size d + k per singular value,
    K (Sh) K' + damping I with K = [s I; G], and one of size k for the m - k rows outside.
    Shapes as for :func:`gauss_newton_inverse`; any ranks. Units: damping in those of GN, which
    adds [x]^2 F^2 and [x]^2 G^2 as if they were alike.
    Source: derived (LR-02).
    """
    F, G = weights
    k, d = G.shape[-2:]
    slope = gradients(weights, batch)
    U, s, Vh = torch.linalg.svd(F, full_matrices=True)
    grad_rows = U.mT @ slope.head
    eye = torch.eye(d, dtype=G.dtype, device=G.device)
    lead = s.shape[:-1]
    K = torch.cat([s[..., None, None] * eye, G.unsqueeze(-3).expand(*lead, k, k, d)], dim=-2)
    system = damped(K @ batch.cov_x.unsqueeze(-3) @ K.mT, damping)
    right = torch.cat([Vh @ slope.representation, grad_rows[..., :k, :]], dim=-1)
    rows = torch.cholesky_solve(right.unsqueeze(-1), torch.linalg.cholesky(system)).squeeze(-1)
    outside = right_solve(grad_rows[..., k:, :], damped(G @ batch.cov_x @ G.mT, damping))
    dF = U @ torch.cat([rows[..., d:], outside], dim=-2)
    return Weights(dF, Vh.mT @ rows[..., :d])


@dataclass(frozen=True, kw_only=True)
class Ngd(Hyper):
    """Natural gradient descent on both layers, true Fisher.

    damping 0 takes the pseudo-inverse (or the equivariant inverse, see
    :func:`gauss_newton_inverse`); damping > 0 the damped inverse.
    Raises: ValueError in a step with n < d without damping, or F without full column rank.
    """

    name: ClassVar[str] = "ngd"

    step_size: float = positive(1e-2, "step size")
    damping: float = non_negative(0.0, "added to the Gauss-Newton matrix")
    gauge: str = choice("minimum_norm", "generalised inverse along the gauge", among=GAUGES)

    def check(self) -> None:
        if self.damping > 0.0 and self.gauge != "minimum_norm":
            raise ValueError(f"damping={self.damping}, needs 0 with gauge={self.gauge!r}")

    def step(self, weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        require_enough_rows(batch, self.damping)
        if self.damping > 0.0:
            direction = damped_gauss_newton_inverse(weights, batch, damping=self.damping)
        else:
            direction = gauss_newton_inverse(weights, batch, gauge=self.gauge)
        pairs = zip(weights, direction, strict=True)
        return Weights(*[W - self.step_size * delta for W, delta in pairs]), memory

    def method(self) -> Method:
        """Return the method on a linear representation."""
        return Method(
            self.name,
            self.step,
            hyperparameters=self.hyperparameters(),
            invariances=EVERY if self.gauge == "equivariant" else ROTATIONS,
        )


ngd = whole_model(Ngd)
