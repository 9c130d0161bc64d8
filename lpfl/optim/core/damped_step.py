"""Three ways to damp a layer that has two factors."""

import torch
from torch import Tensor

from lpfl.optim.core.whitening import damped, foof_step

DAMPING_KINDS = ("factor", "kronecker", "pi")


def kronecker_step(
    W: Tensor, grad: Tensor, P: Tensor | None, Q: Tensor, *, step_size: float, damping: float
) -> Tensor:
    """Return ``W - step_size D`` with ``P D Q + damping D = grad``; P None stands for I.

    Shapes: W, grad (..., a, b); P (..., a, a), Q (..., b, b), symmetric, positive semi-definite.
    Units: damping in those of P times those of Q.
    """
    if P is None:
        return foof_step(W, grad, Q, step_size=step_size, damping=damping)
    p, U = torch.linalg.eigh(P)
    q, V = torch.linalg.eigh(Q)
    inner = (U.mT @ grad @ V) / (p.unsqueeze(-1) * q.unsqueeze(-2) + damping)
    return W - step_size * (U @ inner @ V.mT)


def pi_split(P: Tensor | None, Q: Tensor, rows: int, *, damping: float) -> tuple[Tensor, Tensor]:
    """Return ``P + sqrt(damping)/pi I`` and ``Q + pi sqrt(damping) I``; P None stands for I.

    pi^2 is the mean eigenvalue of Q over that of P. Shapes: P (..., rows, rows), Q (..., b, b).
    Source: Martens & Grosse 2015, section 6.3, with the trace norm.
    """
    eye = torch.eye(rows, dtype=Q.dtype, device=Q.device).expand(*Q.shape[:-2], rows, rows)
    P = eye if P is None else P
    pi = (_mean_eigenvalue(Q) / _mean_eigenvalue(P)).sqrt()
    return P + damping**0.5 / pi * eye, Q + pi * damped(torch.zeros_like(Q), damping**0.5)


def _mean_eigenvalue(S: Tensor) -> Tensor:
    return torch.diagonal(S, dim1=-2, dim2=-1).mean(-1)[..., None, None]
