"""SI-06: whitening with an independent batch, or with the exact covariance."""

from __future__ import annotations

import sympy as sp

from theory.core.formula import E, Formula
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index.domain import need_link, need_nonnegative, need_positive, need_spectrum
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import lam, s2_link, w_fix, w_slope
from theory.single_index.notation import s_cov as s

LABEL_ENERGY = c1**2 * E(s) + s2_link


def squared_inverse(h: sp.Expr) -> sp.Expr:
    """q(h) = lim tr (Shat2 + lam)^-1 h(S) (Shat2 + lam)^-1 / d for the independent batch."""
    return E(h * (1 + s * w_slope) / (lam + s * w_fix) ** 2)


INDEPENDENT_BATCH = Formula(
    c1**2
    * E(s / (lam + s * w_fix)) ** 2
    / (c1**2 * squared_inverse(s**2) + phi * LABEL_ENERGY * squared_inverse(s))
)
POPULATION = Formula(c1**2 / (c1**2 + phi * LABEL_ENERGY * E(1 / s)))


def independent_batch_alignment(
    *,
    spectrum: Spectrum,
    aspect: float,
    whitening_aspect: float,
    c1: float,
    residual_var: float,
    damping: float,
) -> float:
    """Return rho^2 when the covariance comes from other samples than the gradient.

    aspect = d/n of the gradient's batch, whitening_aspect = d/n of the covariance's batch.
    Raises: ValueError for a value outside its bound, and for damping = 0 with whitening_aspect >= 1
        (the covariance of that batch is singular and nothing cancels its small eigenvalues).
    Source: derived, from the deterministic equivalents of Silverstein 1995.
    """
    need_spectrum(spectrum)
    need_positive(aspect=aspect, whitening_aspect=whitening_aspect)
    need_link(c1, residual_var)
    need_nonnegative(damping=damping)
    if damping == 0 and whitening_aspect >= 1:
        raise ValueError(f"whitening_aspect={whitening_aspect!r}, needs < 1 where damping = 0")
    whitening = resolvent(spectrum, aspect=whitening_aspect, damping=damping)
    return INDEPENDENT_BATCH(
        spectrum,
        aspect=aspect,
        c1=c1,
        residual_var=residual_var,
        damping=damping,
        resolvent_w=float(whitening.w),
        resolvent_w_prime=float(whitening.w_prime),
    )


def population_whitening_alignment(
    *, spectrum: Spectrum, aspect: float, c1: float, residual_var: float
) -> float:
    """Return rho^2 when the gradient is whitened with the exact covariance.

    Raises: ValueError for a value outside its bound.
    Source: derived; the limit whitening_aspect -> 0 of independent_batch_alignment.
    """
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    return POPULATION(spectrum, aspect=aspect, c1=c1, residual_var=residual_var)
