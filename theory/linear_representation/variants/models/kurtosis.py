"""LR-42: inputs that are not Gaussian."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from theory.core.claim import Assumption, Claim
from theory.core.formula import E
from theory.core.guards import count, eigenvalues, number, reals
from theory.core.notation import s_cov
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.core.spectrum import Spectrum
from theory.linear_representation.assumptions import (
    EXAMPLE,
    NO_DAMPING,
    RANKS,
    STEP_BELOW_TWO,
    STEP_POSITIVE,
)
from theory.linear_representation.noise_floors.floor_kfac import HEAD, SCHUR
from theory.linear_representation.notation import H, Sigma_s, d, eta, floor, k, n, q_batch, sigma
from theory.linear_representation.variants.factors.notation import v_rel
from theory.linear_representation.variants.models.notation import (
    c_inv,
    c_pp,
    g_kurt,
    kappa_w,
    q_square,
    spread_w,
)

INVERSE = n / (n - d - 1) + g_kurt / (n - d)
FLOOR = (
    eta
    / (2 - eta)
    * sigma**2
    / n
    * INVERSE
    * sp.Trace(sp.Inverse(H))
    * sp.Trace(sp.Inverse(Sigma_s))
)
SHARE = (d + 1) / n
TWO_SCALES = 2 / (1 - 2 * SHARE + sp.sqrt(1 - 4 * SHARE * (1 - SHARE) * spread_w**2))
NU = n - k - g_kurt * (1 - c_pp)
P = d - k
NU_SCALED = n - k * kappa_w
SPREAD = P + 1 + g_kurt * c_pp
SPREAD_SCALED = kappa_w * (P + 2) - 1


def _square(rows: sp.Expr, spread: sp.Expr) -> sp.Expr:
    """Mean square multiplier: rows that count, and what else their square has."""
    return 1 - 2 * eta * rows / n + eta**2 * rows * (rows + spread) / n**2


def _settled(rows: sp.Expr, spread: sp.Expr) -> sp.Expr:
    """The noise of a step, eta^2 rows/n^2, over 1 less the mean square multiplier."""
    return eta / (2 * n - eta * (rows + spread))


LR_42 = Claim(
    id="LR-42",
    title="Inputs that are not Gaussian",
    says=(
        "For x = Σ^{1/2}z with independent symmetric components of variance 1 and excess kurtosis "
        "g_4, the mean inverse of a batch's covariance is c_S Σ⁻¹ with c_S = n/(n − d − 1) + "
        "g_4/(n − d), up to terms of order d/n². The floor of KFAC is proportional to c_S. For "
        "rows x = √w Σ^{1/2}z with Gaussian z and E w = 1, c_S solves E(c_S w/(1 + (d + 1)c_S "
        "w/n)) = 1 up to the same order; the formula writes s_Σ for w. The next order grows with "
        "the spread of w: scales 0.1 and 1.9 are off by 4 % at d = 16, n = 48. With the "
        "population's covariance in place of the batch's, and Σ = I, a batch costs the mean "
        "multiplier of T k + g_4(1 − c_pp) of its n rows, where c_pp = Σ_j |b_j|⁴/(d − k) over "
        "the columns of B. The mean square of T has d − k + 1 + g_4 c_pp. For rows of random "
        "scale these are kκ_w of the n rows and κ_w(d − k + 2) − 1, with κ_w = E w², for every Σ. "
        "The noise floor that follows, in units of σ² tr(H⁻¹) tr(Σ_s⁻¹), grows with heavy tails: "
        "at rank 1 scales of 0.2 and 1.8 raise it by a third at d = 12, n = 40. All hold to first "
        "order in 1/n."
    ),
    source=Source.derived("the multiples of the inverse, the floors and the multipliers")
    + Source.other_work("Bai and Silverstein 2004: the mean of a linear spectral statistic"),
    parts={
        "mean_inverse": Part(Kind.LIMIT, sp.Eq(c_inv, INVERSE, evaluate=False)),
        "floor": Part(Kind.LIMIT, sp.Eq(floor, FLOOR, evaluate=False)),
        "elliptical": Part(
            Kind.LIMIT, sp.Eq(c_inv * E(s_cov / (1 + SHARE * c_inv * s_cov)), 1, evaluate=False)
        ),
        "two_scales": Part(Kind.LIMIT, sp.Eq(c_inv, TWO_SCALES, evaluate=False)),
        "population_multiplier": Part(Kind.LIMIT, sp.Eq(q_batch, 1 - eta * NU / n, evaluate=False)),
        "population_square": Part(
            Kind.LIMIT,
            sp.Eq(q_square, _square(NU, SPREAD), evaluate=False),
        ),
        "population_floor": Part(Kind.LIMIT, sp.Eq(v_rel, _settled(NU, SPREAD), evaluate=False)),
        "scaled_multiplier": Part(
            Kind.LIMIT, sp.Eq(q_batch, 1 - eta * NU_SCALED / n, evaluate=False)
        ),
        "scaled_square": Part(
            Kind.LIMIT,
            sp.Eq(q_square, _square(NU_SCALED, SPREAD_SCALED), evaluate=False),
        ),
        "scaled_floor": Part(
            Kind.LIMIT, sp.Eq(v_rel, _settled(NU_SCALED, SPREAD_SCALED), evaluate=False)
        ),
    },
    definitions={**HEAD, **SCHUR},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        STEP_POSITIVE,
        STEP_BELOW_TWO,
        Assumption("more rows than d + 1", n > d + 1),
    ),
    example={
        **EXAMPLE,
        "excess_kurtosis": 1.0,
        "scale_spread": 0.5,
        "complement_share": 0.7,
        "scale_square": 1.25,
    },
    beyond_paper=True,
)


def inverse_scale(
    *, n: int, d: int, kurtosis: float = 0.0, scales: ArrayLike | None = None
) -> float:
    """Return c with E Sh^{-1} = c Sigma^{-1}, up to terms of order d/n^2.

    kurtosis: excess kurtosis of independent symmetric components. scales: instead, the equally
    likely values of the squared scale of a Gaussian row (only their ratios matter), as for a
    multivariate t. Both 0 and None: Gaussian inputs, n/(n - d - 1) exactly.
    Raises: ValueError unless n >= d + 2, kurtosis >= -2, the scales are positive, and at most one
    of the two is given.
    Source: derived (LR-42).
    """
    dim = count("d", d)
    rows = count("n", n, low=dim + 2)
    g = number("kurtosis", kurtosis, low=-2.0)
    if scales is None:
        given = {"excess_kurtosis": g, "input_dim": dim, "batch_size": rows}
        return float(LR_42["mean_inverse"].number(**given))
    if g != 0.0:
        raise ValueError(f"kurtosis={kurtosis!r} with scales, needs 0: one law at a time")
    values = eigenvalues("scales", scales)
    law = Spectrum(values / values.mean())

    def excess(c: float) -> float:
        return (
            LR_42["elliptical"].left(law, None, inverse_scale=c, input_dim=dim, batch_size=rows)
            - LR_42["elliptical"].number()
        )

    low = high = rows / (rows - dim - 1)  # reached when all scales are equal, exceeded otherwise
    while excess(high) <= 0.0:
        high *= 2.0
    return float(brentq(excess, 0.5 * low, high, xtol=1e-14, rtol=1e-14))


def complement_share(representation_star: ArrayLike) -> float:
    """Return c_pp of rows (k, d) that span the true subspace: 1 if they are coordinate axes.

    Raises: ValueError on a wrong shape or dependent rows.
    Source: derived (LR-42).
    """
    rows = reals("representation_star", representation_star)
    if rows.ndim != 2 or not 1 <= rows.shape[0] < rows.shape[1]:
        raise ValueError(f"representation_star has shape {rows.shape}, needs (k, d) with k < d")
    if np.linalg.matrix_rank(rows) < rows.shape[0]:
        raise ValueError(f"representation_star has rank below {rows.shape[0]}")
    inside = np.square(np.linalg.qr(rows.T)[0]).sum(1)
    return float(np.square(1.0 - inside).sum() / (rows.shape[1] - rows.shape[0]))
