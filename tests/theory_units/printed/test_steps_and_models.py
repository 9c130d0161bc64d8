"""Printed figures of momentum, samples, clips, input laws, chains and the global phase.

A simulated figure is held against the function within three standard errors where they are
printed, otherwise within the order that the statement leaves out; a formula's to its last digit.
"""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from theory.linear_representation import (
    bias_spectrum,
    chain_spectrum,
    damped_rate,
    global_distance_bound,
    global_sine,
    global_tangent,
    inverse_scale,
    momentum_floor,
    momentum_spectrum,
    samples_to_reach,
    tangent_floor,
)
from theory.linear_representation.variants.steps.clip_graft import LR_46
from theory.linear_representation.variants.steps.powers import overhead_of

# eigenvalues of H and of Sigma_s behind the two printed tables of samples
MILD = (np.linspace(1, 4, 2), np.linspace(1, 8, 6))
HARD = (np.geomspace(1, 100, 3), np.geomspace(1, 100, 20))
THETAS = (0.0, 0.25, 0.5, 1.0)


@pytest.mark.parametrize(
    ("kind", "edge"),
    [
        ("heavy_ball", lambda b: 2 * (1 + b)),
        ("averaged", lambda b: 2 * (1 + b) / (1 - b)),
        ("nesterov", lambda b: (2 + 2 * b) / (1 + 2 * b)),
    ],
)
@pytest.mark.parametrize("h", [1.0, 7.0])
@pytest.mark.parametrize("b", [0.0, 0.5, 0.9])
def test_momentum_is_stable_below_the_printed_step(kind: str, edge, h: float, b: float) -> None:
    for share in (0.97, 1.03):
        pair = momentum_spectrum(kind, step_size=share * edge(b) / h, momentum=b, h=h)
        assert bool(np.abs(pair).max() < 1) is (share < 1)


@pytest.mark.parametrize("kappa", [4.0, 100.0])
def test_the_best_heavy_ball(kappa: float) -> None:
    """1 - 2/(sqrt(kappa) + 1) in every mode; KFAC needs one step instead."""
    rate = 1 - 2 / (math.sqrt(kappa) + 1)
    step = (1 + rate) ** 2 / kappa
    pairs = momentum_spectrum("heavy_ball", step_size=step, momentum=rate**2, h=[1.0, kappa])
    assert np.abs(pairs).max() == pytest.approx(rate, rel=1e-6)
    assert momentum_spectrum("nesterov", step_size=1.0, momentum=0.0) == pytest.approx([0, 0])


@pytest.mark.parametrize("eta", [0.2, 1.0])
@pytest.mark.parametrize("b", [0.0, 0.5, 0.9])
def test_floors_with_momentum(eta: float, b: float) -> None:
    ball = eta * (1 + b) / ((1 - b) * (2 * (1 + b) - eta))
    mean = eta * (1 + b) / (2 * (1 + b) - eta * (1 - b))
    assert momentum_floor("heavy_ball", step_size=eta, momentum=b) == pytest.approx(ball)
    assert momentum_floor("averaged", step_size=eta, momentum=b) == pytest.approx(mean)


@pytest.mark.parametrize(("log_ratio", "printed"), [(5.0, 8.09), (10.0, 13.61)])
def test_overhead(log_ratio: float, printed: float) -> None:
    assert overhead_of(log_ratio) == pytest.approx(printed, abs=5e-3)


@pytest.mark.parametrize(
    ("spectra", "printed"),
    [(MILD, (15.2, 9.5, 6.3, 3.4, 11.4)), (HARD, (39.9, 14.9, 7.5, 3.4, 18.8))],
)
def test_samples_over_the_bound(spectra, printed: tuple[float, ...]) -> None:
    """Rows for an accuracy e^-10 of the start over Cramer-Rao's, by power of the curvature."""
    heads, schurs = spectra
    bound = (1 / heads).sum() * (1 / schurs).sum() * math.exp(10)
    known = {"accuracy": math.exp(-10), "start": 1.0, "noise_std": 1.0}
    found = [
        samples_to_reach(t, **known, head_eigenvalues=heads, schur_eigenvalues=schurs) / bound
        for t in (*THETAS, "muon")
    ]
    assert found == pytest.approx(printed, abs=0.051)


@pytest.mark.parametrize(
    ("spectra", "printed"),
    [(MILD, (2.05, 1.51, 1.21, 1.05, 1.0)), (HARD, (4.10, 1.98, 1.32, 1.07, 1.0))],
)
def test_falling_steps_over_the_bound(spectra, printed: tuple[float, ...]) -> None:
    """The best constant of steps c/t: sum c^2 r^2 x/(2 c r - 1), r = x^(theta - 1)."""
    x = (1 / np.outer(*spectra)).ravel()
    for theta, value in zip((0.0, 0.25, 0.5, 0.75, 1.0), printed, strict=True):
        r = x ** (theta - 1)
        least = 0.5 / float(r.min())

        def ratio(log_share: float, r=r, least=least) -> float:
            c = least * (1 + math.exp(log_share))
            return float((c**2 * r**2 * x / (2 * c * r - 1)).sum() / x.sum())

        found = minimize_scalar(ratio, bounds=(-6, 3), method="bounded").fun
        assert found == pytest.approx(value, abs=6e-3)


@pytest.mark.parametrize(
    ("clip", "noise_std", "seen", "printed"),
    [(1e-3, 0.1, 0.5207, 0.5196), (1e-3, 0.2, 0.7603, 0.7598)],
)
def test_an_active_clip(clip: float, noise_std: float, seen: float, printed: float) -> None:
    """n = 60, d = 8, m = 5, k = 2. The multiplier is off by a share 1/(k (d + m)) of the step."""
    sizes = {"batch_size": 60, "input_dim": 8, "output_dim": 5, "rank": 2}
    step = float(LR_46["clip_step"].number(kl_clip=clip, noise_std=noise_std, **sizes))
    found = LR_46["clipped"].number(clipped_step_size=step)
    assert found == pytest.approx(printed, abs=5e-5)
    assert found == pytest.approx(seen, abs=step / 26)


def test_a_graft_scales_with_the_outputs() -> None:
    assert LR_46["graft_representation"].number(output_scale=2.0) == pytest.approx(4.0005, rel=1e-3)


@pytest.mark.parametrize(
    ("n", "d", "kurtosis", "printed", "seen", "error"),
    [
        (60, 30, -2.0, 2.0023, 2.0062, 0.003),
        (200, 100, -2.0, 2.0002, 1.9991, 0.002),
        (60, 30, 1.0, 2.1023, 2.1023, 0.003),
        (60, 8, -2.0, 1.1380, 1.1401, 0.0011),
    ],
)
def test_components_that_are_not_gaussian(
    n: int, d: int, kurtosis: float, printed: float, seen: float, error: float
) -> None:
    found = inverse_scale(n=n, d=d, kurtosis=kurtosis)
    assert found == pytest.approx(printed, abs=5e-5)
    assert abs(found - seen) < 3 * error


@pytest.mark.parametrize(
    ("n", "d", "seen", "error"),
    [
        (60, 8, 1.2176, 1e-3),
        (60, 30, 2.2931, 3e-3),
        (200, 100, 2.2345, 4e-3),
        (240, 8, 1.0488, 1e-3),
        (60, 8, 1.2196, 6e-4),
        (60, 30, 2.2878, 2.1e-3),
        (200, 100, 2.2326, 3.3e-3),
    ],
)
def test_a_multivariate_t_of_12(n: int, d: int, seen: float, error: float) -> None:
    """The last three are simulations of our own; the next order is d/n^2."""
    scales = 10 / stats.chi2.ppf((np.arange(20_000) + 0.5) / 20_000, 12)
    found = inverse_scale(n=n, d=d, scales=scales)
    assert abs(found - seen) < 2 * error + d / n**2


FLOOR = {"step_size": 0.5, "noise_std": 0.1, "head_eigenvalues": [1.0, 0.5]}


def test_floor_with_signs_as_inputs() -> None:
    known = {**FLOOR, "n": 60, "schur_eigenvalues": np.ones(6)}
    found = tangent_floor("kfac", kurtosis=-2.0, **known) / tangent_floor("kfac", **known)
    assert found == pytest.approx(0.9673, abs=5e-5)
    assert abs(found - 0.9673) < 3 * 0.004


def test_floor_with_a_bias() -> None:
    known = {**FLOOR, "n": 38, "schur_eigenvalues": np.ones(8)}
    found = tangent_floor("kfac", bias=True, **known) / tangent_floor("kfac", **known)
    assert found == pytest.approx((38 - 11) / (38 - 12), rel=1e-12)
    assert found == pytest.approx(1.0383, abs=2e-3)  # printed; seen 1.0048 +- 0.008 of it
    slow = bias_spectrum(step_size=1.0, mean_norm2=9.0, rank=1, input_dim=3).max()
    assert slow == pytest.approx(math.sqrt(0.9), rel=1e-12)


@pytest.mark.parametrize("layers", [2, 3, 4])
@pytest.mark.parametrize("share", [0.97, 1.03])
def test_a_chain_is_stable_below_two_over_its_depth(layers: int, share: float) -> None:
    eta = share * 2 / layers
    steps = {"step_size": eta, "middle_step_size": eta, "head_step_size": eta}
    found = chain_spectrum(**steps, num_layers=layers, rank=2, input_dim=8, output_dim=5)
    assert bool(np.abs(found).max() <= 1) is (share < 1)


def test_joint_damping_without_correlation() -> None:
    """A row mode has 1 - eta_G l s/(s + damping) off the rows of the truth, by hand."""
    known = {"step_size": 0.3, "head_step_size": 0.2, "output_dim": 4, "head": "joint"}
    found = damped_rate(
        "factor", damping=0.5, output_damping=0.1, head_eigenvalues=[2.0],
        cov_x=np.diag([1.0, 3.0]), **known,
    )  # fmt: skip
    share, head = 2 / 2.1, 0.2 / 1.1 / 1.5
    by_hand = [1 - 0.3 * share * 3 / 3.5, 1 - 0.3 * share / 1.5 - head, *[1 - head] * 3, 1.0]
    assert found == pytest.approx(np.sort(by_hand), rel=1e-12)


@pytest.mark.parametrize("sine", [0.995, 0.9995])
def test_there_is_no_plateau_with_a_refitted_head(sine: float) -> None:
    """Step size times steps to a sine of 0.707: ln(sqrt 2 sin0) <= 0.347, for small steps."""
    eta, steps, now = 1e-3, 0, sine
    while now > math.sqrt(0.5):
        now, steps = global_sine(now, step_size=eta), steps + 1
    assert eta * steps == pytest.approx(math.log(math.sqrt(2) * sine), abs=3e-3)
    assert eta * steps <= 0.347 + eta


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("tan", [0.01, 1.0, 50.0])
def test_the_global_law(eta: float, tan: float) -> None:
    after = (1 - eta) * tan / (1 + eta * tan**2)
    assert global_tangent(tan, step_size=eta) == pytest.approx(after, rel=1e-12)
    sine = math.sin(math.atan(tan))
    found = global_sine(sine, step_size=eta)
    assert found == pytest.approx(math.sin(math.atan(after)), rel=1e-9)
    assert found <= (1 - eta) * sine * (1 + 1e-12)
    bound = global_distance_bound(sine, condition_number=9.0, step_size=eta, num_steps=1)
    assert bound == pytest.approx(3 * (1 - eta) * sine, rel=1e-9)
