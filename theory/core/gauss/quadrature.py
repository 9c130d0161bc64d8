"""Gaussian expectations of functions about which nothing is known, with an error estimate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from theory.core.guards import number
from theory.core.spectrum import Array

_CUT = 14.0
_PANELS = 56
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_LEVELS = 60
_ACCEPTED = 1e-15  # error of one panel, relative to the scale of the whole integral
_MAX_PANELS = 20_000
_TAIL = 1e-12

VectorFunction = Callable[[Array], Array]


def gaussian_expectation(
    function: VectorFunction, breakpoints: Sequence[float] = ()
) -> tuple[Array, float]:
    """Return E[function(z)] for z ~ N(0, 1) and an estimate of its largest absolute error.

    Shapes: function maps (p,) to (q, p); the result is (q,).
    Panels are halved where a 16-point rule and its two halves disagree, so kinks and jumps are
    found by bisection; features narrower than about 0.03 must be announced in ``breakpoints``.
    Raises: ValueError if a breakpoint or the function is not finite, if its expectation does not
            converge at |z| = 14, or if it cannot be resolved.
    """
    places = [number("breakpoints", b) for b in breakpoints]
    inner = [b for b in places if -_CUT < b < _CUT]
    edges = np.unique(np.concatenate((np.linspace(-_CUT, _CUT, _PANELS + 1), inner)))
    left, right = edges[:-1], edges[1:]
    values, weights = _panels(function, left, right)
    whole, size = _summed(values, weights), _summed(np.abs(values), weights).max(axis=0)
    if size[[0, -1]].max() > _TAIL * max(1.0, size.sum()):
        raise ValueError(
            f"the integrand is {size[[0, -1]].max():.3g} at |z|={_CUT}: no finite mean"
        )
    scale = max(size.sum(), np.finfo(np.float64).tiny)
    total, error = np.zeros(whole.shape[0]), 0.0
    for _ in range(_LEVELS):
        middle = (left + right) / 2
        first = _summed(*_panels(function, left, middle))
        second = _summed(*_panels(function, middle, right))
        gap = np.abs(first + second - whole).max(axis=0)
        done = (gap <= _ACCEPTED * scale) | (right - left < 1e-15)
        total += (first + second)[:, done].sum(axis=1)
        error += gap[done].sum()
        todo = ~done
        if not todo.any():
            return total, float(error + 1e-15 * scale)
        if 2 * todo.sum() > _MAX_PANELS:
            break
        left, right = (
            np.concatenate((left[todo], middle[todo])),
            np.concatenate((middle[todo], right[todo])),
        )
        whole = np.concatenate((first[:, todo], second[:, todo]), axis=1)
    raise ValueError(f"the function is not resolved near z={float(left[0])!r}: give breakpoints")


def _panels(function: VectorFunction, left: Array, right: Array) -> tuple[Array, Array]:
    """Values (q, panels, nodes) on each panel, and the weights (panels, nodes) of its nodes."""
    z, weights = _nodes(left.tobytes(), right.tobytes())
    return function(z.ravel()).reshape(-1, *z.shape), weights


@lru_cache(maxsize=32)
def _nodes(left: bytes, right: bytes) -> tuple[Array, Array]:
    """Return nodes and weights of panels, which most integrals begin with the same of."""
    a, b = (np.frombuffer(edge, dtype=np.float64)[:, None] for edge in (left, right))
    half = (b - a) / 2
    z = (a + b) / 2 + half * _NODES
    weights = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * half * _WEIGHTS
    for array in (z, weights):
        array.flags.writeable = False
    return z, weights


def _summed(values: Array, weights: Array) -> Array:
    """Integrals over each panel, (q, panels)."""
    return np.asarray(np.einsum("qpn,pn->qp", values, weights))
