"""Eigenvalues of the local maps of joint methods, with multiplicity."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.exact.check import evaluate_float
from theory.core.formula import numeric
from theory.core.guards import (
    Array,
    count,
    eigenvalues,
    matrix,
    number,
    positive_definite,
)
from theory.linear_representation import joint
from theory.linear_representation.gauss_newton import LR_02


def gauss_newton_spectrum(*, head: ArrayLike, representation: ArrayLike, cov_x: ArrayLike) -> Array:
    """Return the eigenvalues of the Gauss-Newton matrix, ascending, (k(m+d),).

    Shapes: head (m, k), representation (k, d), cov_x (d, d). One minus step size times these is
    the local spectrum of joint gradient descent.
    Raises: ValueError on a wrong shape or a covariance that is not positive definite.
    Source: blocks of LR-02.
    """
    F = matrix("head", head, (None, None))
    G = matrix("representation", representation, (F.shape[1], None))
    cov = positive_definite("cov_x", cov_x, G.shape[1])
    sizes = {"m": F.shape[0], "k": F.shape[1], "d": G.shape[1]}
    values: dict[str, Array | float] = {"F": F, "G": G, "Sigmahat": cov}
    parts = LR_02.relations()
    upper, lower, cross = (
        evaluate_float(parts[name].args[1], values, sizes=sizes)
        for name in ("representation_block", "head_block", "cross_block")
    )
    return np.linalg.eigvalsh(np.block([[upper, cross], [cross.T, lower]]))


def gradient_descent_spectrum(
    *,
    step_size: float,
    head_eigenvalues: ArrayLike,
    input_dim: int,
    output_dim: int,
    balanced: bool,
) -> Array:
    """Return the local multipliers of joint gradient descent for Sigma = I, ascending.

    head_eigenvalues: lambda_i of F*'F*, (k,). balanced: head and representation share the singular
    values of F*G* (small initialisation); otherwise the representation has orthonormal rows.
    Raises: ValueError on a bad argument.
    Source: derived (LR-18).
    """
    lam = eigenvalues("head_eigenvalues", head_eigenvalues)
    sizes = _sizes(lam.size, input_dim, output_dim)
    spectrum = joint.GD_BALANCED if balanced else joint.GD_ORTHONORMAL
    eta = number("step_size", step_size, low=0.0)
    return _multiset(spectrum, sizes, step_size=eta, head=lam)


def kfac_spectrum(
    *,
    step_size: float,
    head_step_size: float,
    rank: int,
    input_dim: int,
    output_dim: int,
    in_turn: bool = False,
) -> Array:
    """Return the local multipliers of joint KFAC, ascending, (k(m+d),).

    in_turn: the second layer's step sees the new first one; the spectrum is that of either order.
    Raises: ValueError on a bad argument.
    Source: derived (LR-19).
    """
    spectrum = joint.KFAC_IN_TURN if in_turn else joint.KFAC_TOGETHER
    return _multiset(
        spectrum,
        _sizes(rank, input_dim, output_dim),
        step_size=number("step_size", step_size, low=0.0),
        head_step_size=number("head_step_size", head_step_size, low=0.0),
    )


def natural_gradient_spectrum(
    *, step_size: float, rank: int, input_dim: int, output_dim: int
) -> Array:
    """Return the local multipliers of the true natural gradient, ascending, (k(m+d),).

    Raises: ValueError on a bad argument.
    Source: derived (LR-20).
    """
    sizes = _sizes(rank, input_dim, output_dim)
    return _multiset(joint.NATURAL, sizes, step_size=number("step_size", step_size, low=0.0))


def _sizes(rank: int, input_dim: int, output_dim: int) -> dict[str, int]:
    k = count("rank", rank)
    return {
        "rank": k,
        "input_dim": count("input_dim", input_dim, low=k),
        "output_dim": count("output_dim", output_dim, low=k),
    }


def _multiset(
    spectrum: joint.Spectrum,
    sizes: dict[str, int],
    *,
    head: Array | None = None,
    **steps: float,
) -> Array:
    pieces = []
    for value, multiplicity in spectrum.values():
        repeats = round(float(numeric(multiplicity)(**sizes)))
        pieces.append(np.repeat(_values(value, head, steps), repeats))
    return np.sort(np.concatenate(pieces))


def _values(value: sp.Expr, head: Array | None, steps: dict[str, float]) -> Array:
    names = {symbol.name for symbol in value.free_symbols}
    facts: dict[str, Array | float] = dict(steps)
    if head is not None:
        facts["head_eigenvalue"] = head
        facts["head_eigenvalue_2"] = head
        if "lambda_j" in names:
            facts["head_eigenvalue"] = head[:, None]
    return np.ravel(np.asarray(numeric(value)(**facts), dtype=np.float64))
