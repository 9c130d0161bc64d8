"""SI-14: known values, the effective-ridge derivative at 30 digits, the stated domain."""

import math

import mpmath
import numpy as np
import pytest

from theory.core.gauss.hermite import activation_statistics, link_statistics
from theory.core.gauss.links import tanh_shifted
from theory.core.spectrum import Spectrum
from theory.single_index.direction import direction
from theory.single_index.features import spike_matrix
from theory.single_index.ridge import _SecondLayer, ridge_risk

TWO = Spectrum.two_atom(0.5)
PAPER = {
    "spectrum": TWO,
    "dimension": 900,
    "samples": 5000,
    "ridge_samples": 5000,
    "width": 1000,
    "link": "tanh",
    "activation": "tanh",
    "noise_std": 0.3,
    "ridge": 0.1,
}


def test_values_at_the_paper_size() -> None:
    """Four digits of an independent derivation, confirmed by its simulation."""
    none = ridge_risk("sgd", spike_strength=0.0, **PAPER)
    sgd = ridge_risk("sgd", spike_strength=4.0, **PAPER)
    kfac = ridge_risk("kfac", damping=0.0, spike_strength=4.0, **PAPER)
    assert (none.test, sgd.test, kfac.test) == pytest.approx((0.2299, 0.1628, 0.1420), abs=6e-5)
    even = {**PAPER, "link": "he12", "activation": tanh_shifted(0.7)}
    found = ridge_risk("kfac", damping=0.0, spike_strength=8.0, **even)
    assert found.test == pytest.approx(0.475, abs=5.1e-4)


def layer(strength: float) -> _SecondLayer:
    link, act = link_statistics("he12", noise_std=0.3), activation_statistics(tanh_shifted(0.7))
    first = direction(
        "kfac",
        spectrum=TWO,
        aspect=0.18,
        c1=link.c1,
        residual_var=link.residual_var,
        damping=0.05,
    )
    gram = spike_matrix(
        tanh_shifted(0.7),
        spike_strength=strength,
        spike_variance=first.energy("covariance") / first.energy("identity"),
        width=1000,
        harmonics=4,
    )
    return _SecondLayer(TWO, first, link, act, gram, 1000 / 900, 0.2)


def high_precision_error(second: _SecondLayer, kappa: mpmath.mpf) -> mpmath.mpf:
    """E(kappa) written out again with mpmath: fixed point, overlaps, matrix."""
    s = [mpmath.mpf(x) for x in TWO.eigenvalues]
    slope = mpmath.mpf(second.act.c_act) ** 2 * mpmath.mpf(second.width_ratio)
    lam, phi = (mpmath.mpf(second.act.c_perp2) + kappa) / slope, 1 / mpmath.mpf(second.width_ratio)

    def mean(values: list) -> mpmath.mpf:
        return mpmath.fsum(values) / 2

    v = mpmath.findroot(
        lambda x: lam * x + phi * mean([a * x / (1 + a * x) for a in s]) - 1, 1 / (lam + phi)
    )
    first, c1 = second.first.values, mpmath.mpf(second.link.c1)
    u, aspect = mpmath.mpf(first["resolvent_v"]), mpmath.mpf(first["aspect"])
    P = [a * u / (1 + a * u) for a in s]
    stability = mpmath.mpf(first["damping"]) * u + aspect * mean([p * (1 - p) for p in P])
    residual = mpmath.mpf(second.link.residual_var)
    tau2 = (residual + c1**2 * mean([a * (1 - p) ** 2 for a, p in zip(s, P, strict=True)])) / (
        stability
    )

    def energy(weights: list) -> mpmath.mpf:
        rows = list(zip(weights, s, P, strict=True))
        signal = c1**2 * mean([t * p * p for t, a, p in rows])
        return signal + aspect * tau2 * mean([t * a * (u / (1 + a * u)) ** 2 for t, a, p in rows])

    shrunk = [a / (1 + a * v) for a in s]
    total = energy(s)
    rho = c1 * mean([a * p for a, p in zip(s, P, strict=True)]) / mpmath.sqrt(total)
    size = len(second.gram)
    C = mpmath.matrix(
        [mpmath.mpf(second.link.coefficients[k]) * rho**k for k in range(1, size + 1)]
    )
    C[0] = c1**2 * mean([t * p for t, p in zip(shrunk, P, strict=True)]) / mpmath.sqrt(total)
    X = mpmath.eye(size)
    X[0, 0] = energy(shrunk) / total
    D = mpmath.matrix(second.gram.tolist()) * v / slope
    explained = (C.T * D * (X * D + mpmath.eye(size)) ** -1 * C)[0]
    return residual - mpmath.mpf(second.link.c0) ** 2 + c1**2 * mean(shrunk) - explained


@pytest.mark.parametrize("strength", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("kappa", [0.02, 0.3])
def test_error_and_its_derivative_at_30_digits(strength: float, kappa: float) -> None:
    second = layer(strength)
    found = second.at(kappa)
    with mpmath.workdps(40):
        exact = high_precision_error(second, mpmath.mpf(kappa))
        slope = mpmath.diff(lambda x: high_precision_error(second, x), mpmath.mpf(kappa))
    assert found["effective_error"] == pytest.approx(float(exact), rel=1e-12)
    assert found["effective_error_slope"] == pytest.approx(float(slope), rel=1e-11)


def test_freedom_is_consistent_with_its_derivative() -> None:
    second, step = layer(3.0), 1e-5
    low, mid, high = (second.at(0.2 + x) for x in (-step, 0.0, step))
    slope = (high["freedom_ratio"] - low["freedom_ratio"]) / (2 * step)
    assert mid["freedom_slope"] == pytest.approx(slope, rel=1e-7)


def test_the_effective_ridge_solves_its_equation() -> None:
    for ridge in (1e-6, 0.1, 10.0):
        found = ridge_risk("sgd", spike_strength=2.0, **{**PAPER, "ridge": ridge})
        kappa = found.effective_ridge
        assert kappa > ridge
        assert found.train == pytest.approx(found.test * (ridge / kappa) ** 2, rel=1e-12)


def test_a_large_ridge_predicts_the_mean() -> None:
    link = link_statistics("tanh", noise_std=0.3)
    found = ridge_risk("sgd", spike_strength=2.0, **{**PAPER, "ridge": 1e8})
    assert found.test == pytest.approx(link.second_moment - link.c0**2, rel=1e-4)
    assert found.train == pytest.approx(found.test, rel=1e-4)


def test_against_one_small_network() -> None:
    """d = 300, n = n2 = 1667, N = 333: stated accuracy 4 percent, plus 5 standard errors."""
    d, n, N, theta, ridge = 300, 1667, 333, 4.0, 0.1
    rng = np.random.default_rng(77)
    s = np.repeat(TWO.eigenvalues, d // 2)
    found = []
    for _ in range(4):
        b = rng.standard_normal(d)
        b /= math.sqrt(b @ (s * b))

        def draw(rows: int, b: np.ndarray = b) -> tuple[np.ndarray, np.ndarray]:
            X = rng.standard_normal((rows, d)) * np.sqrt(s)
            return X, np.tanh(X @ b) + 0.3 * rng.standard_normal(rows)

        X, y = draw(n)
        beta = X.T @ y / n
        f = rng.standard_normal(N)
        G = rng.standard_normal((N, d)) / math.sqrt(d)
        G += theta * np.outer(f / np.linalg.norm(f), beta / np.linalg.norm(beta))
        X2, y2 = draw(n)
        F = np.tanh(X2 @ G.T)
        centre, mean = F.mean(0), y2.mean()
        F -= centre
        a = np.linalg.solve(F.T @ F / n + ridge * np.eye(N), F.T @ (y2 - mean) / n)
        X3, y3 = draw(6000)
        found.append(np.mean((y3 - mean - (np.tanh(X3 @ G.T) - centre) @ a) ** 2))
    setup = {**PAPER, "dimension": d, "samples": n, "ridge_samples": n, "width": N}
    predicted = ridge_risk("sgd", spike_strength=theta, **setup).test
    margin = 0.04 * predicted + 5 * np.std(found, ddof=1) / 2
    assert np.mean(found) == pytest.approx(predicted, abs=margin)


def test_outside_its_domain_the_result_says_so() -> None:
    small = {**PAPER, "dimension": 200, "samples": 6000, "ridge_samples": 6000}
    odd = ridge_risk("sgd", spike_strength=2.0, **small)
    assert odd.warnings == ()
    even = ridge_risk("sgd", spike_strength=2.0, **{**small, "link": "he12"})
    assert "quadratics" in even.warnings[0]
    far = ridge_risk("sgd", spike_strength=24.0, **{**PAPER, "link": "he12"})
    assert "spike spread" in far.warnings[0]
    again = ridge_risk("sgd", spike_strength=2.0, same_data=True, **PAPER)
    assert "same data" in again.warnings[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ridge": 0.0}, "ridge=0.0"),
        ({"width": 0}, "width=0"),
        ({"noise_std": -1.0}, "noise_std=-1.0"),
        ({"activation": "abs"}, "abs_c_act=0.0"),
        ({"activation": "sign"}, "infinite"),
    ],
)
def test_refusals(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ridge_risk("sgd", spike_strength=2.0, **{**PAPER, **change})
