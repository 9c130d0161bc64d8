"""Hermite coefficients of links and activations, and the statistics built from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import arb

from theory.core.gauss.balls import Balls, double_and_radius, precision
from theory.core.gauss.links import NAMED_LINKS, Link
from theory.core.gauss.quadrature import gaussian_expectation
from theory.core.guards import count, in_float_range, real
from theory.core.spectrum import Array

Function = Callable[[Array], Array]
_MAX_DEGREE = 64


@dataclass(frozen=True, eq=False)
class LinkStatistics:
    """Statistics of y = g(z) + noise, z ~ N(0, 1), noise of variance noise_std^2.

    coefficients: (max_degree + 1,), a_k = E g(z) He_k(z) / sqrt(k!); c0 = a_0, c1 = a_1 = E g'(z);
    residual_var = E (y - c1 z)^2 = c0^2 + sum_{k>=2} a_k^2 + noise_std^2; second_moment = E y^2.
    radius bounds the absolute error of every number here: proven if ``certified``, else estimated.
    """

    name: str
    c0: float
    c1: float
    residual_var: float
    second_moment: float
    coefficients: Array
    noise_std: float
    radius: float
    certified: bool


@dataclass(frozen=True, eq=False)
class ActivationStatistics:
    """Statistics of an activation at z ~ N(0, 1).

    mean = E act; c_act = E act'; act_second = E act'' (by Stein E[(z^2 - 1) act], also where act''
    is a distribution); act_prime_var = Var act'; second_moment = E act^2;
    c_perp2 = E act^2 - mean^2 - c_act^2; coefficients, radius, certified as in LinkStatistics.
    """

    name: str
    mean: float
    c_act: float
    act_second: float
    act_prime_var: float
    second_moment: float
    c_perp2: float
    coefficients: Array
    radius: float
    certified: bool


@in_float_range
def link_statistics(
    link: str | Link | Function,
    *,
    noise_std: float = 0.0,
    max_degree: int = 24,
    breakpoints: Sequence[float] = (),
) -> LinkStatistics:
    """Return the statistics of ``y = link(z) + noise``.

    link: a name of NAMED_LINKS, a Link, or a function from arrays to arrays of the same shape.
    Names and Links carry a proven radius from ball arithmetic; a plain function is integrated
    adaptively, split at ``breakpoints``, and its radius is an estimate.
    Raises: ValueError for an unknown name, a negative or infinite noise_std, max_degree outside
            [1, 64], a function that is not finite, not square-integrable or not resolved.
    """
    if not (math.isfinite(real("noise_std", noise_std)) and noise_std >= 0):
        raise ValueError(f"noise_std={noise_std!r}, needs to be finite and >= 0")
    degree = _degree(max_degree)
    noise_std = float(noise_std)
    noise_var = noise_std * noise_std
    known = _known(link)
    if known is not None:
        balls = _balls(known, degree)
        with precision():
            noise = arb(noise_std) ** 2
            a = balls.coefficients
            rest = balls.square - a[1] ** 2 + noise
            numbers, radius = _doubles([rest, balls.square + noise, *a])
        name, certified = known.name, True
    else:
        g = _checked(_callable(link))
        values, radius = gaussian_expectation(lambda z: _products(g(z), z, degree), breakpoints)
        c1, square = values[2], values[0]
        rest, error = gaussian_expectation(lambda z: ((g(z) - c1 * z) ** 2)[None], breakpoints)
        radius = max(radius, error)
        numbers = np.array([rest[0] + noise_var, square + noise_var, *values[1:]])
        name, certified = getattr(link, "__name__", type(link).__name__), False
    coefficients = numbers[2:].copy()
    return LinkStatistics(
        name=name,
        c0=float(coefficients[0]),
        c1=float(coefficients[1]),
        residual_var=float(numbers[0]),
        second_moment=float(numbers[1]),
        coefficients=coefficients,
        noise_std=float(noise_std),
        radius=radius,
        certified=certified,
    )


@in_float_range
def activation_statistics(
    activation: str | Link | Function,
    *,
    derivative: Function | None = None,
    max_degree: int = 24,
    breakpoints: Sequence[float] = (),
) -> ActivationStatistics:
    """Return the statistics of an activation.

    activation: as ``link`` in link_statistics; for a plain function its ``derivative`` is needed.
    Raises: ValueError as link_statistics, if the derivative is missing, disagrees with the
            activation (Stein: E act' = E z act), or is not square-integrable (a jump, as in sign).
    """
    degree = max(2, _degree(max_degree))
    known = _known(activation)
    if known is not None:
        balls = _balls(known, degree)
        if balls.slope_square is None:
            raise ValueError(f"activation={known.name!r} jumps: Var act' is infinite")
        with precision():
            a = balls.coefficients
            parts = [
                balls.slope_square - a[1] ** 2,
                balls.square,
                balls.square - a[0] ** 2 - a[1] ** 2,
                arb(2).sqrt() * a[2],
            ]
            numbers, radius = _doubles([*parts, *a])
        return _activation(known.name, numbers, radius, True)
    if derivative is None:
        raise ValueError("derivative=None, needs the derivative of a plain activation function")
    act, slope = _checked(_callable(activation)), _checked(derivative)
    values, radius = gaussian_expectation(lambda z: _products(act(z), z, degree), breakpoints)
    mean, c_act = values[1], values[2]

    def centred(z: Array) -> Array:
        s = slope(z)
        return np.stack([(s - c_act) ** 2, (act(z) - mean - c_act * z) ** 2, s])

    (slope_var, c_perp2, stein), error = gaussian_expectation(centred, breakpoints)
    if abs(stein - c_act) > 1e-9 * (1 + abs(c_act)):
        raise ValueError(f"E derivative = {stein!r} but E z act = {c_act!r}: a jump or a mistake")
    parts_ = [slope_var, values[0], c_perp2, math.sqrt(2) * values[3]]
    name = getattr(activation, "__name__", type(activation).__name__)
    return _activation(name, np.array([*parts_, *values[1:]]), max(radius, error), False)


def hermite_functions(z: Array, degree: int) -> Array:
    """Normalised Hermite polynomials of degrees 0 to ``degree`` at z (p,): (degree + 1, p)."""
    values = np.ones((degree + 1, z.size))
    if degree >= 1:
        values[1] = z
    for k in range(1, degree):
        values[k + 1] = (z * values[k] - math.sqrt(k) * values[k - 1]) / math.sqrt(k + 1)
    return values


def _activation(name: str, numbers: Array, radius: float, certified: bool) -> ActivationStatistics:
    slope_var, square, c_perp2, second, *a = (float(x) for x in numbers)
    return ActivationStatistics(
        name=name,
        mean=a[0],
        c_act=a[1],
        act_second=second,
        act_prime_var=slope_var,
        second_moment=square,
        c_perp2=c_perp2,
        coefficients=np.array(a),
        radius=radius,
        certified=certified,
    )


def _products(g: Array, z: Array, degree: int) -> Array:
    return np.concatenate(((g * g)[None], g * hermite_functions(z, degree)))


def _known(link: str | Link | Function) -> Link | None:
    if isinstance(link, Link):
        return link
    if isinstance(link, str):
        if link not in NAMED_LINKS:
            raise ValueError(f"link={link!r}, needs one of {sorted(NAMED_LINKS)} or a function")
        return NAMED_LINKS[link]
    return None


def link_function(link: str | Function) -> Function:
    """Return a link given as a function; it refuses values that are not finite.

    Raises: ValueError for what cannot be called.
    """
    return _checked(_callable(link))


def _callable(link: str | Link | Function) -> Function:
    if isinstance(link, str) or not callable(link):
        raise ValueError(f"link={link!r}, needs a name, a Link or a function")
    return link


def _checked(function: Function) -> Function:
    def evaluate(z: Array) -> Array:
        values = np.asarray(function(z), dtype=np.float64)
        if values.shape != z.shape:
            raise ValueError(f"the function maps shape {z.shape} to {values.shape}, needs the same")
        if not np.isfinite(values).all():
            bad = float(z[~np.isfinite(values)][0])
            raise ValueError(f"the function is not finite at z={bad!r}")
        return values

    return evaluate


def _degree(max_degree: int) -> int:
    degree = count("max_degree", max_degree)
    if degree > _MAX_DEGREE:
        raise ValueError(f"max_degree={max_degree!r}, needs 1 <= max_degree <= {_MAX_DEGREE}")
    return degree


@lru_cache(maxsize=64)
def _balls(link: Link, degree: int) -> Balls:
    with precision():
        return link.balls(degree)


def _doubles(balls: Sequence[arb]) -> tuple[Array, float]:
    pairs = [double_and_radius(ball) for ball in balls]
    return np.array([value for value, _ in pairs]), max(radius for _, radius in pairs)
