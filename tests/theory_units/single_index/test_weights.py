"""SI-01, SI-07, SI-09, SI-10, SI-12: gradient, risk, outliers, feature spikes, polar factor."""

import math

import numpy as np
import pytest
import sympy as sp

from theory.core.gauss.hermite import activation_statistics, link_statistics
from theory.core.gauss.links import hermite_polynomial, sine_mixture, tanh_shifted
from theory.core.spectrum import Spectrum
from theory.single_index import (
    alignment,
    critical_step_size,
    feature_outliers,
    gradient_remainder_ratio,
    mehler_risk,
    operator_ratio_rate,
    outlier,
    polar_edge,
    spike_count,
    spike_matrix,
)
from theory.single_index.notation import eta, m_edge
from theory.single_index.notation import width_ratio as psi
from theory.single_index.polar import SI_12

TWO = Spectrum.two_atom(0.5)


@pytest.mark.parametrize("width_ratio", [0.3, 1.0, 2.5])
def test_outlier_is_continuous_at_its_threshold(width_ratio: float) -> None:
    threshold = outlier(strength=0.0, width_ratio=width_ratio).threshold
    assert threshold == pytest.approx(width_ratio**0.25, rel=1e-15)
    below = outlier(strength=threshold * (1 - 1e-9), width_ratio=width_ratio)
    above = outlier(strength=threshold * (1 + 1e-9), width_ratio=width_ratio)
    assert below.singular_value == pytest.approx(1 + math.sqrt(width_ratio), rel=1e-15)
    assert (below.left_overlap2, below.right_overlap2) == (0.0, 0.0)
    assert above.singular_value == pytest.approx(below.singular_value, rel=1e-14)
    assert 0 < above.left_overlap2 < 1e-8


def test_outlier_against_its_textbook_form() -> None:
    theta, psi = 2.0, 1.5
    found = outlier(strength=theta, width_ratio=psi)
    assert found.singular_value**2 == pytest.approx((1 + theta**2) * (psi + theta**2) / theta**2)
    left = 1 - psi * (1 + theta**2) / (theta**2 * (theta**2 + psi))
    assert found.left_overlap2 == pytest.approx(left, rel=1e-14)
    right = 1 - (psi + theta**2) / (theta**2 * (1 + theta**2))
    assert found.right_overlap2 == pytest.approx(right, rel=1e-14)


def test_outlier_against_a_random_matrix() -> None:
    """Fluctuations are O(1/sqrt(d)): 0.05 for the position at d = 600, 0.05 for overlaps."""
    rng, d, N, theta = np.random.default_rng(9), 600, 900, 2.0
    u, v = np.eye(N)[0], np.eye(d)[0]
    U, s, Vt = np.linalg.svd(
        rng.standard_normal((N, d)) / math.sqrt(d) + theta * np.outer(u, v), full_matrices=False
    )
    found = outlier(strength=theta, width_ratio=N / d)
    assert s[0] == pytest.approx(found.singular_value, abs=3 / math.sqrt(d))
    assert U[0, 0] ** 2 == pytest.approx(found.left_overlap2, abs=3 / math.sqrt(d))
    assert Vt[0, 0] ** 2 == pytest.approx(found.right_overlap2, abs=3 / math.sqrt(d))


def test_critical_step_reaches_the_threshold() -> None:
    step = critical_step_size(c_act=-0.5, direction_norm=2.0, width_ratio=1.5)
    assert step * 0.5 * 2.0 == pytest.approx(1.5**0.25)
    with pytest.raises(ValueError, match="abs_c_act=0"):
        critical_step_size(c_act=0.0, direction_norm=2.0, width_ratio=1.5)


@pytest.mark.parametrize(("step_size", "edge"), [(0.5, 2.386), (2.0, 3.611), (10.0, 11.46)])
def test_polar_edge_values(step_size: float, edge: float) -> None:
    found = polar_edge(step_size=step_size, width_ratio=1.5)
    assert found == pytest.approx(edge, abs=5.1e-3 if edge > 10 else 5.1e-4)


@pytest.mark.parametrize("width_ratio", [1.0, 1.5, 20.0])
def test_polar_edge_limits(width_ratio: float) -> None:
    bulk = 1 + math.sqrt(width_ratio)
    assert polar_edge(step_size=0.0, width_ratio=width_ratio) == pytest.approx(bulk, rel=1e-15)
    tiny = polar_edge(step_size=1e-6, width_ratio=width_ratio)
    assert tiny == pytest.approx(bulk, rel=1e-10)
    huge = polar_edge(step_size=1e6, width_ratio=width_ratio)
    assert huge / 1e6 == pytest.approx(1.0, abs=1e-5)


def test_polar_edge_is_the_minimum() -> None:
    values = {"step_size": 0.7, "width_ratio": 2.0}
    grid = np.linspace(-0.999, -0.001, 4001)
    brute = min(SI_12["edge"].number(edge_parameter=float(m), **values) for m in grid[::10])
    found = polar_edge(**values) ** 2
    assert found <= brute
    assert found == pytest.approx(brute, rel=1e-4)


def test_polar_edge_formula_is_convex() -> None:
    """On (-1, 0) every term of the second derivative is positive (psi >= 1)."""
    x = 1 + m_edge
    second = sp.diff(SI_12["edge"].relation.rhs, m_edge, 2)
    terms = 6 * eta**2 / x**4 + 2 * (psi - 1) / x**3 + 2 / x**3 - 2 / m_edge**3
    assert sp.simplify(second - terms) == 0


def test_polar_edge_refuses_a_wide_input() -> None:
    with pytest.raises(ValueError, match=r"width_ratio=0.9, needs >= 1"):
        polar_edge(step_size=1.0, width_ratio=0.9)
    with pytest.raises(ValueError, match=r"step_size=-1.0"):
        polar_edge(step_size=-1.0, width_ratio=2.0)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_frobenius_ratio_of_the_gradient_remainder(activation: str) -> None:
    """One gradient at d = N = 500, n = 1000: self-averaging, tolerance 10 percent."""
    d, n, N = 500, 1000, 500
    rng = np.random.default_rng(31)
    act = activation_statistics(activation)
    link = link_statistics("relu", noise_std=0.3)
    s = np.repeat(TWO.eigenvalues, d // 2)
    b = rng.standard_normal(d)
    b /= math.sqrt(b @ (s * b))
    X = rng.standard_normal((n, d)) * np.sqrt(s)
    y = np.maximum(X @ b, 0) + 0.3 * rng.standard_normal(n)
    G = rng.standard_normal((N, d)) / math.sqrt(d)
    f = rng.standard_normal(N) / math.sqrt(N)
    h = X @ G.T
    slope = (h > 0).astype(float) if activation == "relu" else 1 / np.cosh(h) ** 2
    gradient = f[:, None] * ((slope * y[:, None]).T @ X) / n
    rank_one = act.c_act * np.outer(f, y @ X / n)
    found = np.linalg.norm(gradient - rank_one) / np.linalg.norm(rank_one)
    predicted = gradient_remainder_ratio(
        spectrum=TWO,
        aspect=d / n,
        c0=link.c0,
        c1=link.c1,
        residual_var=link.residual_var,
        c_act=act.c_act,
        act_prime_var=act.act_prime_var,
        act_second=act.act_second,
    )
    assert found == pytest.approx(predicted, rel=0.1)


def test_operator_rate_is_a_rate() -> None:
    assert operator_ratio_rate(400) == pytest.approx(math.sqrt(math.log(400) / 400), rel=1e-15)
    with pytest.raises(ValueError, match="width=1"):
        operator_ratio_rate(1)


def test_spike_count_follows_the_separation_conditions() -> None:
    for alpha in np.linspace(0.011, 0.489, 60):
        count = spike_count(float(alpha))
        assert (count - 1) / (2 * count) < alpha < count / (2 * count + 2)
    with pytest.raises(ValueError, match=r"alpha=0.25 is the threshold of spike 2"):
        spike_count(0.25)
    with pytest.raises(ValueError, match=r"alpha=0.5, needs"):
        spike_count(0.5)


def test_spike_matrix_of_polynomials_is_exact() -> None:
    """E_z He_3(z + a t) = (a t)^3 = a^3 (He_3(t) + 3 t), and E a^6 = 15 V^3."""
    width, strength = 400, 6.0
    variance = strength**2 / width
    sixth = 15 * variance**3
    found = spike_matrix(
        hermite_polynomial([0.0, 0.0, 0.0, 1.0]),
        spike_strength=strength,
        spike_variance=1.0,
        width=width,
        harmonics=3,
    )
    expected = np.zeros((3, 3))
    expected[0, 0], expected[2, 2] = 9 * sixth, 6 * sixth
    expected[0, 2] = expected[2, 0] = 3 * math.sqrt(6) * sixth
    assert found == pytest.approx(width * expected, rel=1e-11, abs=1e-9)


def test_spike_matrix_of_a_sine_matches_its_closed_form() -> None:
    """E_z sin(z + a t) = e^{-1/2} sin(a t), whose first coefficient is a e^{-(1 + a^2)/2}."""
    width, strength = 100, 30.0  # spread 3: far beyond the linear regime
    found = spike_matrix(
        sine_mixture([1.0], [1.0]), spike_strength=strength, spike_variance=1.0, width=width
    )
    variance = strength**2 / width
    # E a^2 e^{-(1 + a^2)} for a ~ N(0, V) = e^{-1} V / (1 + 2 V)^{3/2}
    expected = width * math.exp(-1) * variance / (1 + 2 * variance) ** 1.5
    assert found[0, 0] == pytest.approx(expected, rel=1e-11)
    assert found[0, 1] == 0.0


def test_feature_outliers_against_a_random_network() -> None:
    """The finite-size rule is good to 4 percent where the outlier is well above the bulk."""
    n, N, d, theta = 2000, 400, 360, 30.0
    rng = np.random.default_rng(5)
    f = rng.standard_normal(N)
    G = rng.standard_normal((N, d)) / math.sqrt(d)
    G[:, 0] += theta * f / np.linalg.norm(f)
    features = np.tanh(rng.standard_normal((n, d)) @ G.T + 0.7)
    seen = np.linalg.svd(features - features.mean(0), compute_uv=False)
    gram = spike_matrix(tanh_shifted(0.7), spike_strength=theta, spike_variance=1.0, width=N)
    found = feature_outliers(gram, samples=n)
    assert seen[0] == pytest.approx(found[0], rel=0.04)
    assert seen[1] == pytest.approx(found[1], rel=0.10)
    assert spike_matrix("relu", spike_strength=0.0, spike_variance=1.0, width=N).max() == 0.0


def test_mehler_risk_of_polynomials_and_its_ends() -> None:
    link = link_statistics("he12", noise_std=0.3)
    for rho2 in (0.0, 0.4, 1.0):
        value, unsure = mehler_risk(link, covariance_alignment=rho2)
        expected = (1 - rho2) + 0.5 * (1 - rho2**2) + 0.09
        assert value == pytest.approx(expected, rel=1e-14)
        assert unsure < 1e-14
    with pytest.raises(ValueError, match=r"covariance_alignment=1.5"):
        mehler_risk(link, covariance_alignment=1.5)


def test_mehler_risk_bounds_its_truncation() -> None:
    coarse = link_statistics("relu", max_degree=6)
    fine = link_statistics("relu", max_degree=60)
    for rho2 in (0.3, 0.9, 0.99):
        value, unsure = mehler_risk(coarse, covariance_alignment=rho2)
        better, rest = mehler_risk(fine, covariance_alignment=rho2)
        assert abs(value - better) <= unsure + rest


def test_mehler_risk_against_the_conditional_mean() -> None:
    """For sign: E[sign(z) | z'] = erf(...), so the risk is 1 - (2/pi) arcsin(rho^2)."""
    link = link_statistics("sign", max_degree=64)
    setup = {"spectrum": TWO, "aspect": 0.5, "c1": link.c1, "residual_var": link.residual_var}
    rho2 = alignment("kfac", weight="covariance", damping=0.3, **setup)
    value, unsure = mehler_risk(link, covariance_alignment=rho2)
    assert value == pytest.approx(1 - 2 / math.pi * math.asin(rho2), abs=unsure)
    assert unsure < 1e-3
