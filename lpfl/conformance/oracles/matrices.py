"""Matrix functions of the references: powers of statistics, polar factors, unfoldings."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.remembered import remembered

WIDE = "sides above the largest"
"""Axis about weights of which one side is above the option "largest"."""
OTHERS = "the other sides stay without"
Polynomials = Sequence[tuple[float, float, float]]
QUINTIC = (3.4445, -4.7750, 2.0315)
CUBIC = (1.5, -0.5, 0.0)
CONVERGENT = (1.875, -1.25, 0.375)
"""Taylor's quintic, which tends to the polar factor and stays there."""
POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)
POLAR_EXPRESS_2 = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
"""With the safety of 2 % that the modded speed runs use."""


def shrunk(polynomials: Polynomials, safety: float) -> Polynomials:
    """Return odd polynomials of the argument over the safety factor."""
    return tuple((a / safety, b / safety**3, c / safety**5) for a, b, c in polynomials)


MODDED = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)


def unfold(g: Tensor, axis: int) -> Tensor:
    """Return the matrix (size of axis, everything else)."""
    return g.movedim(axis, 0).reshape(g.shape[axis], -1)


def multiply(g: Tensor, matrix: Tensor, axis: int) -> Tensor:
    """Return g with ``matrix`` applied to one axis."""
    return torch.tensordot(matrix, g, dims=([1], [axis])).movedim(0, axis)


def left_out(shape: Sequence[int], o: Any, c: Mapping[str, str]) -> set[int]:
    """Return the axes that get no preconditioner of their own: by default those above a limit."""
    largest = getattr(o, "largest", 0)
    wide = {axis for axis, n in enumerate(shape) if 0 < largest < n}
    others = wide and c.get(WIDE) == OTHERS
    return set(range(len(shape))) - wide if others else wide


@remembered
def power(S: Tensor, exponent: float, damping: float = 0.0, kind: str = "added") -> Tensor:
    """Return (S + damping I)^exponent of a symmetric positive semi-definite matrix.

    ``kind``: "added", "times largest" (damping in units of the largest eigenvalue) or "clamp".
    Not a number where S is not finite: a reading that ends so fits nothing.
    """
    if not bool(S.isfinite().all()):
        return torch.full_like(S, torch.nan)
    values, vectors = torch.linalg.eigh((S + S.T) / 2)
    values = values.clamp(min=0)
    if kind == "clamp":
        values = values.clamp(min=damping)
    else:
        values = values + damping * (float(values[-1]) if kind == "times largest" else 1.0)
    return (vectors * values.pow(exponent)) @ vectors.T


@remembered
def polar(M: Tensor) -> Tensor:
    """Return U V' of the singular value decomposition of M; null directions stay zero."""
    U, s, Vh = torch.linalg.svd(M, full_matrices=False)
    small = s <= s.max() * max(M.shape) * torch.finfo(M.dtype).eps
    return (U * (~small).to(M.dtype)) @ Vh


@remembered
def newton_schulz(
    M: Tensor,
    coefficients: Sequence[Sequence[float]],
    *,
    eps: float = 1e-7,
    add: bool = False,
    safety: float = 1.0,
    order: str = "",
) -> Tensor:
    """Return X after X <- a X + (b S + c S S) X, S = X X', from M over its Frobenius norm.

    ``add``: epsilon is added to the norm; otherwise it is the least norm divided by. ``safety``:
    factor on the norm.
    ``order`` of the arithmetic, which shows in bfloat16: "fused" rounds products and sums once
    together, "composed" forms the matrix a I + (b I + c S) S first.
    """
    X = M if M.shape[0] <= M.shape[1] else M.T
    size = safety * X.norm()
    X = X / (size + eps if add else size.clamp(min=eps))
    for a, b, c in coefficients:
        S = X @ X.T
        if order == "composed":
            eye = torch.eye(len(S), dtype=S.dtype)
            X = ((c * S + b * eye) @ S + a * eye) @ X
        elif order == "fused":
            X = torch.addmm(X, torch.addmm(S, S, S, beta=b, alpha=c), X, beta=a)
        else:
            X = a * X + (b * S + c * S @ S) @ X
    return X if M.shape[0] <= M.shape[1] else X.T
