"""LR-22: Adam, dominated by noise, and its mean linear operator for any H and Sigma."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Claim
from theory.core.guards import Array, count, number, positive_definite
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED
from theory.linear_representation.noise_floors.noise_dominated import (
    NOISE_DOMINATED,
    NOISE_DOMINATED_EXAMPLE,
)
from theory.linear_representation.notation import (
    Gamma_aa,
    Gamma_ab,
    eta,
    floor_ij,
    lam_i,
    lost_ab,
    mu_j,
    multiplier,
    n,
    sigma,
)

LR_22 = Claim(
    id="LR-22",
    title="Adam removes only the diagonal",
    says=(
        "Dominated by noise, Adam divides each entry of the gradient by the root of its own noise "
        "variance. A deviation of entry b of the representation lowers entry a by "
        "η√n Γ_ab/(σ√Γ_aa) per step, where Γ is the Gauss-Newton matrix: its diagonal is removed, "
        "its correlations stay. For diagonal H and Σ each entry sees 1 − η√(nλ_iμ_j)/σ, and its "
        "floor is ησ/(2√(nλ_iμ_j)): of order ησ/√n against σ²/n of KFAC."
    ),
    source=DERIVED,
    parts={
        "rate": Part(
            Kind.LIMIT,
            sp.Eq(multiplier, 1 - eta * sp.sqrt(n * lam_i * mu_j) / sigma, evaluate=False),
        ),
        "floor": Part(
            Kind.LIMIT,
            sp.Eq(floor_ij, eta * sigma / (2 * sp.sqrt(n * lam_i * mu_j)), evaluate=False),
        ),
        "operator": Part(
            Kind.LIMIT,
            sp.Eq(lost_ab, eta * sp.sqrt(n) * Gamma_ab / (sigma * sp.sqrt(Gamma_aa)),
                  evaluate=False),
        ),
    },
    assumptions=NOISE_DOMINATED,
    example=NOISE_DOMINATED_EXAMPLE,
    beyond_paper=True,
)  # fmt: skip


def adam_operator(*, head_gram: ArrayLike, cov_x: ArrayLike, noise_std: float, n: int) -> Array:
    """Return sqrt(n)/sigma diag(GN)^{-1/2} GN with GN = cov_x (x) head_gram, (k d, k d).

    It acts on the column-stacked deviation of the representation, head kept at F*: the mean step
    is minus step size times the operator. Shapes: head_gram (k, k), cov_x (d, d).
    Raises: ValueError on a matrix that is not positive definite, noise_std <= 0 or n < 1.
    Source: derived (LR-22): the gradient noise has covariance sigma^2/n GN, Adam divides by its
    standard deviation entry by entry.
    """
    H = positive_definite("head_gram", head_gram)
    newton = np.kron(positive_definite("cov_x", cov_x), H)
    operator: Array = LR_22["operator"].number(
        step_size=1.0,
        noise_std=number("noise_std", noise_std, low=0.0, open_low=True),
        batch_size=count("n", n),
        gauss_newton_entry=newton,
        gauss_newton_diagonal=np.diagonal(newton)[:, None],
    )
    return operator
