"""Gaussian means by grids in torch, to hold against the certified numbers of the theory.

A midpoint rule whose cells end at 0 sees no kink or jump of a link inside a cell: its error is of
the order of the square of the step.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.problems.links import ACTIVATIONS, LINKS, tanh_shifted
from theory.core.gauss.hermite import LinkStatistics, activation_statistics, link_statistics
from theory.core.gauss.links import hermite_polynomial, sine_mixture
from theory.core.gauss.links import tanh_shifted as certified_tanh

Array = NDArray[np.float64]
Scalar = Callable[[Tensor], Tensor]

REACH, CELLS = 8.0, 640  # +- 8 standard deviations in steps of 1/40
FINE_CELLS = 16_000
KNOTS = 7
SHIFT = 0.7
KINK = 0.3  # at the end of a cell here, inside a panel of the theory's quadrature
WAVES = ((1.0, 0.5), (1.0, 2.2), (0.3, 1.1))  # amplitudes, frequencies, phases
POLYNOMIAL = (0.2, 1.0, 0.4, 0.3)  # of He_0 to He_3


def midpoints(cells: int) -> tuple[Tensor, float]:
    """Return the middles of ``cells`` (even) cells of [-8, 8] and their width."""
    step = 2 * REACH / cells
    return (torch.arange(cells, dtype=torch.float64, device="cpu") + 0.5) * step - REACH, step


def density(t: Tensor) -> Tensor:
    """Return the density of a standard normal variable."""
    return torch.exp(-t.square() / 2) / math.sqrt(2 * math.pi)


def mean(function: Scalar) -> float:
    """Return E[function(z)], z standard normal."""
    z, step = midpoints(FINE_CELLS)
    return float((function(z) * density(z)).sum() * step)


def mean_square(function: Scalar) -> float:
    """Return E[function(z)^2]."""
    return mean(lambda z: function(z).square())


def curvature(function: Scalar) -> float:
    """Return E[(z^2 - 1) function(z)], by Stein's identity the mean of the second derivative."""
    return mean(lambda z: (z.square() - 1) * function(z))


def residual(function: Scalar) -> float:
    """Return E[(function(z) - c z)^2] at the c that makes it smallest."""
    slope = mean(lambda z: z * function(z))
    return mean_square(lambda z: function(z) - slope * z)


def product_mean(function: Scalar, correlation: float, other: Scalar | None = None) -> float:
    """Return E[g(z1) h(z2)], h = g unless given, for jointly normal z1, z2 of this correlation."""
    z, step = midpoints(CELLS)
    left = 1 - correlation**2
    exponent = (z[:, None] ** 2 - 2 * correlation * z[:, None] * z + z**2) / (2 * left)
    joint = torch.exp(-exponent) / (2 * math.pi * math.sqrt(left))
    return float(function(z) @ joint @ (other or function)(z)) * step**2


def at_correlations(function: Scalar, degree: int, correlations: Array) -> Array:
    """Return E[g(z1) h_degree(z2)] at correlations (R,), interpolated between seven grids."""
    knots = np.polynomial.chebyshev.chebpts1(KNOTS)
    low, high = float(correlations.min()), float(correlations.max())
    places = (low + high) / 2 + (high - low) / 2 * knots
    values = [product_mean(function, float(x), lambda z: hermite(z, degree)) for x in places]
    fit = np.polynomial.Polynomial.fit(places, values, KNOTS - 1)
    return np.asarray(fit(correlations))


def hermite(t: Tensor, degree: int) -> Tensor:
    """Return He_j(t)/sqrt(j!)."""
    before, now = torch.zeros_like(t), torch.ones_like(t)
    for j in range(degree):
        before, now = now, (t * now - math.sqrt(j) * before) / math.sqrt(j + 1)
    return now


def every_link(noise_std: float) -> Iterator[tuple[str, Scalar, LinkStatistics]]:
    """Yield the name, the function and the theory's statistics of links of every kind.

    The last is a plain function to the theory, which integrates it without knowing it.
    """
    for name, function in LINKS.items():
        yield name, function, link_statistics(name, noise_std=noise_std)
    a, w, p = WAVES

    def waves(z: Tensor) -> Tensor:
        terms = (c * torch.sin(o * z + q) for c, o, q in zip(a, w, p, strict=True))
        return torch.stack(list(terms)).sum(0)

    def polynomial(z: Tensor) -> Tensor:
        basis = (hermite(z, j) * math.sqrt(math.factorial(j)) for j in range(len(POLYNOMIAL)))
        return torch.stack([c * h for c, h in zip(POLYNOMIAL, basis, strict=True)]).sum(0)

    def ramp(z: Tensor) -> Tensor:
        return torch.relu(z - KINK) + 0.25 * z

    def plain(z: Array) -> Array:
        return np.maximum(z - KINK, 0.0) + 0.25 * z

    shifted = tanh_shifted(SHIFT).value
    for name, known, own in (
        ("shifted tanh", certified_tanh(SHIFT), shifted),
        ("sines", sine_mixture(a, w, p), waves),
        ("polynomial", hermite_polynomial(POLYNOMIAL), polynomial),
        ("plain function", plain, ramp),
    ):
        yield name, own, link_statistics(known, noise_std=noise_std)


def every_activation() -> Iterator[tuple[str, dict[str, float], Mapping[str, float]]]:
    """Yield the name, the statistics by grids and the theory's, by code name."""
    for name, act in ACTIVATIONS.items():
        found = activation_statistics(name)
        first, slope = mean(act.value), mean(act.slope)
        square = mean_square(act.value)
        seen = {
            "mean": first,
            "c_act": slope,
            "act_second": curvature(act.value),
            "act_prime_var": mean_square(act.slope) - slope**2,
            "second_moment": square,
            "c_perp2": square - first**2 - slope**2,
        }
        yield name, seen, {key: float(getattr(found, key)) for key in seen}


def spike_gram(activation: str, *, spread: float, width: int, degrees: int) -> Array:
    """Return N E_a[sh_k(a) sh_l(a)], k, l = 1 to ``degrees``, a normal with this spread.

    sh_j(a) is the j-th Hermite coefficient of t -> E_z act(z + a t), both by grids; a by a rule
    of 40 Gauss-Hermite nodes, which has both signs.
    """
    act = ACTIVATIONS[activation].value
    z, step = midpoints(CELLS // 2)
    weight = density(z) * step
    basis = torch.stack([hermite(z, j) for j in range(1, degrees + 1)]) * weight
    nodes, mass = np.polynomial.hermite_e.hermegauss(40)
    rows = [basis @ (act(z[:, None] * float(spread * x) + z) @ weight) for x in nodes]
    sh = torch.stack(rows).numpy()
    weights: Any = mass / math.sqrt(2 * math.pi)
    return np.asarray(width * (sh.T * weights) @ sh)
