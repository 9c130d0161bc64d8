"""Link functions and activations whose Gaussian statistics are known with a certified radius."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import acb, arb
from scipy.special import erf as scipy_erf

from theory.core.gauss.balls import Balls, bounded_expectation, root_factorial
from theory.core.guards import reals
from theory.core.spectrum import Array


@dataclass(frozen=True)
class Link:
    """A scalar function with its kinks and jumps, and its certified statistics.

    function maps arrays to arrays of the same shape; breakpoints are the places where it is not
    smooth; balls(degree) returns certified statistics up to that Hermite degree.
    """

    name: str
    function: Callable[[Array], Array]
    breakpoints: tuple[float, ...]
    balls: Callable[[int], Balls]

    def __call__(self, z: Array) -> Array:
        return self.function(z)


def hermite_polynomial(coefficients: Sequence[float], *, name: str | None = None) -> Link:
    """sum_k coefficients[k] He_k, in the probabilists' basis He_0 = 1, He_1 = z, He_2 = z^2 - 1."""
    basis = _numbers("coefficients", coefficients)

    def balls(degree: int) -> Balls:
        a = [arb(float(c)) * root_factorial(k) for k, c in enumerate(basis)]
        square = sum((x * x for x in a), arb(0))
        slope_square = sum((k * x * x for k, x in enumerate(a)), arb(0))
        padded = a + [arb(0)] * (degree + 1 - len(a))
        return Balls(padded[: degree + 1], square, slope_square)

    def function(z: Array) -> Array:
        return np.asarray(np.polynomial.hermite_e.hermeval(z, basis), dtype=np.float64)

    return Link(name or f"hermite_polynomial({basis.tolist()})", function, (), balls)


def sine_mixture(
    amplitudes: Sequence[float],
    frequencies: Sequence[float],
    phases: Sequence[float] | None = None,
) -> Link:
    """sum_j amplitudes[j] sin(frequencies[j] z + phases[j])."""
    A, omega = _numbers("amplitudes", amplitudes), _numbers("frequencies", frequencies)
    p = _numbers("phases", np.zeros(A.size) if phases is None else phases)
    if not A.shape == omega.shape == p.shape:
        raise ValueError(f"lengths {A.size}, {omega.size}, {p.size} differ, need to be equal")
    waves = [
        (arb(float(a)), arb(float(o)), arb(float(q))) for a, o, q in zip(A, omega, p, strict=True)
    ]

    def balls(degree: int) -> Balls:
        quarter = arb.pi() / 2
        a = [
            sum(
                (c * o**k * (-o * o / 2).exp() * (q + k * quarter).sin() for c, o, q in waves),
                arb(0),
            )
            / root_factorial(k)
            for k in range(degree + 1)
        ]
        slopes = [(c * o, o, q + quarter) for c, o, q in waves]
        return Balls(a, _mixture_square(waves), _mixture_square(slopes))

    def function(z: Array) -> Array:
        return np.sin(np.multiply.outer(z, omega) + p) @ A

    return Link(f"sine_mixture({A.tolist()}, {omega.tolist()}, {p.tolist()})", function, (), balls)


def tanh_shifted(shift: float) -> Link:
    """tanh(z + shift)."""
    offset = float(_numbers("shift", [shift])[0])

    def tanh(z: acb) -> acb:
        return (z + offset).tanh()

    def balls(degree: int) -> Balls:
        a = [bounded_expectation(tanh, k) for k in range(degree + 1)]
        square = bounded_expectation(lambda z: tanh(z) ** 2, 0)
        slope_square = bounded_expectation(lambda z: (1 - tanh(z) ** 2) ** 2, 0)
        return Balls(a, square, slope_square)

    name = "tanh" if offset == 0 else f"tanh_shifted({offset})"
    return Link(name, lambda z: np.tanh(z + offset), (), balls)


def _relu_balls(degree: int) -> Balls:
    half = _abs_balls(degree)
    a = [x / 2 for x in half.coefficients]
    if degree >= 1:
        a[1] = arb("0.5")
    return Balls(a, arb("0.5"), arb("0.5"))


def _abs_balls(degree: int) -> Balls:
    """E|z| He_k = 2 He_{k-2}(0) / sqrt(2 pi) for even k >= 2: |z|'' is twice a delta at 0."""
    root = (2 / arb.pi()).sqrt()
    zeros = _hermite_at_zero(degree)
    a = [root] + [arb(0)] * degree
    for k in range(2, degree + 1, 2):
        a[k] = root * zeros[k - 2] / root_factorial(k)
    return Balls(a, arb(1), arb(1))


def _sign_balls(degree: int) -> Balls:
    """E sign(z) He_k = 2 He_{k-1}(0) / sqrt(2 pi)."""
    zeros = _hermite_at_zero(degree)
    a = [arb(0)] * (degree + 1)
    for k in range(1, degree + 1, 2):
        a[k] = (2 / arb.pi()).sqrt() * zeros[k - 1] / root_factorial(k)
    return Balls(a, arb(1), None)


def _erf_balls(degree: int) -> Balls:
    """E erf(z + t) = erf(t / sqrt(3)), whose k-th derivative at 0 is E erf(z) He_k(z)."""
    zeros = _hermite_at_zero(degree)
    a = [arb(0)] * (degree + 1)
    scale = (arb(2) / 3).sqrt()
    for k in range(1, degree + 1, 2):
        outer = 2 / arb.pi().sqrt() * zeros[k - 1]
        a[k] = outer * scale ** (k - 1) / arb(3).sqrt() / root_factorial(k)
    square = 2 / arb.pi() * (arb(2) / 3).asin()
    return Balls(a, square, 4 / (arb.pi() * arb(5).sqrt()))


def _hermite_at_zero(degree: int) -> list[int]:
    """He_k(0) for k = 0 to degree."""
    values = [1, 0]
    for k in range(1, degree):
        values.append(-k * values[k - 1])
    return values[: degree + 1]


def _mixture_square(waves: Sequence[tuple[arb, arb, arb]]) -> arb:
    """E of the square of a sum of sines, from the cosines of differences and sums."""
    total = arb(0)
    for a, o, p in waves:
        for b, u, q in waves:
            same = (p - q).cos() * (-((o - u) ** 2) / 2).exp()
            total += a * b * (same - (p + q).cos() * (-((o + u) ** 2) / 2).exp()) / 2
    return total


def _numbers(name: str, values: Sequence[float] | Array) -> Array:
    array = reals(name, values)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name}={values!r}, needs a non-empty list of finite numbers")
    return array


NAMED_LINKS: dict[str, Link] = {
    "tanh": tanh_shifted(0.0),
    "erf": Link("erf", lambda z: scipy_erf(z), (), _erf_balls),
    "relu": Link("relu", lambda z: np.maximum(z, 0.0), (0.0,), _relu_balls),
    "abs": Link("abs", lambda z: np.abs(z), (0.0,), _abs_balls),
    "sign": Link("sign", lambda z: np.sign(z), (0.0,), _sign_balls),
    "identity": hermite_polynomial([0.0, 1.0], name="identity"),
    "he2": hermite_polynomial([0.0, 0.0, 1.0], name="he2"),
    "he3": hermite_polynomial([0.0, 0.0, 0.0, 1.0], name="he3"),
    "he12": hermite_polynomial([0.0, 1.0, 0.5], name="he12"),
    "he13": hermite_polynomial([0.0, 1.0, 0.0, 0.5], name="he13"),
}
