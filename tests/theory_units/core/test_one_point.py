"""Traces of functions of a sample covariance: closed forms, moments, drawn matrices, refusals."""

import numpy as np
import pytest

from theory import Spectrum
from theory.core.resolvent import resolvent
from theory.single_index.variants.one_point import spectral_means


def mean(h, spectrum, aspect, branch=0.0, weight=None):
    """Return lim tr T h(Shat) / d of one function."""
    return spectral_means(
        lambda z: (h(z),), spectrum=spectrum, aspect=aspect, branch=branch, weight=weight
    )[0]


SPECTRA = (Spectrum.isotropic(), Spectrum.two_atom(0.9), Spectrum.geometric(100.0, 60))


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("aspect", [0.02, 0.5, 0.95])
def test_the_resolvent_is_one_of_the_functions(spectrum: Spectrum, aspect: float) -> None:
    law = (spectrum, aspect, 0.05)
    root = resolvent(spectrum, aspect=aspect, damping=0.3)
    found = mean(lambda z: 1 / (z + 0.3), *law)
    assert found == pytest.approx(root.m, rel=1e-11)
    assert mean(lambda z: (z + 0.3) ** -2.0, *law) == pytest.approx(root.m_prime, rel=1e-11)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("aspect", [1.7, 5.0])
def test_functions_that_vanish_on_the_kernel(spectrum: Spectrum, aspect: float) -> None:
    law = (spectrum, aspect, 0.05)
    m = resolvent(spectrum, aspect=aspect, damping=0.3).m
    assert mean(lambda z: z / (z + 0.3), *law) == pytest.approx(1 - 0.3 * m, rel=1e-11)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("aspect", [0.3, 2.0])
def test_first_moments(spectrum: Spectrum, aspect: float) -> None:
    law = (spectrum, aspect, 1.0)
    m1, m2, m3 = (spectrum.moment(k) for k in (1, 2, 3))
    assert mean(lambda z: z, *law) == pytest.approx(m1, rel=1e-11)
    assert mean(lambda z: z**2, *law) == pytest.approx(m2 + aspect * m1**2, rel=1e-11)
    assert mean(lambda z: z, *law, spectrum.eigenvalues) == pytest.approx(m2, rel=1e-11)
    assert mean(lambda z: z**2, *law, spectrum.eigenvalues) == pytest.approx(
        m3 + aspect * m1 * m2, rel=1e-11
    )


@pytest.mark.parametrize("aspect", [0.4, 1.6])
def test_a_root_of_a_drawn_matrix(aspect: float) -> None:
    spectrum, d = Spectrum.two_atom(0.5), 600
    n = round(d / aspect)
    s = np.repeat(spectrum.eigenvalues, d // 2)
    X = np.random.default_rng(5).normal(size=(n, d)) * np.sqrt(s)
    values, vectors = np.linalg.eigh(X.T @ X / n)
    values = np.clip(values, 0, None)
    law = (spectrum, d / n, 0.0)
    seen = float(np.sqrt(values).mean())
    assert mean(np.sqrt, *law) == pytest.approx(seen, abs=3 / d)
    weighted = float((s @ vectors**2) @ np.sqrt(values)) / d
    assert mean(np.sqrt, *law, spectrum.eigenvalues) == pytest.approx(weighted, abs=3 / d)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"aspect": 0.0}, "aspect=0.0"),
        ({"aspect": 0.5, "branch": -0.1}, "branch=-0.1"),
        ({"aspect": 1.0}, "reach 0"),
        ({"aspect": 0.5, "weight": np.ones(3)}, "weight has shape"),
    ],
)
def test_refusals_name_the_value(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean(np.sqrt, Spectrum.two_atom(0.5), **values)
