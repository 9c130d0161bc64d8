"""SI-29: how many samples reach a given alignment."""

from __future__ import annotations

import math

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from theory.core.claim import Claim
from theory.core.formula import E, Formula
from theory.core.guards import in_float_range
from theory.core.part import Kind, Part
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.alignment import WEIGHTS
from theory.single_index.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    ISOTROPIC_TEACHER,
    LINEAR_PART,
    NO_LEADER,
    NORMALISED,
    SAME_BATCH,
)
from theory.single_index.domain import (
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import alpha_r as alpha
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import (
    n_best,
    n_d,
    n_exact,
    n_exact_zero,
    n_price,
    n_sgd,
    n_zero,
    rho2,
    rho2_few,
    rho2_square,
    s2_link,
)
from theory.single_index.notation import s_cov as s
from theory.single_index.notation import target as r

METHODS = ("sgd", "kfac", "population")
_ENERGY = ge.LABEL_ENERGY


def _sgd(T: sp.Expr) -> sp.Expr:
    return E(T * s) * _ENERGY / (c1**2 * (E(T * s) ** 2 / (r * E(T)) - E(T * s**2)))


def _undamped(T: sp.Expr, noise: sp.Expr, offset: int) -> sp.Expr:
    return offset + r * noise * E(T / s) / (c1**2 * (1 - r) * E(T))


_BEST = E(s / (s + alpha)) + s2_link / (c1**2 * alpha)
_EXACT = _ENERGY / (c1**2 * alpha)
_NEEDED = {
    "sgd": _sgd,
    "kfac": lambda T: _undamped(T, s2_link, 1),
    "kfac_best": lambda T: _BEST,
    "population": lambda T: _undamped(T, _ENERGY, 0),
    "population_best": lambda T: _EXACT,
}
_IDENTITY = {name: ge.isotropic(needed(ge.ONE)) for name, needed in _NEEDED.items()}
_RATIO = s2_link / c1**2
# the smaller root in n/d of the pseudo-inverse's isotropic alignment, set to r
_BELOW = (1 + r - sp.sqrt((1 + r) ** 2 - 4 * r * (1 + _RATIO))) / 2

SI_29 = Claim(
    id="SI-29",
    title="Samples that reach a given alignment",
    says=(
        "The limits of the alignment can be solved for n/d. SGD never gets above its cap m_1²/m_2. "
        "KFAC at its best damping needs the fewest samples of all five, and ρ_r² d samples suffice "
        "for it if the labels are linear without noise. The number it needs, over that of the "
        "exact covariance, lies between 1 and E y²/s_2. Without damping, KFAC reaches a low target "
        "with fewer samples than dimensions, loses it near n = d, and regains it: more samples can "
        "be worse. In dimension d the dip is seen where s_2/c_1² is well above 1/d."
    ),
    source=DERIVED,
    parts={
        "sgd": Part(Kind.LIMIT, sp.Eq(n_sgd, _IDENTITY["sgd"])),
        "undamped": Part(Kind.LIMIT, sp.Eq(n_zero, _IDENTITY["kfac"])),
        "best": Part(Kind.LIMIT, sp.Eq(n_best, _IDENTITY["kfac_best"])),
        "root": Part(Kind.LIMIT, sp.Eq(rho2, E(s / (s + alpha)))),
        "exact": Part(Kind.LIMIT, sp.Eq(n_exact, _IDENTITY["population_best"])),
        "exact_undamped": Part(Kind.LIMIT, sp.Eq(n_exact_zero, _IDENTITY["population"])),
        "best_or_exact": Part(Kind.ORDERING, sp.Le(n_best, n_exact)),
        "best_or_undamped": Part(Kind.ORDERING, sp.Le(n_best, n_zero)),
        "exact_or_sgd": Part(Kind.ORDERING, sp.Le(n_exact, n_sgd)),
        "price": Part(
            Kind.LIMIT, sp.Eq(n_price, (_ENERGY / c1**2) / (r * alpha + _RATIO), evaluate=False)
        ),
        "below": Part(Kind.LIMIT, sp.Eq(n_d, _BELOW)),
        "lost": Part(Kind.ORDERING, sp.Ge(rho2_few, rho2_square)),
    },
    assumptions=(
        GAUSSIAN,
        ISOTROPIC_TEACHER,
        NORMALISED,
        NO_LEADER,
        LINEAR_PART,
        SAME_BATCH,
    ),
    example={**EXAMPLE, "target": 0.5},
    beyond_paper=True,
)

_CORRELATION = {name: Formula(needed(s)) for name, needed in _NEEDED.items()}
_PARTS = {
    "sgd": "sgd",
    "kfac": "undamped",
    "kfac_best": "best",
    "population": "exact_undamped",
    "population_best": "exact",
}
_PRINTED = {name: SI_29[part].formula for name, part in _PARTS.items()}


def target_damping(spectrum: Spectrum, target: float, weight: str = "identity") -> float:
    """Return the alpha at which E[T s/(s + alpha)] = target E[T]; T = 1 or T = s.

    The root lies between the smallest and the largest eigenvalue times (1 - target)/target.
    """
    lengths = spectrum.eigenvalues
    T = lengths if weight == "covariance" else np.ones_like(lengths)
    wanted = target * spectrum.expect(T)
    scale = (1.0 - target) / target
    low, high = float(lengths.min()) * scale, float(lengths.max()) * scale
    if low == high:
        return low

    def excess(log_alpha: float) -> float:
        return spectrum.expect(T * lengths / (lengths + math.exp(log_alpha))) - wanted

    low, high = math.log(low) - 1e-9, math.log(high) + 1e-9
    return math.exp(brentq(excess, low, high, xtol=1e-15, rtol=1e-14))


@in_float_range
def samples_for_alignment(
    method: str,
    *,
    target: float,
    spectrum: Spectrum,
    c1: float,
    residual_var: float,
    damping: float | None = None,
    weight: str = "identity",
) -> float:
    """Return n/d, samples per dimension, at which the limit of the alignment is ``target``.

    method: "sgd"; "kfac" (covariance of the same batch); "population" (the exact covariance).
    damping: None for the best one, 0.0 for none; SGD has none. weight: as in ``alignment``.
    The answer is inf where no number of samples is enough (SGD above its cap). KFAC without
    damping reaches a low target a first time with n < d as well; the answer is the one above d,
    from which on the alignment stays above the target.
    Units: spectrum in [x]^2, c1 and residual_var as in ``alignment``.
    Raises: ValueError for a value outside its bound (target in (0, 1)), an unknown name, another
        damping.
    Source: SI-29, derived; exact inverses of SI-02 to SI-04 and SI-06.
    """
    need_one_of("method", method, METHODS)
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_link(c1, residual_var)
    need_positive(target=target)
    if damping is not None:
        need_nonnegative(damping=damping)
    if target >= 1.0:
        raise ValueError(f"target={target!r}, needs 0 < target < 1")
    if damping not in (None, 0.0) or (method == "sgd" and damping is not None):
        allowed = "None" if method == "sgd" else "None (the best) or 0.0"
        raise ValueError(f"damping={damping!r}, needs {allowed} for method {method!r}")
    if c1 == 0.0:
        return math.inf
    name = method if method == "sgd" or damping == 0.0 else f"{method}_best"
    values = {"c1": c1, "residual_var": residual_var, "target": target}
    if name == "sgd" and target >= sgd_cap(spectrum, weight):
        return math.inf
    formula = (_CORRELATION if weight == "covariance" else _PRINTED)[name]
    if name.endswith("best"):
        values["target_damping"] = target_damping(spectrum, target, weight)
    return formula.number_of(values, spectrum)


def sgd_cap(spectrum: Spectrum, weight: str = "identity") -> float:
    """Return the alignment of SGD with infinite data: E[T s]^2 / (E[T] E[T s^2])."""
    k = 1 if weight == "covariance" else 0
    return spectrum.moment(k + 1) ** 2 / (spectrum.moment(k) * spectrum.moment(k + 2))
