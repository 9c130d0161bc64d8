"""SI-10: the spikes of the feature matrix act(X G+') after one large step."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import numpy as np
import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import numeric
from theory.core.gauss.hermite import hermite_functions
from theory.core.gauss.links import NAMED_LINKS, Link
from theory.core.gauss.quadrature import gaussian_expectation
from theory.core.guards import matrix, real
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.core.spectrum import Array
from theory.single_index.assumptions import (
    EXAMPLE,
    FRESH_FEATURES,
    GAUSSIAN,
    NO_LEADER,
    NORMALISED,
    SLOPE,
)
from theory.single_index.domain import need_count, need_nonnegative, need_one_of, need_positive
from theory.single_index.notation import (
    a_deg,
    alpha_eta,
    growth,
    i,
    j,
    n,
    spike_eig,
    spike_ij,
    sv_feature,
    width,
)
from theory.single_index.notation import a_spike as a

_MAX_HARMONICS = 64
_PANELS = 4
_CUT = 10.0  # standard deviations of the spike coordinate

# sh(j, a): the j-th Hermite coefficient of t -> E_z act(z + a t), z ~ N(0, 1)
_sh = sp.Function("sh")
_E_a = sp.Function("E_a")
# a(j, scale): the j-th Hermite coefficient of t -> act(scale t)
_a = sp.Function("a")
_ACT_COEFFICIENT = _a(j, sp.sqrt(1 + a**2))
_HARMONIC = _ACT_COEFFICIENT * (a / sp.sqrt(1 + a**2)) ** j

SI_10 = Claim(
    id="SI-10",
    title="Spikes of the feature matrix",
    says=(
        "The outliers of the centred features are at √(n e_j), with e_j the eigenvalues of an "
        "explicit matrix of a finite network (30 harmonics). The rule holds for fresh rows and for "
        "spikes well outside the bulk. The first is met to a few per cent; the j-th lies lower by "
        "about (j − 1)R_F²/2, with R_F the Frobenius ratio of SI-01. Against the edge of the bulk "
        "and for a step of size n^α, the j-th harmonic grows like n to the power jα − (j − 1)/2, "
        "hence for α > (j − 1)/(2j). A harmonic that the activation lacks never grows: tanh and "
        "erf have no even ones, ReLU no odd ones beyond the first. So fewer spikes grow than the "
        "count of all harmonics says. On the step's own rows the spikes are up to 25 % larger."
    ),
    source=Source.other_work("Moniri et al. 2023: the thresholds")
    + Source.derived("the finite-size rule"),
    parts={
        "outlier": Part(Kind.LIMIT, sp.Eq(sv_feature, sp.sqrt(n * spike_eig))),
        "gram": Part(Kind.LIMIT, sp.Eq(spike_ij, width * _E_a(_sh(i, a) * _sh(j, a)))),
        "harmonic": Part(Kind.IDENTITY, sp.Eq(_sh(j, a), _HARMONIC)),
        "growth": Part(Kind.RATE, sp.Eq(growth, j * alpha_eta - (j - 1) / 2)),
        "threshold": Part(
            Kind.ORDERING,
            sp.Eq(sp.sign(growth), sp.sign(alpha_eta - (j - 1) / (2 * j)), evaluate=False),
        ),
    },
    assumptions=(GAUSSIAN, NORMALISED, NO_LEADER, SLOPE, FRESH_FEATURES),
    example=EXAMPLE,
)


def harmonic_formula(claim: Claim = SI_10) -> Callable[..., Array]:
    """Return sh_j(a) of SI-10 as a function of hermite_coefficient, degree and head_spike."""
    printed = claim["harmonic"].relation.args[1]
    return numeric(printed.xreplace({_ACT_COEFFICIENT: a_deg}))


def harmonic_scale(claim: Claim = SI_10) -> Callable[..., Array]:
    """Return the scale of the activation whose coefficients SI-10 takes, of head_spike."""
    (coefficient,) = claim["harmonic"].relation.args[1].atoms(_a)
    return numeric(coefficient.args[1])


def spike_count(alpha: float) -> int:
    """Return how many harmonics may grow for a step size n^alpha, 0 < alpha < 1/2.

    It counts the degrees whose threshold lies below alpha. A harmonic that the activation lacks
    does not grow, and at practical sizes the count is misleading; use ``feature_outliers``.
    Raises: ValueError outside (0, 1/2) and on a threshold (l - 1)/(2 l), where the count jumps.
    Source: the separation conditions on alpha, derived.
    """
    if not 0 < real("alpha", alpha) < 0.5:
        raise ValueError(f"alpha={alpha!r}, needs 0 < alpha < 1/2")
    exact = Fraction(float(alpha))
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
    if not isinstance(activation, Link):
        raise ValueError(f"activation={activation!r}, needs a name or a Link")
    need_nonnegative(spike_strength=spike_strength)
    need_positive(spike_variance=spike_variance)
    need_count(width=width, harmonics=harmonics)
    if harmonics > _MAX_HARMONICS:
        raise ValueError(f"harmonics={harmonics!r}, needs <= {_MAX_HARMONICS}")
    if spike_strength == 0:
        return np.zeros((harmonics, harmonics))
    nodes, weights = _half_gaussian(spike_strength * math.sqrt(spike_variance / width))
    coefficients = _coefficients(activation, nodes, harmonics)
    degrees = np.arange(1, harmonics + 1)
    sh = _own_harmonic_formula()(
        hermite_coefficient=coefficients, degree=degrees, head_spike=nodes[:, None]
    )
    same_parity = (degrees[:, None] + degrees) % 2 == 0  # sh_k(-a) = (-1)^k sh_k(a)
    mean = 2 * (sh.T * weights) @ sh * same_parity
    return np.asarray(_gram_formula()(width=width, spike_gram=mean))


@cache
def _own_harmonic_formula() -> Callable[..., Array]:
    return harmonic_formula()


@cache
def _own_harmonic_scale() -> Callable[..., Array]:
    return harmonic_scale()


@cache
def _gram_formula() -> Callable[..., Array]:
    """Return the Gram matrix of SI-10 as a function of width and of the mean over the head."""
    printed = SI_10["gram"].relation.args[1]
    (expectation,) = printed.atoms(_E_a)
    return numeric(printed.xreplace({expectation: spike_ij}))


def feature_outliers(gram: Array, *, samples: int) -> Array:
    """Return sqrt(n e_k), e_k the eigenvalues of ``spike_matrix`` in decreasing order.

    These are outlying singular values of the centred (n, N) feature matrix of fresh rows where they
    lie at least 2 times above its bulk: the first within about 4 %; the k-th lies lower by about
    (k - 1) F^2/2, F the Frobenius ratio of ``gradient_remainder_ratio`` (KFAC: up to twice that).
    Build ``gram`` with 12 harmonics or more.
    Raises: ValueError if samples is not a whole number >= 1, or gram no finite square matrix.
    Source: derived.
    """
    need_count(samples=samples)
    eigenvalues = np.linalg.eigvalsh(matrix("gram", gram, (None, len(gram))))[::-1]
    known = {"batch_size": samples, "spike_eigenvalue": np.maximum(eigenvalues, 0.0)}
    return np.asarray(SI_10["outlier"].number(**known))


def _half_gaussian(scale: float) -> tuple[Array, Array]:
    """Nodes a > 0 and weights of N(0, scale^2); even in asinh(a), where sh_k is smooth."""
    x, w = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(0.0, math.asinh(_CUT * scale), _PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    u = (edges[:-1, None] + half * (1 + x)).ravel()
    nodes = np.sinh(u)
    density = np.exp(-((nodes / scale) ** 2) / 2) / (scale * math.sqrt(2 * math.pi))
    return nodes, (half * w).ravel() * np.cosh(u) * density


def _coefficients(activation: Link, nodes: Array, harmonics: int) -> Array:
    """Return E[activation(scale z) h_k(z)] (nodes, harmonics), k from 1, at the printed scale.

    All nodes share the points of one integral.
    """
    scales = _own_harmonic_scale()(head_spike=nodes)
    breakpoints = {b / scale for b in activation.breakpoints for scale in scales}

    def products(z: Array) -> Array:
        polynomials = hermite_functions(z, harmonics)[1:]
        values = activation(np.multiply.outer(scales, z).ravel()).reshape(scales.size, 1, z.size)
        return (values * polynomials).reshape(-1, z.size)

    means = gaussian_expectation(products, sorted(breakpoints))[0]
    return means.reshape(scales.size, harmonics)
