"""LR-05: damping brings the input covariance back."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Claim
from theory.core.guards import Array, count, number, positive_definite
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import DERIVED, EXAMPLE, FULL_RANK_BATCH, RANKS
from theory.linear_representation.contraction.steps import kfac_step, pseudo_inverse
from theory.linear_representation.notation import (
    F,
    F_plus,
    F_star,
    G,
    G_next,
    G_star,
    N,
    P_perp,
    Sigma_hat,
    d,
    eta,
    lam,
    multiplier,
    nu_j,
)

_WHITENER = Sigma_hat + lam * sp.Identity(d)
LR_05 = Claim(
    id="LR-05",
    title="Damping breaks the independence of the input covariance",
    says=(
        "With damping the part of G outside the true subspace does not shrink by 1 − η alone. The "
        "term ηλ(G − F⁺F⋆G⋆)(Σ̂ + λI)⁻¹P⊥ adds to it, and the noise passes (Σ̂ + λI)⁻¹ in place "
        "of Σ̂⁻¹. Near the truth, with the least-squares head, the multipliers per step are 1 − "
        "ην. Here ν is an eigenvalue of Σ_s times the complement block of (Σ + λI)⁻¹, with Σ_s "
        "the Schur complement of Σ. Without damping ν is 1."
    ),
    source=DERIVED,
    parts={
        "complement": Part(
            Kind.IDENTITY,
            sp.Eq(
                G_next * P_perp,
                (1 - eta) * G * P_perp
                + (eta * lam) * (G - F_plus * F_star * G_star) * _WHITENER.inv() * P_perp
                + eta * F_plus * N * _WHITENER.inv() * P_perp,
                evaluate=False,
            ),
        ),
        "rate": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta * nu_j, evaluate=False)),
    },
    definitions={
        G_next: kfac_step(whitener=_WHITENER),
        F_plus: pseudo_inverse(F),
        P_perp: sp.Identity(d) - G_star.T * G_star,
    },
    assumptions=(*RANKS, FULL_RANK_BATCH),
    example={**EXAMPLE, "damping": 0.5},
    beyond_paper=True,
)


def input_damped_eigenvalues(cov_x: ArrayLike, *, rank: int, damping: float) -> Array:
    """Return the eigenvalues nu_j of Sigma_s [(Sigma + damping)^{-1}]_pp, ascending, (d - k,).

    cov_x (d, d) in coordinates where G* = [I_k 0]; [x]^2 like damping >= 0.
    Raises: ValueError on a covariance that is not positive definite or rank outside 1..d-1.
    Source: derived (LR-05).
    """
    Sigma = positive_definite("cov_x", cov_x)
    k = count("rank", rank)
    if k >= Sigma.shape[0]:
        raise ValueError(f"rank={k}, needs < input_dim={Sigma.shape[0]}")
    shifted = Sigma + number("damping", damping, low=0.0) * np.eye(Sigma.shape[0])
    root = np.linalg.cholesky(np.linalg.inv(shifted)[k:, k:])
    precision = np.linalg.inv(Sigma)[k:, k:]
    return np.asarray(np.linalg.eigvalsh(root.T @ np.linalg.solve(precision, root)))
