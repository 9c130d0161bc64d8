"""SI-27: one step, known values, the frozen limit, a drawn path, refusals."""

import numpy as np
import pytest

from theory import Spectrum
from theory.core.gauss.hermite import link_statistics
from theory.single_index import alignment, steps_alignment

TANH = link_statistics("tanh", noise_std=0.3)
LINK = {"c1": TANH.c1, "residual_var": TANH.residual_var}
TWO = Spectrum.two_atom(0.5)


@pytest.mark.parametrize("step_size", [0.0, 0.4])
@pytest.mark.parametrize("weight", ["identity", "covariance"])
@pytest.mark.parametrize("aspect", [0.2, 0.9, 1.8])
def test_one_step(step_size: float, weight: str, aspect: float) -> None:
    known = {"spectrum": Spectrum.geometric(30.0, 40), "aspect": aspect, "weight": weight, **LINK}
    sgd = steps_alignment("sgd", steps=1, step_size=step_size, **known)
    assert sgd == pytest.approx(alignment("sgd", **known), rel=1e-12)
    for damping in (0.0, 0.1, 5.0):
        found = steps_alignment("kfac", steps=1, step_size=step_size, damping=damping, **known)
        assert found == pytest.approx(alignment("kfac", damping=damping, **known), rel=1e-11)


def test_known_values() -> None:
    """Two steps at d/n = 0.5, tanh, noise 0.3, seen in networks as 0.642 and 0.855."""
    known = {"steps": 2, "step_size": 0.0, "spectrum": TWO, "aspect": 0.5, **LINK}
    assert steps_alignment("sgd", **known) == pytest.approx(0.633, abs=5e-4)
    assert steps_alignment("kfac", damping=0.0, **known) == pytest.approx(0.824, abs=5e-4)
    assert steps_alignment("kfac", damping=0.12, **known) == pytest.approx(0.856, abs=1e-3)


@pytest.mark.parametrize("method", ["sgd", "kfac"])
def test_a_small_step_is_the_frozen_limit(method: str) -> None:
    known = {"steps": 5, "spectrum": TWO, "aspect": 0.7, **LINK}
    known["damping"] = 0.1 if method == "kfac" else None
    frozen, tiny = (steps_alignment(method, step_size=x, **known) for x in (0.0, 1e-6))
    assert tiny == pytest.approx(frozen, abs=1e-5)


def test_sgd_stays_below_its_cap_until_the_residual_moves() -> None:
    known = {"steps": 60, "spectrum": TWO, "aspect": 0.01, **LINK}
    cap = 1 / TWO.moment(2)
    assert steps_alignment("sgd", step_size=0.0, **known) < cap
    assert steps_alignment("sgd", step_size=0.3, **known) > cap + 0.1


def test_a_drawn_path() -> None:
    """Least squares by SGD on fresh batches of Gaussian rows."""
    rng, d, n, eta, steps = np.random.default_rng(2), 120, 240, 0.3, 6
    s = np.repeat(TWO.eigenvalues, d // 2)
    seen = []
    for _ in range(60):
        teacher = rng.normal(size=d) / np.sqrt(d)
        teacher /= np.sqrt(teacher**2 @ s)
        a = np.zeros(d)
        for _ in range(steps):
            X = rng.normal(size=(n, d)) * np.sqrt(s)
            y = np.tanh(X @ teacher) + 0.3 * rng.normal(size=n)
            a += eta * X.T @ (y - X @ a) / n
        seen.append((a @ teacher) ** 2 / (a @ a * (teacher @ teacher)))
    limit = steps_alignment("sgd", steps=steps, step_size=eta, spectrum=TWO, aspect=0.5, **LINK)
    assert limit == pytest.approx(np.mean(seen), abs=0.015)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "adam"}, "method='adam'"),
        ({"steps": 0}, "steps=0"),
        ({"step_size": -0.1}, "step_size=-0.1"),
        ({"damping": None}, "damping=None"),
        ({"damping": 0.0, "aspect": 1.0}, "aspect=1.0"),
        ({"method": "sgd"}, "damping=0.1"),
        ({"weight": "none"}, "weight='none'"),
    ],
)
def test_refusals_name_the_value(changed: dict[str, object], message: str) -> None:
    values = {"method": "kfac", "steps": 2, "step_size": 0.1, "spectrum": TWO, "aspect": 0.5}
    values |= {"damping": 0.1, **LINK, **changed}
    with pytest.raises(ValueError, match=message):
        steps_alignment(values.pop("method"), **values)
