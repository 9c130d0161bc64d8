"""SI-10: the spikes of the feature matrix act(X G+') after one large step."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import sympy as sp

from theory.core.gauss.hermite import hermite_functions
from theory.core.gauss.links import NAMED_LINKS, Link
from theory.core.gauss.quadrature import gaussian_expectation
from theory.core.spectrum import Array
from theory.single_index.domain import need_nonnegative, need_one_of, need_positive
from theory.single_index.notation import a_spike as a
from theory.single_index.notation import k, n_spikes

_PANELS = 4
_CUT = 10.0  # standard deviations of the spike coordinate

# sh_k(a): the k-th Hermite coefficient of t -> E_z act(z + a t), z ~ N(0, 1)
ACT_COEFFICIENT = sp.Function("a")  # a(k, scale) of t -> act(scale t)
HARMONIC = ACT_COEFFICIENT(k, sp.sqrt(1 + a**2)) * (a / sp.sqrt(1 + a**2)) ** k
_FACTOR = sp.lambdify((k, a), HARMONIC / ACT_COEFFICIENT(k, sp.sqrt(1 + a**2)), "numpy")
# ell spikes for lower < alpha < upper
COUNT_LOWER = (n_spikes - 1) / (2 * n_spikes)
COUNT_UPPER = n_spikes / (2 * n_spikes + 2)


def spike_count(alpha: float) -> int:
    """Return the asymptotic number of feature spikes for a step size n^alpha, 0 < alpha < 1/2.

    At practical sizes the count is misleading; use ``feature_outliers``.
    Raises: ValueError outside (0, 1/2) and on a threshold (l - 1)/(2 l), where the count jumps.
    Source: the separation conditions on alpha, derived.
    """
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha={alpha!r}, needs 0 < alpha < 1/2")
    exact = Fraction(alpha)
    bound = 1 / (1 - 2 * exact)  # alpha = (l - 1) / (2 l) exactly at l = bound
    if bound.denominator == 1 and bound > 1:
        raise ValueError(f"alpha={alpha!r} is the threshold of spike {bound}, needs another value")
    return math.floor(bound)


def spike_matrix(
    activation: str | Link,
    *,
    spike_strength: float,
    spike_variance: float,
    width: int,
    harmonics: int = 6,
) -> Array:
    """Return the matrix N E_a[sh_k(a) sh_l(a)], k, l = 1 to ``harmonics``, of a finite network.

    a ~ N(0, spike_strength^2 spike_variance / width) is the spike coordinate of one neuron,
    spike_variance = beta'S beta / |beta|^2. Features are centred (k = 0 is left out).
    Raises: ValueError for an unknown activation or a value outside its bound.
    Source: derived; Moniri et al. 2023 for the asymptotic picture.
    """
    if isinstance(activation, str):
        need_one_of("activation", activation, NAMED_LINKS)
        activation = NAMED_LINKS[activation]
    need_nonnegative(spike_strength=spike_strength)
    need_positive(spike_variance=spike_variance, width=width)
    if harmonics < 1:
        raise ValueError(f"harmonics={harmonics!r}, needs >= 1")
    if spike_strength == 0:
        return np.zeros((harmonics, harmonics))
    nodes, weights = _half_gaussian(spike_strength * math.sqrt(spike_variance / width))
    sh = np.array([_harmonics(activation, x, harmonics) for x in nodes])
    degrees = np.arange(1, harmonics + 1)
    same_parity = (degrees[:, None] + degrees) % 2 == 0  # sh_k(-a) = (-1)^k sh_k(a)
    return np.asarray(width * 2 * (sh.T * weights) @ sh * same_parity)


def feature_outliers(gram: Array, *, samples: int) -> Array:
    """Return sqrt(n e_k), e_k the eigenvalues of ``spike_matrix`` in decreasing order.

    These are outlying singular values of the centred (n, N) feature matrix of fresh rows where they
    lie at least 2 times above its bulk: the first within about 4 %; the k-th lies lower by about
    (k - 1) F^2/2, F the Frobenius ratio of ``gradient_remainder_ratio`` (KFAC: up to twice that).
    Build ``gram`` with 12 harmonics or more.
    Raises: ValueError if samples is not > 0.
    Source: derived.
    """
    need_positive(samples=samples)
    eigenvalues = np.linalg.eigvalsh(gram)[::-1]
    return np.asarray(np.sqrt(samples * np.maximum(eigenvalues, 0.0)))


def _half_gaussian(scale: float) -> tuple[Array, Array]:
    """Nodes a > 0 and weights of N(0, scale^2); even in asinh(a), where sh_k is smooth."""
    x, w = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(0.0, math.asinh(_CUT * scale), _PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    u = (edges[:-1, None] + half * (1 + x)).ravel()
    nodes = np.sinh(u)
    density = np.exp(-((nodes / scale) ** 2) / 2) / (scale * math.sqrt(2 * math.pi))
    return nodes, (half * w).ravel() * np.cosh(u) * density


def _harmonics(activation: Link, a: float, harmonics: int) -> Array:
    scale = math.sqrt(1 + a * a)
    breakpoints = [b / scale for b in activation.breakpoints]
    values, _ = gaussian_expectation(
        lambda z: activation(scale * z) * hermite_functions(z, harmonics)[1:], breakpoints
    )
    return np.asarray(values * _FACTOR(np.arange(1, harmonics + 1), a))
