"""LR-45: how long joint KFAC stays on its plateau."""

import numpy as np
import pytest

from theory.linear_representation import plateau_length


def start(seed=0, m=12, k=1, d=30):
    rng = np.random.default_rng(seed)
    return {
        "head": rng.normal(size=(m, k)) / np.sqrt(m),
        "representation": rng.normal(size=(k, d)) / np.sqrt(d),
        "head_star": np.linalg.qr(rng.normal(size=(m, k)))[0],
        "representation_star": np.linalg.qr(rng.normal(size=(d, k)))[0].T,
        "cov_x": np.eye(d),
        "step_size": 0.02,
    }


def length(**changed):
    given = {**start(), **changed}
    return plateau_length(given.pop("head"), given.pop("representation"), **given)


def simulated(given, tan):
    """Steps of the definition of joint KFAC until the tangent is reached, Sigma = I."""
    F, G, eta = given["head"], given["representation"], given["step_size"]
    F_star, G_star = given["head_star"], given["representation_star"]
    rest = np.eye(G.shape[1]) - G_star.T @ G_star
    for t in range(2000):
        ratio = np.linalg.svd(np.linalg.solve(G @ G_star.T, G @ rest), compute_uv=False)[0]
        if ratio <= tan:
            return t
        error = F @ G - F_star @ G_star
        F, G = (
            F - eta * error @ G.T @ np.linalg.inv(G @ G.T),
            G - eta * np.linalg.solve(F.T @ F, F.T @ error),
        )
    raise AssertionError("not reached")


@pytest.mark.parametrize("k", [1, 3])
def test_the_mean_over_starts_is_that_of_simulations(k):
    pairs = [(plateau_length(**g), simulated(g, 1.0)) for g in (start(s, k=k) for s in range(16))]
    predicted, measured = np.mean(pairs, axis=0)
    assert measured == pytest.approx(predicted, rel=0.15)


def test_smaller_starts_leave_the_plateau_earlier():
    small = {name: start()[name] / 10 for name in ("head", "representation")}
    assert length(**small) < 0.2 * length()


def test_only_the_sigma_metric_enters():
    given = start()
    A = np.diag(np.linspace(0.2, 3.0, 30))
    inverse = np.linalg.inv(A)
    # Inputs A x of covariance AA': the same function has weights G A^{-1}. The truth's rows need
    # not be orthonormal.
    changed = length(
        representation=given["representation"] @ inverse,
        representation_star=given["representation_star"] @ inverse,
        cov_x=A @ A.T,
    )
    assert changed == pytest.approx(length())


def test_a_start_that_is_there_needs_no_steps():
    given = start()
    near = given["representation_star"] + 1e-3 * given["representation"]
    assert length(representation=near) == 0.0
    assert length(representation=given["representation_star"]) == 0.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"step_size": 1.0}, "step_size=1.0, needs a number in"),
        ({"tan_angle": 0.0}, "tan_angle=0.0, needs a number in"),
        ({"head_star": np.eye(1), "head": np.eye(1)}, "head_star has 1 rows, needs more than"),
        ({"cov_x": -np.eye(30)}, "cov_x has eigenvalue"),
        ({"head_star": np.zeros((12, 1))}, "needs rank 1"),
        ({"head": start()["head_star"]}, "head_off_size of the start=0.0, needs a number in"),
        ({"head": np.ones((12, 2))}, "head has shape"),
    ],
)
def test_bad_arguments_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        length(**wrong)
