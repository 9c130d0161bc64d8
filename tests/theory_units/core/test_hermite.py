"""Hermite statistics: closed forms, certified radii, unknown functions, refusals."""

import math

import numpy as np
import pytest
import sympy as sp

from theory.core.gauss.hermite import activation_statistics, hermite_functions, link_statistics
from theory.core.gauss.links import NAMED_LINKS, hermite_polynomial, sine_mixture, tanh_shifted

# the plain functions are integrated without knowing the Link behind them
UNKNOWN = {name: link.function for name, link in NAMED_LINKS.items()}


@pytest.mark.parametrize("name", NAMED_LINKS)
def test_named_links_agree_with_quadrature_of_the_bare_function(name: str) -> None:
    certified = link_statistics(name, noise_std=0.3)
    estimated = link_statistics(UNKNOWN[name], noise_std=0.3)
    assert certified.certified
    assert not estimated.certified
    assert certified.radius < 1e-15 * max(1, certified.second_moment)
    allowed = certified.radius + estimated.radius
    assert np.abs(certified.coefficients - estimated.coefficients).max() <= allowed
    assert abs(certified.residual_var - estimated.residual_var) <= allowed


@pytest.mark.parametrize("name", NAMED_LINKS)
def test_parts_add_up(name: str) -> None:
    s = link_statistics(name, noise_std=0.5)
    assert s.second_moment == pytest.approx(s.c1**2 + s.residual_var, abs=1e-14)
    assert (s.c0, s.c1) == tuple(s.coefficients[:2])
    explained = np.sum(s.coefficients**2) + 0.25
    assert explained <= s.second_moment * (1 + 1e-14)


@pytest.mark.parametrize(
    ("name", "c0", "c1", "square"),
    [
        ("relu", 1 / math.sqrt(2 * math.pi), 0.5, 0.5),
        ("abs", math.sqrt(2 / math.pi), 0.0, 1.0),
        ("sign", 0.0, math.sqrt(2 / math.pi), 1.0),
        ("erf", 0.0, 2 / math.sqrt(3 * math.pi), 2 / math.pi * math.asin(2 / 3)),
        ("he12", 0.0, 1.0, 1.5),
        ("tanh", 0.0, 0.60570550960215882, 0.39429449039784118),
    ],
)
def test_textbook_values(name: str, c0: float, c1: float, square: float) -> None:
    s = link_statistics(name)
    assert (s.c0, s.c1, s.second_moment) == pytest.approx((c0, c1, square), abs=2e-16)


def test_tanh_second_moment_is_one_minus_its_slope() -> None:
    """tanh' = 1 - tanh^2, so E tanh^2 = 1 - c1: ties two independent integrals together."""
    s = link_statistics("tanh")
    assert s.second_moment + s.c1 == pytest.approx(1.0, abs=3e-16)


def test_polynomial_coefficients_are_scaled_by_root_factorials() -> None:
    s = link_statistics(hermite_polynomial([1.0, 2.0, -1.0, 0.5]), max_degree=5)
    expected = [1.0, 2.0, -math.sqrt(2), 0.5 * math.sqrt(6), 0.0, 0.0]
    assert s.coefficients == pytest.approx(expected, abs=1e-15)
    assert s.residual_var == pytest.approx(1 + 2 + 1.5, abs=1e-15)


def test_polynomial_beyond_max_degree_keeps_its_whole_energy() -> None:
    s = link_statistics(hermite_polynomial([0.0, 0.0, 0.0, 1.0]), max_degree=2)
    assert s.coefficients.shape == (3,)
    assert s.residual_var == pytest.approx(6.0)


@pytest.mark.parametrize(
    "link", [sine_mixture([1.0, 0.3], [1.0, 2.5], [0.2, 0.0]), tanh_shifted(0.7)]
)
def test_constructed_links_agree_with_quadrature(link) -> None:
    certified, estimated = link_statistics(link), link_statistics(link.function)
    assert np.abs(certified.coefficients - estimated.coefficients).max() < 1e-14
    assert certified.residual_var == pytest.approx(estimated.residual_var, abs=1e-14)
    a, b = activation_statistics(link), link.function
    step = 1e-6
    numeric = activation_statistics(
        b, derivative=lambda z: (b(z + step) - b(z - step)) / (2 * step)
    )
    assert a.act_prime_var == pytest.approx(numeric.act_prime_var, abs=1e-8)
    assert a.c_perp2 == pytest.approx(numeric.c_perp2, abs=1e-13)


@pytest.mark.parametrize("where", [0.1234567, -1.7])
def test_unknown_kinks_and_jumps_are_found(where: float) -> None:
    jump = link_statistics(lambda z: np.where(z > where, 1.0, 0.0))
    density = math.exp(-where * where / 2) / math.sqrt(2 * math.pi)
    assert jump.c0 == pytest.approx(math.erfc(where / math.sqrt(2)) / 2, abs=1e-13)
    assert jump.c1 == pytest.approx(density, abs=1e-13)
    kink = link_statistics(lambda z: np.maximum(z - where, 0.0))
    assert kink.c1 == pytest.approx(math.erfc(where / math.sqrt(2)) / 2, abs=1e-13)


def test_narrow_features_can_be_announced() -> None:
    edges = (1.0001, 1.0002)

    def bump(z: np.ndarray) -> np.ndarray:
        return np.where((z > edges[0]) & (z < edges[1]), 1e4, 0.0)

    exact = 1e4 * (math.erf(edges[1] / math.sqrt(2)) - math.erf(edges[0] / math.sqrt(2))) / 2
    s = link_statistics(bump, breakpoints=edges)
    assert s.c0 == pytest.approx(exact, rel=1e-12)


def test_activation_statistics_of_relu_abs_and_erf() -> None:
    relu = activation_statistics("relu")
    assert (relu.c_act, relu.act_prime_var) == (0.5, 0.25)
    assert relu.act_second == pytest.approx(1 / math.sqrt(2 * math.pi), abs=1e-16)
    assert relu.c_perp2 == pytest.approx(0.25 - 1 / (2 * math.pi), abs=1e-16)
    assert activation_statistics("abs").act_prime_var == 1.0
    erf = activation_statistics("erf")
    slope_square = 4 / math.pi / math.sqrt(5)
    assert erf.act_prime_var == pytest.approx(slope_square - 4 / (3 * math.pi), abs=1e-16)


def test_activation_of_a_plain_function_needs_a_consistent_derivative() -> None:
    plain = activation_statistics(np.tanh, derivative=lambda z: 1 - np.tanh(z) ** 2)
    named = activation_statistics("tanh")
    for field in ("c_act", "act_second", "act_prime_var", "c_perp2", "mean", "second_moment"):
        assert getattr(plain, field) == pytest.approx(getattr(named, field), abs=1e-14)
    with pytest.raises(ValueError, match="derivative=None"):
        activation_statistics(np.tanh)
    with pytest.raises(ValueError, match="a jump or a mistake"):
        activation_statistics(np.sign, derivative=np.zeros_like)
    with pytest.raises(ValueError, match="infinite"):
        activation_statistics("sign")


def test_hermite_functions_match_the_symbolic_polynomials() -> None:
    z, x = np.array([-1.5, 0.0, 0.7]), sp.Symbol("x")
    values = hermite_functions(z, 6)
    for k in range(7):
        weight = sp.exp(-(x**2) / 2)
        polynomial = sp.expand(sp.simplify((-1) ** k * sp.diff(weight, x, k) / weight))
        exact = [float(polynomial.subs(x, sp.Float(v, 30)) / sp.sqrt(sp.factorial(k))) for v in z]
        assert values[k] == pytest.approx(exact, abs=1e-14)


@pytest.mark.parametrize(
    ("link", "options", "message"),
    [
        ("swish", {}, "link='swish'"),
        ("tanh", {"noise_std": -0.1}, "noise_std=-0.1"),
        ("tanh", {"noise_std": math.nan}, "noise_std=nan"),
        ("tanh", {"max_degree": 0}, "max_degree=0"),
        ("tanh", {"max_degree": 65}, "max_degree=65"),
        (lambda z: np.exp(z * z / 4), {}, "no finite mean"),
        (lambda z: z[:-1], {}, "needs the same"),
        (lambda z: np.where(z > 3, np.nan, z), {}, "not finite at z="),
        (lambda z: np.sign(np.sin(1e6 * z)), {}, "not resolved"),
        (3.0, {}, "needs a name"),
    ],
)
def test_refusals(link: object, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        link_statistics(link, **options)


@pytest.mark.parametrize("name", sorted(NAMED_LINKS))
@pytest.mark.parametrize("degree", [0, 1, 2, 5])
def test_certified_statistics_of_few_degrees_begin_those_of_many(name, degree):
    """A lower degree leaves coefficients out and changes none."""
    few, many = NAMED_LINKS[name].balls(degree), NAMED_LINKS[name].balls(8)
    assert len(few.coefficients) == degree + 1
    for a, b in zip(few.coefficients, many.coefficients, strict=False):
        assert float(a) == pytest.approx(float(b), rel=1e-14, abs=1e-14)
