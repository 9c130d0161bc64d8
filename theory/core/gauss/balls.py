"""Ball arithmetic for Gaussian expectations: numbers that carry a proven error radius."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flint import acb, arb, ctx

BITS = 160
_CUT = 20  # integrals are taken over [-20, 20]; the rest is bounded
_TOLERANCE_BITS = 110


@contextmanager
def precision(bits: int = BITS) -> Iterator[None]:
    """Work at ``bits`` bits inside the block; the setting before it comes back."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


@dataclass(frozen=True)
class Balls:
    """Certified Gaussian statistics of a function g.

    coefficients: a_k = E g(z) He_k(z) / sqrt(k!), k = 0, 1, ...; square: E g(z)^2;
    slope_square: E g'(z)^2, None where it is infinite.
    """

    coefficients: Sequence[arb]
    square: arb
    slope_square: arb | None


def root_factorial(k: int) -> arb:
    """sqrt(k!)."""
    return arb(math.factorial(k)).sqrt()


def hermite_values(z: acb | arb, degree: int) -> list[acb | arb]:
    """Values at z of the normalised Hermite polynomials of degrees 0 to ``degree``."""
    values = [z * 0 + 1, z]
    for k in range(1, degree):
        values.append((z * values[k] - arb(k).sqrt() * values[k - 1]) / arb(k + 1).sqrt())
    return values[: degree + 1]


def bounded_expectation(function: Callable[[acb], acb], degree: int) -> arb:
    """E[g(z) h_degree(z)] for a meromorphic g with |g| <= 1 on the real line.

    Outside [-20, 20] the integrand is at most |h| times the density; by Cauchy-Schwarz that part is
    at most the square root of P(|z| > 20), which is added to the radius.
    """
    norm = (2 * arb.pi()).sqrt()

    def integrand(z: acb, _: bool) -> acb:
        return function(z) * hermite_values(z, degree)[degree] * (-z * z / 2).exp() / norm

    tolerance = arb(2) ** -_TOLERANCE_BITS
    inside = acb.integral(integrand, -_CUT, _CUT, rel_tol=tolerance, abs_tol=tolerance).real
    tail = (arb(_CUT) / arb(2).sqrt()).erfc().sqrt()
    return inside + arb(0, 1) * tail


def double_and_radius(value: arb) -> tuple[float, float]:
    """The nearest double and a bound on its distance to every number in the ball."""
    double = float(value.mid())
    if not math.isfinite(double):
        raise ArithmeticError(f"ball {value} has no finite midpoint")
    return double, float((value - arb(double)).abs_upper())
