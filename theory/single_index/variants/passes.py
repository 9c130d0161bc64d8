"""SI-28: several gradient steps on one batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.guards import in_float_range
from theory.core.part import Kind, Part
from theory.core.resolvent import resolvent
from theory.core.source import Source
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.alignment import WEIGHTS
from theory.single_index.assumptions import BASE, EXAMPLE, LINEAR_PART, SAME_BATCH
from theory.single_index.domain import (
    need_count,
    need_link,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import (
    eta,
    filter_mean,
    filter_noise,
    filter_square,
    rho2,
    rho2_endless,
    rho2_one,
    rho2_star,
    s2_link,
)
from theory.single_index.notation import s_cov as s
from theory.single_index.variants.one_point import Complex, edges

_ALIGNMENT = c1**2 * filter_mean**2 / (c1**2 * filter_square + phi * s2_link * filter_noise)
# moments of the batch's covariance, E over the eigenvalues of Shat of t, t^2 and t^3
_T2 = E(s**2) + phi * E(s) ** 2
_T3 = E(s**3) + 3 * phi * E(s) * E(s**2) + phi**2 * E(s) ** 3

SI_28 = Claim(
    id="SI-28",
    title="Several gradient steps on one batch",
    says=(
        "T steps of size η on one batch apply the filter F(t) = 1 − (1 − ηt)^T to the "
        "eigenvalues t of its covariance. The alignment is a ratio of three traces of the filter. "
        "One step is SGD, endless steps are whitening without damping. No number of steps gets "
        "above the ridge fit at the best damping of SI-04: the filter is linear in the labels."
    ),
    source=Source.derived("the alignment")
    + Source.other_work("Ali, Kolter & Tibshirani 2019: gradient descent is close to ridge"),
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, _ALIGNMENT)),
        "one_pass": Part(Kind.LIMIT, sp.Eq(rho2_one, ge.isotropic(ge.sgd_alignment(ge.ONE)))),
        "mean_of_two": Part(Kind.LIMIT, sp.Eq(filter_mean, 2 * eta * E(s) - eta**2 * _T2)),
        "noise_of_two": Part(
            Kind.LIMIT,
            sp.Eq(filter_noise, 4 * eta**2 * E(s) - 4 * eta**3 * _T2 + eta**4 * _T3),
        ),
        "endless": Part(
            Kind.LIMIT, sp.Eq(rho2_endless, ge.isotropic(ge.ridgeless_alignment(ge.ONE)))
        ),
        "never_better": Part(Kind.ORDERING, sp.Ge(rho2_star, rho2)),
    },
    assumptions=(*BASE, LINEAR_PART, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)

_GROWTH = 8.0  # largest log of |(1 - eta z)^T| on the contour: 3.5 of 16 digits are lost
_EXPONENTS = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99)  # of the circle, the widest first
_SHARES = (0.25, 0.5, 0.75)  # exponents of larger circles on which the growth is looked at
_DIGITS = 38.0  # minus the log of the error
_CIRCLE = np.exp(1j * np.linspace(0.0, np.pi, 17))  # where the growth is looked at, ends included
_MOST_NODES = 20_000


@dataclass(frozen=True)
class FilterMeans:
    """Traces of a filter F, of F^2 and of F^2 / Shat, with a weight T: lim tr T h(Shat) / d."""

    mean: float
    square: float
    noise: float


def largest_eigenvalue(spectrum: Spectrum, *, aspect: float) -> float:
    """Return the right edge of the limiting spectrum of a batch's covariance, in [x]^2."""
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    return _edge(spectrum, aspect, edges(spectrum, aspect)[1])


@in_float_range
def filter_alignment(
    *,
    step_size: float,
    steps: int,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    weight: str = "identity",
) -> float:
    """Return the limit of the squared alignment after ``steps`` gradient steps on one batch.

    The steps start at 0 and are those of least squares, a -> a - step_size X'(X a - y)/n: of the
    linear part of the network's output. weight: as in ``alignment``.
    Units:  step_size in [x]^-2.
    Raises: ValueError for a value outside its bound; for more than one step with a step size above
        2 over the largest eigenvalue of the batch, where the steps diverge.
    Source: SI-28, derived; the traces by a contour that hugs the spectrum.
    """
    need_one_of("weight", weight, WEIGHTS)
    need_link(c1, residual_var)
    means = filter_means(spectrum, aspect=aspect, step_size=step_size, steps=steps, weight=weight)
    scale = spectrum.moment(1) if weight == "covariance" else 1.0
    found = SI_28["alignment"].number(
        aspect=aspect,
        c1=c1,
        residual_var=residual_var,
        filter_mean=means.mean,
        filter_square=means.square,
        filter_noise=means.noise,
    )
    return float(found) / scale


def filter_means(
    spectrum: Spectrum, *, aspect: float, step_size: float, steps: int, weight: str = "identity"
) -> FilterMeans:
    """Return the traces of F(t) = 1 - (1 - step_size t)^steps that the alignment needs.

    Raises: ValueError as filter_alignment.
    """
    need_spectrum(spectrum)
    need_positive(aspect=aspect, step_size=step_size)
    need_count(steps=steps)
    low, high = edges(spectrum, aspect)
    bound = 2.0 / _edge(spectrum, aspect, high)
    if steps > 1 and step_size > bound:
        raise ValueError(f"step_size={step_size!r}, needs <= {bound:.6g} for more than one step")
    T = spectrum.eigenvalues if weight == "covariance" else np.ones_like(spectrum.eigenvalues)
    z, density = _contour(spectrum, aspect, (low, high), step_size, steps, T)
    left = 1 - step_size * z
    F = step_size * z if steps == 1 else 1 - left**steps
    values = (float((h * density).sum().real) for h in (F, F * F, F * F / z))
    return FilterMeans(*values)


def _edge(spectrum: Spectrum, aspect: float, u: float) -> float:
    s = spectrum.eigenvalues
    return u * (1 + aspect * spectrum.expect(s / (u - s)))


def _contour(
    spectrum: Spectrum,
    aspect: float,
    hull: tuple[float, float],
    step_size: float,
    steps: int,
    T: Array,
) -> tuple[Complex, Complex]:
    """Nodes z and densities on a circle in u so close to the spectrum that the filter stays small.

    A circle centred on the real axis that holds the hull is on the right branch of the transform:
    in the cosine of its angle |u - s|^2 is linear, so phi E[s^2/|u - s|^2] is convex and largest,
    at most 1, at one of the two real points.
    """
    s, p = spectrum.eigenvalues, spectrum.weights
    root = resolvent(spectrum, aspect=aspect, damping=1.0 / (step_size * steps))
    start = -1.0 / float(root.v)
    near, far = (math.sqrt(edge - start) for edge in hull)
    ratio, scale = (far - near) / (far + near), near * far

    def growth(radius: float) -> float:
        z = _z(spectrum, aspect, start, scale, radius * _CIRCLE)[0]
        return steps * math.log(float(np.abs(1 - step_size * z).max()))

    circles = [ratio**exponent for exponent in _EXPONENTS]
    fit = [radius for radius in circles if growth(radius) <= _GROWTH]
    needed = {radius: _count(radius, ratio, growth) for radius in fit}
    radius = min(needed, key=lambda one: needed[one], default=0.0)
    if not fit or needed[radius] > _MOST_NODES:
        raise ValueError(
            f"step_size={step_size!r}, steps={steps!r}: the filter is not resolved on this "
            f"spectrum, needs fewer steps or a smaller step size"
        )
    half = (needed[radius] + 1) // 2
    w = radius * np.exp(1j * np.pi * (np.arange(half) + 0.5) / half)
    z, u, inverse = _z(spectrum, aspect, start, scale, w)
    density = (
        2 * scale * w / (1 - w) ** 2 / half * (1 - aspect * (np.square(inverse) @ (p * s * s)))
    )
    return z, density * (inverse @ (p * T)) * u / z


def _count(radius: float, ratio: float, growth: Callable[[float], float]) -> int:
    """Nodes at which the trapezoid rule is exact to rounding.

    On a circle of radius r the error is (r/R)^count times the size at R, for any R on which the
    integrand is analytic: down to ``ratio`` inside, where it is bounded, and up to 1 outside, where
    the square of the filter grows.
    """
    inside = _DIGITS / math.log(radius / ratio)
    outside = min(
        (_DIGITS + 2 * max(growth(radius**share), 0.0)) / (math.log(radius) * (share - 1))
        for share in _SHARES
    )
    return max(24, math.ceil(max(inside, outside)))


def _z(
    spectrum: Spectrum, aspect: float, start: float, scale: float, w: Complex
) -> tuple[Complex, Complex, Complex]:
    """Return z, u and 1/(u - s) at points w of the disc."""
    u = start + scale * (1 + w) / (1 - w)
    inverse = np.reciprocal(np.subtract.outer(u, spectrum.eigenvalues))
    z = u * (1 + aspect * (inverse @ (spectrum.weights * spectrum.eigenvalues)))
    return z, u, inverse
