"""Normalised traces tr T(Sigma) h(Shat) / d of any function h of a sample covariance, as a limit.

With u = -1/v in place of the companion transform v, the map of the resolvent is explicit,
    z(u) = u (1 + phi E[s / (u - s)]),   dz/du = 1 - phi E[s^2 / (u - s)^2],
and tr T (z - Shat)^-1 / d tends to E[T / (u - s)] / (1 + phi E[s / (u - s)]). So the integral of
h(z) times that, over a circle in u, needs no root. A circle centred on the real axis that holds
all eigenvalues is on the right branch if phi E[s^2 / |u - s|^2] < 1 at its two real points: in the
cosine of the angle, |u - s|^2 is linear, so the mean is convex and largest at an end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from theory.core.resolvent import resolvent
from theory.core.spectrum import Array, Spectrum

Complex = npt.NDArray[np.complex128]

_ACCURACY = 1e-17  # of the geometric convergence of the trapezoid rule
_LEAST_NODES, _MOST_NODES = 24, 6000
_TILE = 1 << 16  # complex numbers held at once


@dataclass(frozen=True)
class OnePoint:
    """Nodes z and complex weights per T: the trace of T h is the real part of sum weights h(z)."""

    nodes: Complex
    weights: Mapping[str, Complex]

    def trace(self, function: Callable[[Complex], Complex], weight: str = "identity") -> float:
        """Return lim tr T h(Shat) / d; ``function`` is h, real on the real axis."""
        value = float(np.sum(self.weights[weight] * function(self.nodes)).real)
        if not math.isfinite(value):
            raise ValueError(f"the function is not finite on the contour: trace {value}")
        return value


def one_point(spectrum: Spectrum, *, aspect: float, left: float) -> OnePoint:
    """Return the quadrature for functions h that are analytic on the plane without (-inf, left].

    left <= 0: where h stops to be analytic, 0 for a power of Shat, -damping for one of
    Shat + damping. Weights T: "identity" and "covariance" (T = Sigma). Where aspect > 1, h has to
    vanish at 0: whether the circle holds the kernel of Shat depends on ``left``.
    Raises: ValueError unless aspect > 0 and left <= 0, or if the circle would need too many nodes
            (left = 0 with aspect close to 1, or an extreme condition number).
    Source: Silverstein 1995 for the transform; the contour is derived.
    """
    if not (math.isfinite(aspect) and aspect > 0):
        raise ValueError(f"aspect={aspect!r}, needs to be finite and > 0")
    if not (math.isfinite(left) and left <= 0):
        raise ValueError(f"left={left!r}, needs to be finite and <= 0")
    outer = _real_u(spectrum, aspect, left)
    low, high = (edge - outer for edge in _hull(spectrum, aspect))
    if low <= 0:
        raise ValueError(f"aspect={aspect!r} with left={left!r}: the spectrum reaches that point")
    # (u - outer - p) / (u - outer + p) sends the hull to |w| <= ratio, Re u < outer to |w| > 1
    p = math.sqrt(low * high)
    ratio = (math.sqrt(high) - math.sqrt(low)) / (math.sqrt(high) + math.sqrt(low))
    radius = math.sqrt(ratio)
    count = max(_LEAST_NODES, math.ceil(math.log(_ACCURACY) / math.log(radius)))
    if count > _MOST_NODES:
        raise ValueError(
            f"aspect={aspect!r}, left={left!r}, condition {spectrum.condition_number:.3g}: "
            f"{count} nodes, needs <= {_MOST_NODES}"
        )
    half = (count + 1) // 2
    w = radius * np.exp(1j * np.pi * (np.arange(half) + 0.5) / half)
    u = outer + p * (1 + w) / (1 - w)
    plain, weighted, squared = _means(spectrum, u)
    scale = 1 + aspect * weighted
    # the mirror image of the upper half circle doubles the real part
    measure = 2 * p * w / (1 - w) ** 2 / half * (1 - aspect * squared) / scale
    return OnePoint(u * scale, {"identity": measure * plain, "covariance": measure * weighted})


def _real_u(spectrum: Spectrum, aspect: float, z: float) -> float:
    v = float(resolvent(spectrum, aspect=aspect, damping=-z).v)
    return -1.0 / v if v > 0 else 0.0


def _hull(spectrum: Spectrum, aspect: float) -> tuple[float, float]:
    """Return the smallest and the largest u at which phi E[s^2 / (u - s)^2] = 1."""
    s, weights = spectrum.eigenvalues, spectrum.weights
    widest = math.sqrt(aspect * spectrum.moment(2))

    def excess(u: float) -> float:
        return aspect * float(np.square(s / (u - s)) @ weights) - 1.0

    found = []
    for index, sign in ((int(s.argmin()), -1.0), (int(s.argmax()), 1.0)):
        edge = float(s[index])
        near = edge * math.sqrt(aspect * float(weights[index])) * (1 - 1e-9)
        found.append(brentq(excess, edge + sign * near, edge + sign * widest * (1 + 1e-9)))
    return found[0], found[1]


def _means(spectrum: Spectrum, u: Complex) -> tuple[Complex, Complex, Complex]:
    """Return E[1/(u - s)], E[s/(u - s)] and E[s^2/(u - s)^2] at every u."""
    s, weights = spectrum.eigenvalues, spectrum.weights
    columns = np.stack((weights, weights * s), axis=1)
    squares: Array = weights * s * s
    out = np.empty((3, u.size), dtype=np.complex128)
    rows = max(1, _TILE // s.size)
    for i in range(0, u.size, rows):
        inverse = np.reciprocal(u[i : i + rows, None] - s)
        out[:2, i : i + rows] = (inverse @ columns).T
        out[2, i : i + rows] = np.square(inverse) @ squares
    return out[0], out[1], out[2]
