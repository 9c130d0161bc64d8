"""Means of functions of a batch's covariance: lim tr(T(Sigma) h(Shat)) / d.

With u = -1 / v the fixed point is an explicit map, z = u (1 + phi E[s / (u - s)]), so Cauchy's
integral over z becomes one over u without an equation to solve:
    <h>_T = (1 / 2 pi i) contour integral of h(z) E[T u / (u - s)] z'(u) / z du.
The contour is an ellipse in log(u - u_c) around the image of the batch's eigenvalues, u_c being the
image of z = -branch. There a power (z + branch)^-p is analytic, and the trapezoidal rule converges
geometrically.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import optimize

from theory.core.resolvent import resolvent
from theory.core.spectrum import Array, Spectrum
from theory.single_index.domain import need_nonnegative, need_positive, need_spectrum

Complex = npt.NDArray[np.complex128]
Functions = Callable[[Complex], tuple[Complex, ...]]

_HEIGHT = 2.2  # half-height of the ellipse, below the pi at which the logarithm closes
_WIDEST = 1.3  # elliptic radius beyond which the contour only gets longer
_DECADES = 110.0  # nodes times elliptic radius: the error is far below epsilon
_BRACKET = 1e-9  # relative distance from an eigenvalue at which a bracket starts
_EDGE = 1e-8  # relative accuracy of the edges; the contour keeps clear of them


def spectral_means(
    functions: Functions,
    *,
    spectrum: Spectrum,
    aspect: float,
    branch: float = 0.0,
    weight: npt.ArrayLike | None = None,
) -> tuple[float, ...]:
    """Return lim tr(T h(Shat)) / d over the non-zero eigenvalues of Shat, for several h at once.

    functions: maps z (nodes,) to (h_1(z), h_2(z), ...), each real on the positive axis and analytic
        outside z <= -branch, as powers of z + branch are. weight: T at the eigenvalues (k,),
        default 1.
    Units: branch in [x]^2.
    Raises: ValueError for a value outside its bound, for aspect = 1 with branch = 0 (no gap between
        0 and the eigenvalues), or for a weight of another shape.
    Source: Silverstein 1995 for the fixed point; the integral over u is derived.
    """
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_nonnegative(branch=branch)
    if branch == 0 and aspect == 1:
        raise ValueError("aspect=1.0 with branch=0.0: the eigenvalues of the batch reach 0")
    s, p = spectrum.eigenvalues, spectrum.weights
    T = np.ones_like(s) if weight is None else np.asarray(weight, dtype=np.float64)
    if T.shape != s.shape:
        raise ValueError(f"weight has shape {T.shape}, needs {s.shape}")
    u, step = _contour(spectrum, aspect, branch)
    inverse = 1.0 / np.subtract.outer(u, s)
    # z = u / ratio, and z' by the derivative of u s / (u - s) = s + s^2 / (u - s)
    ratio = 1.0 / (1.0 + aspect * (inverse @ (p * s)))
    slope = 1.0 - aspect * (np.square(inverse) @ (p * s * s))
    density = (inverse @ (p * T)) * ratio * slope * step
    return tuple(float((h * density).imag.sum()) for h in functions(u / ratio))


def _contour(spectrum: Spectrum, aspect: float, branch: float) -> tuple[Complex, Complex]:
    """Nodes u on the upper half of the contour, and du / pi."""
    low, high = edges(spectrum, aspect)
    v = float(resolvent(spectrum, aspect=aspect, damping=branch).v)
    start = -1.0 / v if math.isfinite(v) else 0.0
    left, right = math.log(low - start), math.log(high - start)
    half = (right - left) / 2 + min(1.0, (right - left) / 4)
    radius = min(math.asinh(_HEIGHT / half), _WIDEST)
    count = math.ceil(_DECADES / radius)
    angle = (np.arange(count) + 0.5) * (np.pi / count)
    point = radius + 1j * angle
    shifted = np.exp((left + right) / 2 + half * np.cosh(point))
    return start + shifted, shifted * half * np.sinh(point) * (1j / count)


def edges(spectrum: Spectrum, aspect: float) -> tuple[float, float]:
    """Return the two outermost real u with phi E[s^2 / (u - s)^2] = 1: the edges of the batch."""
    s, p = spectrum.eigenvalues, spectrum.weights
    least, most = float(s.min()), float(s.max())
    root = math.sqrt(aspect)

    def excess(u: float) -> float:
        ratio: Array = s / (u - s)
        return float(aspect * (p @ (ratio * ratio)) - 1.0)

    below = 0.0 if aspect < 1 else -root * most
    above = most * (1.0 + root) * (1.0 + _EDGE)
    near = _BRACKET * math.sqrt(aspect * float(p.min()))
    low = optimize.brentq(excess, below, least * (1.0 - near), xtol=_EDGE * least * 1e-3)
    high = optimize.brentq(excess, most * (1.0 + near), above, xtol=_EDGE * most * 1e-3)
    return low, high
