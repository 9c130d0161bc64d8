"""SI-21, SI-22: powers of the factor, of the same batch and of the exact covariance."""

from __future__ import annotations

import numpy as np
import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.formula import E
from theory.core.guards import in_float_range
from theory.core.notation import kappa
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    BASE,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    SAME_BATCH,
    UNDERPARAMETRISED,
)
from theory.single_index.domain import (
    need_finite,
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import (
    lam,
    rho2,
    rho2_cov,
    rho2_same,
    rho2_star,
    s2_link,
    s_A,
    s_B,
)
from theory.single_index.notation import s_cov as s
from theory.single_index.variants.factor_notation import (
    K_best,
    f_A,
    f_B,
    h_1,
    h_2,
    h_3,
    p_best,
    p_exp,
    rho2_half,
)
from theory.single_index.variants.mixture import WEIGHTS
from theory.single_index.variants.one_point import Complex, spectral_means

FACTORS = ("same_batch", "population")
# share of the ceiling that the best exponent reaches; over two-atom, geometric and isotropic
# spectra, seven links and d/n up to 0.9 the least seen is 0.924, at d/n = 0.9
REACHED = sp.Rational(9, 10)

_BATCH = c1**2 * h_1**2 / (c1**2 * h_2 + phi * s2_link * h_3)

SI_21 = Claim(
    id="SI-21",
    title="An exponent of the same batch's factor",
    says=(
        "The direction (Σ̂ + λI)^(−p_M) X′y/n has a squared cosine given by three means over the "
        "eigenvalues t of the batch's covariance, of h(t) = t(t + λ)^(−p_M), h(t)² and h(t)²/t. "
        "Without damping the exponent 1/2 beats the exponent 1 where d/n is large or the labels "
        "are noisy. The best exponent without damping comes close to the ceiling: a tuned exponent "
        "replaces damping."
    ),
    source=DERIVED,
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, _BATCH)),
        "correlation": Part(Kind.LIMIT, sp.Eq(rho2_cov, _BATCH / E(s))),
        "half_or_one": Part(
            Kind.ORDERING,
            sp.Eq(
                sp.sign(rho2_half - rho2_same),
                sp.sign(_BATCH - ge.isotropic(ge.ridgeless_alignment(ge.ONE))),
                evaluate=False,
            ),
        ),
        "tuned": Part(Kind.ORDERING, sp.Ge(rho2, REACHED * rho2_star)),
    },
    assumptions=(
        *BASE,
        LINEAR_PART,
        SAME_BATCH,
        UNDERPARAMETRISED,
        Assumption("eigenvalues within a factor of 20", kappa <= 20),
    ),
    example={**EXAMPLE, "condition_number": 3.0},
    beyond_paper=True,
)

_f = (s + lam) ** (-p_exp)
# from the ratio of a filter at two eigenvalues to the damping with the same ratio
_SAME_RATIO = (s_B * f_B - s_A * f_A) / (f_A - f_B)


def _exact(T: sp.Expr) -> sp.Expr:
    noise = phi * ge.LABEL_ENERGY * E(T * s * _f**2)
    return c1**2 * E(T * s * _f) ** 2 / (E(T) * (c1**2 * E(T * s**2 * _f**2) + noise))


SI_22 = Claim(
    id="SI-22",
    title="An exponent of the exact covariance",
    says=(
        "The direction (Σ + λI)^(−p_M) X′y/n has a squared cosine given by moments of the "
        "spectrum. The exponents 0 and 1 are SGD and whitening with the exact covariance. For two "
        "eigenvalues every exponent between them is a damping. For small d/n the best exponent "
        "is 1 + λ_Σ Cov(ln s, 1/s)/Var(ln s), λ_Σ = (d/n)E y²/c_1²."
    ),
    source=DERIVED + Source.other_work("Wiener's filter: the best filter is s/(s + λ_Σ)"),
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, _exact(ge.ONE).subs(E(1), 1))),
        "correlation": Part(Kind.LIMIT, sp.Eq(rho2_cov, _exact(s))),
        "as_damping": Part(
            Kind.IDENTITY,
            sp.Eq((s_A + _SAME_RATIO) / (s_B + _SAME_RATIO), f_B / f_A, evaluate=False),
        ),
        "best_exponent": Part(
            Kind.LIMIT,
            sp.Eq(
                p_best,
                1
                + K_best
                * (E(sp.log(s) / s) - E(sp.log(s)) * E(1 / s))
                / (E(sp.log(s) ** 2) - E(sp.log(s)) ** 2),
            ),
        ),
    },
    definitions={K_best: phi * ge.LABEL_ENERGY / c1**2},
    assumptions=(*BASE, LINEAR_PART),
    example=EXAMPLE,
    beyond_paper=True,
)


@in_float_range
def exponent_alignment(
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    exponent: float,
    damping: float = 0.0,
    factor: str = "same_batch",
    weight: str = "identity",
) -> float:
    """Return rho^2 of (Q + damping)^-exponent X'y/n.

    factor: Q is the covariance of the same batch ("same_batch", powers of the pseudo-inverse where
    damping = 0) or the exact one ("population"). weight: "identity", or "covariance" for the
    squared correlation.
    Units:  damping in [x]^2, c1 in [y], residual_var in [y]^2.
    Raises: ValueError for a value outside its bound, and for aspect = 1 without damping on the same
        batch (its eigenvalues reach 0).
    Source: derived.
    """
    need_one_of("factor", factor, FACTORS)
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    need_finite(exponent=exponent)
    need_nonnegative(damping=damping)
    part = "alignment" if weight == "identity" else "correlation"
    known = {"aspect": aspect, "c1": c1, "residual_var": residual_var}
    if factor == "population":
        # a common scale of the filter changes nothing and keeps its powers in range
        scale = float(spectrum.moment(1)) + damping
        scaled = Spectrum(spectrum.eigenvalues / scale, spectrum.weights)
        known |= {"c1": c1 * scale**0.5, "damping": damping / scale}
        return float(SI_22[part].number(scaled, factor_exponent=exponent, **known))
    found = filter_means(spectrum, aspect=aspect, exponent=exponent, damping=damping, weight=weight)
    return float(SI_21[part].number(spectrum, **found, **known))


def filter_means(
    spectrum: Spectrum,
    *,
    aspect: float,
    exponent: float,
    damping: float = 0.0,
    weight: str = "identity",
) -> dict[str, float]:
    """Return the three means of SI-21 by code name, under the weight.

    The filter is scaled by the mean eigenvalue and the damping, so that its powers stay in range.
    """
    scale = float(spectrum.moment(1)) + damping

    def functions(z: Complex) -> tuple[Complex, ...]:
        h = z * ((z + damping) / scale) ** (-exponent)
        return h, h * h, h * h / z

    T = spectrum.eigenvalues if weight == "covariance" else np.ones_like(spectrum.eigenvalues)
    means = spectral_means(functions, spectrum=spectrum, aspect=aspect, branch=damping, weight=T)
    return dict(
        zip(("power_filter_mean", "power_filter_square", "power_filter_noise"), means, strict=True)
    )
