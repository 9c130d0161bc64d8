"""SI-26: rows of equal length are Gaussian; drawn rows; refusals."""

import numpy as np
import pytest

from theory import Spectrum
from theory.core.gauss.hermite import link_statistics
from theory.single_index import alignment, elliptical_alignment

TWO = Spectrum.two_atom(0.5)


@pytest.mark.parametrize("link", ["tanh", "relu", "he12"])
@pytest.mark.parametrize("weight", ["identity", "covariance"])
@pytest.mark.parametrize("aspect", [0.3, 1.6])
def test_rows_of_equal_length_are_gaussian(link: str, weight: str, aspect: float) -> None:
    labels = link_statistics(link, noise_std=0.4)
    known = {"spectrum": TWO, "aspect": aspect, "weight": weight}
    other = {"c1": labels.c1, "residual_var": labels.residual_var}
    row = {"link": link, "noise_std": 0.4, "scales": [1.0]}
    found = elliptical_alignment("kfac", damping=0.2, **row, **known)
    assert found == pytest.approx(alignment("kfac", damping=0.2, **known, **other), rel=1e-10)
    found = elliptical_alignment("sgd", **row, **known)
    assert found == pytest.approx(alignment("sgd", **known, **other), rel=1e-10)


def test_units() -> None:
    """Inputs in other units: the damping goes along, the link sees the same index."""
    known = {"link": "tanh", "noise_std": 0.3, "scales": [0.4, 1.6], "aspect": 0.5}
    a = elliptical_alignment("kfac", spectrum=TWO, damping=0.1, **known)
    other = Spectrum(TWO.eigenvalues * 7.0)
    assert elliptical_alignment("kfac", spectrum=other, damping=0.7, **known) == pytest.approx(a)


def test_drawn_rows() -> None:
    """Without damping, two lengths, he12: far from the Gaussian value."""
    rng, d, n, scales = np.random.default_rng(4), 200, 400, [0.4, 1.6]
    s, seen = np.repeat(TWO.eigenvalues, d // 2), []
    for _ in range(60):
        b = rng.normal(size=d)
        b /= np.sqrt(b * b @ s)
        X = rng.normal(size=(n, d)) * np.sqrt(s * rng.choice(scales, size=(n, 1)))
        z = X @ b
        y = z + (z * z - 1) / 2 + 0.5 * rng.normal(size=n)
        beta = np.linalg.solve(X.T @ X, X.T @ y)
        seen.append((beta @ b) ** 2 / (beta @ beta * (b @ b)))
    known = {"spectrum": TWO, "aspect": d / n, "damping": 0.0}
    found = elliptical_alignment("kfac", link="he12", noise_std=0.5, scales=scales, **known)
    labels = link_statistics("he12", noise_std=0.5)
    gaussian = alignment("kfac", c1=labels.c1, residual_var=labels.residual_var, **known)
    assert found == pytest.approx(np.mean(seen), abs=0.035)
    assert abs(gaussian - np.mean(seen)) > 0.07


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scales": [0.5, 0.7]}, "scales have mean"),
        ({"scales": [0.0, 2.0]}, "scales contains 0.0"),
        ({"scales": []}, "scales has shape"),
        ({"noise_std": -1.0}, "noise_std=-1.0"),
        ({"damping": None}, "damping=None"),
        ({"damping": 0.0, "aspect": 1.2}, "aspect=1.2"),
        ({"method": "sgd"}, "damping=0.1"),
        ({"link": "cosh"}, "link='cosh'"),
        ({"link": 2.5}, "link=2.5, needs a name"),
        ({"link": [1.0]}, r"link=\[1.0\], needs a name"),
        ({"link": lambda z: z[:1]}, "needs the same"),
        ({"link": lambda z: z * np.inf}, "not finite at"),
    ],
)
def test_refusals_name_the_value(changed: dict[str, object], message: str) -> None:
    values = {"link": "tanh", "noise_std": 0.3, "scales": [1.0], "spectrum": TWO, "aspect": 0.5}
    values |= {"damping": 0.1, **changed}
    with pytest.raises(ValueError, match=message):
        elliptical_alignment(values.pop("method", "kfac"), **values)
