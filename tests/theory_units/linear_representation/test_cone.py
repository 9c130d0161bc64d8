"""The cone of LR-08, the admissible starts of LR-09, the headline constants of LR-10."""

import math

import numpy as np
import pytest

from tests.theory_units.linear_representation.cases import covariance, head
from theory.linear_representation import (
    admissible_tangent,
    cone_angle,
    cone_contraction,
    cone_defect,
    headline_admissible,
    headline_bound,
    slowest_cone_contraction,
    tangent_step,
    worst_case_covariance,
)
from theory.linear_representation.contraction.headline import LR_10
from theory.linear_representation.contraction.start import LR_09


def largest(T: np.ndarray) -> float:
    return float(np.linalg.norm(T, 2))


@pytest.mark.parametrize("condition_number", [1.0, 1.5, 4.0, 100.0, 1e6])
def test_cone_angle_is_the_largest_turn_of_a_vector(condition_number: float) -> None:
    phi = cone_angle(condition_number)
    directions = np.linspace(0, math.pi / 2, 20001)
    turned = np.arctan2(np.sin(directions), condition_number * np.cos(directions))
    assert np.abs(turned - directions).max() <= phi + 1e-12
    u = math.atan(math.sqrt(condition_number))
    attained = u - math.atan2(math.sin(u), condition_number * math.cos(u))
    assert attained == pytest.approx(phi, abs=1e-12)
    cosine = 2 * math.sqrt(condition_number) / (condition_number + 1)
    assert math.cos(phi) == pytest.approx(cosine, rel=1e-12)


def test_no_covariance_beats_the_cone_factor() -> None:
    rng = np.random.default_rng(11)
    tightest = 0.0
    for _ in range(400):
        k, p = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        kappa = float(10 ** rng.uniform(0.05, 2.5))
        cov = covariance(k + p, kappa, rng)
        eta = float(rng.uniform(0, 1))
        cone = math.pi / 2 - cone_angle(kappa)
        T = rng.normal(size=(k, p))
        T *= math.tan(float(rng.uniform(0.01, 0.999)) * cone) / largest(T)
        factor = cone_contraction(largest(T), condition_number=kappa, step_size=eta)
        after = largest(tangent_step("kfac", T, step_size=eta, cov_x=cov))
        assert after <= factor * largest(T) * (1 + 1e-9 * kappa)
        assert math.atan(after) < cone
        assert factor <= slowest_cone_contraction(condition_number=kappa, step_size=eta) + 1e-12
        tightest = max(tightest, after / (factor * largest(T)))
    assert tightest > 0.95


@pytest.mark.parametrize("condition_number", [2.0, 25.0, 1e4])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_worst_case_attains_the_factor(condition_number: float, share: float) -> None:
    phi = cone_angle(condition_number)
    t = math.tan(share * min(phi, math.pi / 2 - phi))
    cov = worst_case_covariance(t, condition_number=condition_number)
    assert np.linalg.cond(cov) == pytest.approx(condition_number, rel=1e-9 * condition_number)
    after = tangent_step("kfac", [[t]], step_size=0.3, cov_x=cov)
    factor = cone_contraction(t, condition_number=condition_number, step_size=0.3)
    assert float(after[0, 0]) / t == pytest.approx(factor, rel=1e-11 * condition_number)


@pytest.mark.parametrize("condition_number", [1.0, 1.2, 4.0, 13.9, 14.0, 100.0, 1e6])
def test_the_slowest_factor_is_the_supremum_over_the_cone(condition_number: float) -> None:
    slowest = slowest_cone_contraction(condition_number=condition_number, step_size=0.1)
    cone = math.pi / 2 - cone_angle(condition_number)
    factors = [
        cone_contraction(math.tan(x * cone), condition_number=condition_number, step_size=0.1)
        for x in np.linspace(0, 1, 20001)[:-1]
    ]
    assert max(factors) <= slowest * (1 + 1e-12)
    assert max(factors) == pytest.approx(slowest, rel=2e-5)
    assert slowest < 0.9 / 0.95 < 1 - 0.1 / 2


def test_outside_the_cone_one_step_can_enlarge_the_angle() -> None:
    rng = np.random.default_rng(12)
    worst = 0.0
    for _ in range(300):
        cov = covariance(2, 100.0, rng)
        t = math.tan(float(rng.uniform(0.3, 1.5)))
        worst = max(
            worst, abs(float(tangent_step("kfac", [[t]], step_size=0.1, cov_x=cov)[0, 0] / t))
        )
    assert worst > 2


def test_without_a_condition_number_the_factor_is_one_minus_eta() -> None:
    assert cone_angle(1.0) == 0.0
    assert cone_contraction(5.0, condition_number=1.0, step_size=0.3) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("condition_number", "expected"),
    [(4.0, 0.295), (25.0, 0.0528), (100.0, 0.0251), (1e3, 0.00783)],
)
def test_admissible_starts_shrink_like_the_root_of_the_condition_number(
    condition_number: float, expected: float
) -> None:
    start = admissible_tangent(condition_number=condition_number, step_size=0.1)
    assert start == pytest.approx(expected, rel=3e-3)
    below = cone_contraction(start * 0.999, condition_number=condition_number, step_size=0.1)
    above = cone_contraction(start * 1.001, condition_number=condition_number, step_size=0.1)
    assert below < 0.91 < above


@pytest.mark.parametrize("step_size", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("condition_number", [1.001, 2.0, 3.6, 5.0, 40.0])
def test_every_start_below_the_admissible_one_contracts(
    condition_number: float, step_size: float
) -> None:
    start = admissible_tangent(condition_number=condition_number, step_size=step_size)
    for share in np.linspace(0.01, 0.999, 50):
        factor = cone_contraction(
            share * start, condition_number=condition_number, step_size=step_size
        )
        assert factor <= 1 - 0.9 * step_size + 1e-12


@pytest.mark.parametrize("step_size", [0.01, 0.5, 0.85])
def test_admissible_starts_scale_as_stated_for_large_condition_numbers(step_size: float) -> None:
    scaled = LR_09["scaling"].number(step_size=step_size)
    gaps = [
        abs(math.sqrt(kappa) * admissible_tangent(condition_number=kappa, step_size=step_size)
            / scaled - 1)
        for kappa in (1e4, 1e6)
    ]  # fmt: skip
    assert gaps[1] < 2e-5
    assert gaps[0] == pytest.approx(100 * gaps[1], rel=1e-2)  # the next term is of order 1/kappa


def test_the_tails_of_the_headline_bound_share_the_failure_probability() -> None:
    tail = LR_10["tail"]
    for fail in (0.3, 0.01, 1e-6):
        assert tail.left(failure_probability=fail) == pytest.approx(fail / 3, rel=1e-12)
        assert tail.number(failure_probability=fail) == pytest.approx(fail / 3, rel=1e-12)


def test_condition_number_one_admits_every_start() -> None:
    assert admissible_tangent(condition_number=1.0, step_size=0.1) == math.inf


def test_outside_the_cone_there_is_no_number() -> None:
    edge = 1 / math.tan(cone_angle(9.0))
    at_the_edge = cone_defect(edge * (1 - 1e-9), condition_number=9.0)
    assert at_the_edge == pytest.approx((1 - edge**2) / 2, abs=1e-8)
    with pytest.raises(ValueError, match="outside the cone"):
        cone_contraction(edge * 1.001, condition_number=9.0, step_size=0.1)
    with pytest.raises(ValueError, match="no worst case"):
        worst_case_covariance(1.1, condition_number=1.5)


def test_headline_bound_holds_as_often_as_it_says_and_is_not_empty() -> None:
    rng = np.random.default_rng(13)
    k, d, m, n, eta, sigma, fail = 2, 6, 3, 3000, 0.3, 0.05, 0.05
    F_star = head(m, np.array([1.0, 2.0]), rng)
    root = np.linalg.cholesky(covariance(d, 4.0, rng))
    smallest = float(np.linalg.svd(F_star, compute_uv=False)[-1])
    runs, violations, tightest = 200, 0, 0.0
    for _ in range(runs):
        X = rng.normal(size=(n, d)) @ root.T
        cov, noise = X.T @ X / n, sigma * rng.normal(size=(n, m)).T @ X / n
        values = np.linalg.eigvalsh(cov)
        T = rng.normal(size=(k, d - k))
        T *= 0.9 / (10.5 * math.sqrt(values[-1] / values[0])) / largest(T)
        assert headline_admissible(
            largest(T),
            noise_std=sigma,
            n=n,
            output_dim=m,
            rank=k,
            head_min_singular=smallest,
            cov_batch_min=float(values[0]),
            condition_number_batch=float(values[-1] / values[0]),
            failure_probability=fail,
        )
        G = np.hstack([np.eye(k), T])
        cross = F_star @ np.eye(d)[:k] @ cov + noise
        F = np.linalg.solve(G @ cov @ G.T, G @ cross.T).T
        step = np.linalg.solve(F.T @ F, F.T @ (F @ G @ cov - cross)) @ np.linalg.inv(cov)
        after = G - eta * step
        bound = headline_bound(
            largest(T),
            step_size=eta,
            noise_std=sigma,
            n=n,
            input_dim=d,
            rank=k,
            head_min_singular=smallest,
            cov_batch_min=float(values[0]),
            failure_probability=fail,
        )
        ratio = largest(np.linalg.solve(after[:, :k], after[:, k:])) / bound
        violations += ratio > 1
        tightest = max(tightest, ratio)
    # Binomial(200, 0.05) exceeds 25 with probability below 1e-4.
    assert violations <= 25
    assert tightest > 0.4


def test_headline_forms_need_exactly_one_eigenvalue() -> None:
    facts = {
        "step_size": 0.1,
        "noise_std": 0.1,
        "n": 100,
        "input_dim": 4,
        "rank": 2,
        "head_min_singular": 1.0,
        "failure_probability": 0.1,
    }
    with pytest.raises(ValueError, match="exactly one"):
        headline_bound(0.1, **facts)
    with pytest.raises(ValueError, match="exactly one"):
        headline_bound(0.1, **facts, cov_min=1.0, cov_batch_min=1.0)
    # The Gaussian form is the weaker one: it pays for the unknown batch spectrum.
    batch = headline_bound(0.1, **facts, cov_batch_min=0.81)
    assert headline_bound(0.1, **facts, cov_min=1.0) > batch
