"""One noiseless step of the tangent matrix, for any input covariance."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.exact.check import evaluate_float
from theory.core.guards import (
    Array,
    choice,
    finite_result,
    matrix,
    number,
    positive_definite,
)
from theory.linear_representation.contraction.angles import LR_07
from theory.linear_representation.notation import B, G_star, H, Sigma, T, eta, k

# AMGD with orthonormal rows G = R [I T]: (R'R)^{-1} = I + TT' rescales the step, and the
# least-squares head is F* K R^{-1} with K the regression of G* on U = [I T].
_ROWS = G_star + T * B
_REGRESSION = G_star * Sigma * _ROWS.T * (_ROWS * Sigma * _ROWS.T).inv()
_PULL = (sp.Identity(k) + T * T.T) * _REGRESSION.T * H * (_REGRESSION * _ROWS - G_star) * Sigma
AMGD_MAP = (sp.Identity(k) - eta * _PULL * G_star.T).inv() * (T - eta * _PULL * B.T)
METHODS = ("kfac", "amgd")


def tangent_step(
    method: str,
    T: ArrayLike,
    *,
    step_size: float,
    cov_x: ArrayLike | None = None,
    head_gram: ArrayLike | None = None,
) -> Array:
    """Return the tangent matrix after one noiseless step with the least-squares head.

    method: "kfac" or "amgd" (row-orthonormal representation before the step). Coordinates where
    G* = [I_k 0]. Shapes: T (k, d-k); cov_x (d, d), identity if None; head_gram = F*'F* (k, k),
    only for "amgd", identity if None. Units: cov_x in [x]^2, head_gram in [y]^2.
    Raises: ValueError on another method, a wrong shape, a covariance or Gram matrix that is not
    positive definite, step_size < 0, or a step that ends orthogonal to the truth.
    Source: derived (LR-07, LR-13).
    """
    choice("method", method, METHODS)
    tangents = matrix("T", T, (None, None))
    rank, complement = tangents.shape
    size = rank + complement
    sizes = {"d": size, "k": rank}
    frame = np.eye(size)
    values: dict[str, Array | float] = {
        "T": tangents,
        "eta": number("step_size", step_size, low=0.0),
        "G^*": frame[:rank],
        "B": frame[rank:],
        "Sigma": frame if cov_x is None else positive_definite("cov_x", cov_x, size),
        "H": np.eye(rank) if head_gram is None else positive_definite("head_gram", head_gram, rank),
    }
    try:
        if method == "kfac":
            result = LR_07["tangent"].matrix(values, sizes=sizes)
        else:
            result = evaluate_float(AMGD_MAP, values, sizes=sizes)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"step_size={step_size}: the step ends orthogonal to the truth, T has no next value"
        ) from None
    return finite_result("T+", result)
