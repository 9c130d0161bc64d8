"""SI-26: elliptical inputs x = tau S^(1/2) g, whose rows differ in length."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import sympy as sp
from scipy.optimize import brentq

from theory.core.claim import Assumption, Claim
from theory.core.formula import E, Formula
from theory.core.gauss.hermite import link_function
from theory.core.gauss.links import NAMED_LINKS, Link
from theory.core.gauss.quadrature import VectorFunction, gaussian_expectation
from theory.core.guards import in_float_range, reals
from theory.core.part import Kind, Part
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.alignment import WEIGHTS
from theory.single_index.assumptions import (
    ASPECT,
    DERIVED,
    EXAMPLE,
    ISOTROPIC_TEACHER,
    LINEAR_PART,
    NO_LEADER,
    NORMALISED,
    SAME_BATCH,
)
from theory.single_index.domain import (
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import P_s as P
from theory.single_index.notation import (
    W_scale,
    delta_scale,
    gamma_scale,
    lam,
    mu_4,
    mu_y2,
    mu_yz,
    rho2,
    rho2_sgd,
    tau2,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import noise_gain as r
from theory.single_index.notation import s_cov as s

_LETTERS = {P: s * W_scale / (lam + s * W_scale), r: 1 / (lam + s * W_scale)}
_FIT = gamma_scale * E(s * P)
_SPREAD = gamma_scale**2 * (E(s * P**2) - E(s * P) ** 2)
_NOISE = (mu_y2 - 2 * _FIT * mu_yz + _FIT**2 * mu_4 + mu_4 * _SPREAD) / (
    1 - mu_4 * phi * E(s**2 * r**2)
)


def _alignment(T: sp.Expr, signal: sp.Expr, gain: sp.Expr, noise: sp.Expr) -> sp.Expr:
    energy = gamma_scale**2 * E(T * signal**2) + phi * noise * E(T * s * gain**2)
    return (gamma_scale**2 * E(T * signal) ** 2 / (E(T) * energy)).subs(E(1), 1)


SI_26 = Claim(
    id="SI-26",
    title="Elliptical inputs",
    says=(
        "Rows τS^{1/2}g with a random length τ, E τ² = 1, change the alignment. In the ridge fit "
        "a row counts with the weight w = 1/(1 + τ²δ_τ), so long rows count less than in SGD. The "
        "two fixed numbers δ_τ and W_τ replace v, and moments of the labels with these weights "
        "replace c_1 and s_2. With τ = 1 the formulas are those of Gaussian inputs. They need a "
        "bounded τ: with heavy tails the alignment differs from teacher to teacher."
    ),
    source=DERIVED,
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, _alignment(ge.ONE, P, r, tau2))),
        "leverage": Part(Kind.LIMIT, sp.Eq(delta_scale, phi * E(s / (lam + s * W_scale)))),
        "sgd": Part(Kind.LIMIT, sp.Eq(rho2_sgd, _alignment(ge.ONE, s, ge.ONE, mu_y2))),
    },
    definitions={tau2: _NOISE, **_LETTERS},
    assumptions=(
        Assumption("elliptical input", fact="input_law", allowed=("elliptical",)),
        ISOTROPIC_TEACHER,
        NORMALISED,
        ASPECT,
        NO_LEADER,
        LINEAR_PART,
        SAME_BATCH,
    ),
    example={**EXAMPLE, "input_law": "elliptical"},
    beyond_paper=True,
)

_CORRELATION = {
    "alignment": Formula(_alignment(s, P, r, tau2).xreplace({tau2: _NOISE}).xreplace(_LETTERS)),
    "sgd": Formula(_alignment(s, s, ge.ONE, mu_y2)),
}
_PRINTED = {name: SI_26[name].formula for name in _CORRELATION}
METHODS = ("kfac", "sgd")
_MEAN_TOLERANCE = 1e-9


def scale_moments(
    link: str | Link | VectorFunction,
    noise_std: float,
    scales: npt.ArrayLike,
    *,
    leverage: float,
) -> dict[str, float]:
    """Return the moments of y = g(tau z) + noise with the weights w = 1/(1 + tau^2 leverage).

    scales: (j,) equally likely values of tau^2. leverage = 0 gives those of SGD.
    Raises: ValueError for a scale that is not finite and > 0, an unknown link, a negative noise.
    """
    tau2s = _scales(scales)
    need_nonnegative(noise_std=noise_std, leverage=leverage)
    _function(link)  # refused here: the cache would fail on what has no hash
    tau = np.sqrt(tau2s)
    cross, square = _label_moments(link, tuple(tau.tolist()))
    power = square + noise_std**2
    w = 1 / (1 + tau2s * leverage)
    weight = float(np.mean(w * tau2s))
    return {
        "scale_weight": weight,
        "scale_slope": float(np.mean(w * tau * cross)) / weight,
        "scale_label_power": float(np.mean(w**2 * tau2s * power)),
        "scale_label_cross": float(np.mean(w**2 * tau**3 * cross)),
        "scale_fourth": float(np.mean(w**2 * tau2s**2)),
    }


def scale_leverage(
    spectrum: Spectrum, *, aspect: float, damping: float, scales: npt.ArrayLike
) -> float:
    """Return delta = phi E[s/(lam + s W)] at the root W = E[tau^2/(1 + tau^2 delta)].

    In W the equation E[tau^2/(W + tau^2 phi E[s W/(lam + s W)])] = 1 has a decreasing left side.
    Raises: ValueError for a value outside its bound; damping = 0 with aspect >= 1.
    """
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_nonnegative(damping=damping)
    if damping == 0 and aspect >= 1:
        raise ValueError(f"aspect={aspect!r}, needs < 1 where damping = 0")
    tau2s, s = _scales(scales), spectrum.eigenvalues

    def share(W: float) -> float:
        return aspect * spectrum.expect(s * W / (damping + s * W))

    def excess(log_W: float) -> float:
        W = math.exp(log_W)
        return float(np.mean(tau2s / (W + tau2s * share(W)))) - 1.0

    high = math.log(float(tau2s.mean())) + 1e-12
    low = high - 1.0
    while excess(low) < 0:
        low -= high - low
    W = math.exp(brentq(excess, low, high, xtol=1e-15, rtol=1e-14))
    return share(W) / W


@in_float_range
def elliptical_alignment(
    method: str = "kfac",
    *,
    link: str | Link | VectorFunction,
    noise_std: float,
    scales: npt.ArrayLike,
    spectrum: Spectrum,
    aspect: float,
    damping: float | None = None,
    weight: str = "identity",
) -> float:
    """Return the limit of the squared alignment for inputs x = tau S^(1/2) g.

    method: "kfac" (with ``damping``) or "sgd". link, noise_std: of the labels g(beta*.x) + noise,
    with beta*' S beta* = 1. scales: (j,) equally likely values of tau^2, of mean 1, so that
    ``spectrum`` is that of the inputs' covariance. weight: as in ``alignment``.
    Units:  damping in [x]^2.
    Raises: ValueError for a value outside its bound, scales of another mean, damping = 0 with
        aspect >= 1, a damping given to SGD.
    Source: SI-26, derived.
    """
    need_one_of("method", method, METHODS)
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    mean = float(_scales(scales).mean())
    if abs(mean - 1) > _MEAN_TOLERANCE:
        raise ValueError(f"scales have mean {mean!r}, needs 1: the covariance is in the spectrum")
    unit = spectrum.moment(1)
    scaled = Spectrum(spectrum.eigenvalues / unit, spectrum.weights)
    if method == "sgd":
        if damping is not None:
            raise ValueError(f"damping={damping!r}, needs None for method 'sgd'")
        known = scale_moments(link, noise_std, scales, leverage=0.0)
    else:
        if damping is None:
            raise ValueError("damping=None, needs a number >= 0 for method 'kfac'")
        need_nonnegative(damping=damping)
        lam_ = damping / unit
        leverage = scale_leverage(scaled, aspect=aspect, damping=lam_, scales=scales)
        known = {**scale_moments(link, noise_std, scales, leverage=leverage), "damping": lam_}
    known["aspect"] = aspect
    name = "sgd" if method == "sgd" else "alignment"
    formula = (_CORRELATION if weight == "covariance" else _PRINTED)[name]
    return formula.number_of(known, scaled)


@lru_cache(maxsize=64)
def _label_moments(
    link: str | Link | VectorFunction, lengths: tuple[float, ...]
) -> tuple[Array, Array]:
    """Return E[z g(tau z)] and E[g(tau z)^2] for every length tau."""
    function, breakpoints = _function(link)
    tau = np.array(lengths)
    places = [point / t for point in breakpoints for t in lengths]

    def integrand(z: Array) -> Array:
        y = function(np.multiply.outer(tau, z).ravel()).reshape(tau.size, -1)
        return np.concatenate((y * z, y * y))

    found = gaussian_expectation(integrand, sorted(set(places)))[0]
    return found[: tau.size], found[tau.size :]


def _scales(scales: npt.ArrayLike) -> Array:
    values = reals("scales", scales)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"scales has shape {values.shape}, needs (j,) with j >= 1")
    bad = values[~(np.isfinite(values) & (values > 0))]
    if bad.size:
        raise ValueError(f"scales contains {float(bad[0])!r}, needs finite numbers > 0")
    return values


def _function(link: str | Link | VectorFunction) -> tuple[VectorFunction, tuple[float, ...]]:
    if isinstance(link, str):
        need_one_of("link", link, tuple(NAMED_LINKS))
        link = NAMED_LINKS[link]
    if isinstance(link, Link):
        return link.function, link.breakpoints
    return link_function(link), ()
