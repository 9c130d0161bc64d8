"""The anisotropic Marchenko-Pastur fixed point: w, v, m and m'.

For a sample covariance Shat of n = d / aspect Gaussian samples with population spectrum s,
    w + phi E[s w / (lam + s w)] = 1,   v = w / lam,
    m = E[1 / (lam + s w)] = lim tr(Shat + lam)^-1 / d,
with phi = aspect and lam = damping. In v the equation reads lam v + phi E[s v / (1 + s v)] = 1: its
left side is increasing and concave, so Newton's method from the left is monotone and quadratic. It
is written in three forms, one per range of phi, none of which subtracts nearly equal numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from theory.core.guards import reals
from theory.core.spectrum import Array, Spectrum

_TILE = 1 << 15  # numbers held per tile of (pairs, atoms): fits a second-level cache
_ATOMS_PER_TILE = 1024  # longest plain dot product
_LAST_STEP = 1e-8  # relative step after which a quadratic iteration is exact in float64
_FLAT = 1 / 16  # logarithmic slope below which rounding errors of the plain forms show
_MAX_STEPS = 200


@dataclass(frozen=True)
class Resolvent:
    """The fixed point at one (aspect, damping), or on a grid of them.

    Shapes: floats for scalar arguments, otherwise arrays of the broadcast shape.
    Units:  w is a pure number, v and m in [x]^-2, m_prime in [x]^-4.

    w and v = w / damping solve the fixed point, m is the limit of tr(Shat + damping)^-1 / d,
    m_prime = -dm/d(damping) that of tr(Shat + damping)^-2 / d, w_prime = dw/d(damping).
    At damping = 0: aspect < 1 gives w = 1 - aspect and v = inf; aspect > 1 gives w = 0, a finite v
    and m = m_prime = inf; aspect = 1 gives w = 0 and v = m = m_prime = w_prime = inf.
    """

    w: float | Array
    v: float | Array
    m: float | Array
    m_prime: float | Array
    w_prime: float | Array


def resolvent(spectrum: Spectrum, *, aspect: npt.ArrayLike, damping: npt.ArrayLike) -> Resolvent:
    """Solve the fixed point to a relative error of about 1e-15, also for grids of pairs.

    Shapes: aspect and damping broadcast against each other; memory does not grow with
            pairs x atoms.
    Units:  aspect = d / n is a pure number, damping in [x]^2 like the eigenvalues.
    Raises: ValueError if aspect is not finite and > 0 or damping is not finite and >= 0.
    Source: Silverstein 1995 for the fixed point; the cancellation-free forms are derived.
    """
    if not isinstance(spectrum, Spectrum):
        raise ValueError(f"spectrum={spectrum!r}, needs a Spectrum")
    phi, lam = np.broadcast_arrays(_real("aspect", aspect), _real("damping", damping))
    _need("aspect", phi, phi > 0, "> 0")
    _need("damping", lam, lam >= 0, ">= 0")
    shape = phi.shape
    phi, lam = phi.ravel(), lam.ravel()
    w, v = np.empty(phi.size), np.empty(phi.size)
    for chosen, solve in (
        (phi <= 1, _solve_small),
        ((phi > 1) & (phi < 2), _solve_middle),
        (phi >= 2, _solve_large),
    ):
        if chosen.any():
            w[chosen], v[chosen] = solve(spectrum, phi[chosen], lam[chosen])
    fields = (w, v, *_transforms(spectrum, phi, lam, w, v))
    if shape == ():
        return Resolvent(*(float(field[0]) for field in fields))
    return Resolvent(*(field.reshape(shape) for field in fields))


def _solve_small(spectrum: Spectrum, phi: Array, lam: Array) -> tuple[Array, Array]:
    """aspect <= 1: w - (1 - phi) - phi lam E[1 / (lam + s w)] = 0, in w."""

    def residual(w: Array, phi: Array, lam: Array) -> tuple[Array, Array]:
        plain, weighted = _reciprocals(spectrum, lam, w)[:2]
        return w - (1 - phi) - phi * lam * plain, 1 + phi * lam * weighted

    mean = spectrum.moment(1)
    w, v = 1 - phi, np.full(phi.shape, np.inf)
    moving = lam > 0
    phi, lam = phi[moving], lam[moving]
    offset = (1 - phi) * mean - lam
    root = np.hypot(offset, 2 * np.sqrt(mean * lam))
    below = np.minimum(offset, 0.0)
    start = np.where(offset > 0, (offset + root) / (2 * mean), 2 * lam / (root - below))
    w[moving] = _newton(residual, start, phi, lam)[0]
    v[moving] = w[moving] / lam
    return w, v


def _solve_middle(spectrum: Spectrum, phi: Array, lam: Array) -> tuple[Array, Array]:
    """1 < aspect < 2: lam v + (phi - 1) - phi E[1 / (1 + s v)] = 0, in v."""

    def residual(v: Array, phi: Array, lam: Array) -> tuple[Array, Array]:
        plain, weighted = _reciprocals(spectrum, np.ones_like(v), v)[:2]
        return lam * v + (phi - 1) - phi * plain, lam + phi * weighted

    v, slope = _newton(residual, _isotropic_v(spectrum, phi, lam), phi, lam)
    _polish(spectrum, phi, lam, v, slope)
    return lam * v, v


def _solve_large(spectrum: Spectrum, phi: Array, lam: Array) -> tuple[Array, Array]:
    """aspect >= 2: lam v - 1 + phi E[s v / (1 + s v)] = 0, in v."""

    def residual(v: Array, phi: Array, lam: Array) -> tuple[Array, Array]:
        _, weighted, captured, _ = _reciprocals(spectrum, np.ones_like(v), v)
        return lam * v - 1 + phi * v * captured, lam + phi * weighted

    v, slope = _newton(residual, _isotropic_v(spectrum, phi, lam), phi, lam)
    _polish(spectrum, phi, lam, v, slope)
    return lam * v, v


def _isotropic_v(spectrum: Spectrum, phi: Array, lam: Array) -> Array:
    """Root for one atom at the mean; by Jensen's inequality never right of the true root."""
    mean = spectrum.moment(1)
    offset = lam + (phi - 1) * mean
    return 2 / (offset + np.hypot(offset, 2 * np.sqrt(lam * mean)))


def _newton(
    residual: Callable[[Array, Array, Array], tuple[Array, Array]],
    start: Array,
    phi: Array,
    lam: Array,
) -> tuple[Array, Array]:
    """Return roots and slopes; all pairs move at once, each until its step is below _LAST_STEP.

    Relative curvature is at most one in every form, so the error after the last step is below the
    square of that step.
    """
    x, slopes = start.copy(), np.empty_like(start)
    active = np.arange(x.size)
    for _ in range(_MAX_STEPS):
        value, slope = residual(x[active], phi[active], lam[active])
        move = value / slope
        x[active] -= move
        slopes[active] = slope
        active = active[np.abs(move) > _LAST_STEP * x[active]]
        if active.size == 0:
            return x, slopes
    i = int(active[0])
    raise ArithmeticError(f"no fixed point after {_MAX_STEPS} steps at {phi[i]=}, {lam[i]=}")


def _polish(spectrum: Spectrum, phi: Array, lam: Array, v: Array, slope: Array) -> None:
    """One more step, in place, where a gap in the spectrum makes the equation nearly flat.

    With K = 1 / (1 + s v) on the atoms above 1 / v and P = 1 - K on those below, the equation is
    lam v + (phi W - 1) + phi (E_below[P] - E_above[K]) = 0 with W the weight above: no term is
    larger than the slope, and the constant is taken exactly, from the lighter of the two sides.
    """
    s, p = spectrum.eigenvalues, spectrum.weights
    for i in np.flatnonzero(v * slope < _FLAT):
        sv = s * v[i]
        above = sv > 1
        share = Fraction(math.fsum(p[above]))
        if 2 * share > 1:
            share = 1 - Fraction(math.fsum(p[~above]))
        constant = Fraction(phi[i]) * share - 1
        excess = spectrum.expect(np.where(above, -1.0, sv) / (1 + sv))
        value = lam[i] * v[i] + float(constant) + phi[i] * excess
        v[i] -= value / slope[i]


def _transforms(
    spectrum: Spectrum, phi: Array, lam: Array, w: Array, v: Array
) -> tuple[Array, Array, Array]:
    """Return m, m' and w' from the fixed point."""
    m, m_prime, w_prime = (np.full(w.shape, np.inf) for _ in range(3))
    regular = w > 0
    if regular.any():
        phi, lam, w = phi[regular], lam[regular], w[regular]
        plain, A, _, B = _reciprocals(spectrum, lam, w)
        scale = 1 + phi * lam * A
        m[regular] = plain
        m_prime[regular] = B + phi * w * A * A / scale
        w_prime[regular] = phi * w * A / scale
    pinned = ~regular & np.isfinite(v)  # damping = 0, aspect > 1: w = lam v to first order
    w_prime[pinned] = v[pinned]
    return m, m_prime, w_prime


def _reciprocals(
    spectrum: Spectrum, shift: Array, slope: Array
) -> tuple[Array, Array, Array, Array]:
    """Return E[t], E[s t^2], E[s t], E[t^2] with t = 1 / (shift + s slope), for every pair."""
    s, p = spectrum.eigenvalues, spectrum.weights
    columns = np.stack((p, p * s), axis=1)
    blocks = range(0, s.size, _ATOMS_PER_TILE)
    out = np.zeros((4, len(blocks), shift.size))
    for j, a in enumerate(blocks):
        atoms, weights = s[a : a + _ATOMS_PER_TILE], columns[a : a + _ATOMS_PER_TILE]
        rows = max(1, _TILE // atoms.size)
        for i in range(0, shift.size, rows):
            t = np.multiply.outer(slope[i : i + rows], atoms)
            t += shift[i : i + rows, None]
            np.reciprocal(t, out=t)
            first = t @ weights
            np.square(t, out=t)
            second = t @ weights
            out[:, j, i : i + rows] = first[:, 0], second[:, 1], first[:, 1], second[:, 0]
    E_t, E_st2, E_st, E_t2 = np.ascontiguousarray(out.transpose(0, 2, 1)).sum(axis=2)
    return E_t, E_st2, E_st, E_t2


def _real(name: str, values: npt.ArrayLike) -> Array:
    array = reals(name, values)
    _need(name, array, np.isfinite(array), "a finite number")
    return array


def _need(name: str, array: Array, holds: npt.NDArray[np.bool_], bound: str) -> None:
    if not np.all(holds):
        raise ValueError(f"{name}={float(array[~holds].ravel()[0])!r}, needs {bound}")
