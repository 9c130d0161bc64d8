"""SI-28: the filter of several passes; both ends, known values, drawn matrices, refusals."""

import numpy as np
import pytest

from theory import Spectrum
from theory.core.gauss.hermite import link_statistics
from theory.single_index import alignment, filter_alignment
from theory.single_index.variants.passes import filter_means, largest_eigenvalue

LINK = {"c1": 0.6057, "residual_var": 0.12}
SPECTRA = (Spectrum.isotropic(), Spectrum.two_atom(0.9), Spectrum.geometric(100.0, 80))


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("aspect", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("weight", ["identity", "covariance"])
def test_both_ends(spectrum: Spectrum, aspect: float, weight: str) -> None:
    known = {"spectrum": spectrum, "aspect": aspect, "weight": weight, **LINK}
    top = largest_eigenvalue(spectrum, aspect=aspect)
    one = filter_alignment(step_size=0.3 / top, steps=1, **known)
    assert one == pytest.approx(alignment("sgd", **known), rel=1e-12)
    if aspect < 1:
        endless = filter_alignment(step_size=1.5 / top, steps=100_000, **known)
        assert endless == pytest.approx(alignment("kfac", damping=0.0, **known), rel=1e-12)


@pytest.mark.parametrize("share", [0.4, 1.0, 1.9])
@pytest.mark.parametrize("steps", [2, 7, 16, 64])
@pytest.mark.parametrize("spectrum", [Spectrum.two_atom(0.5), Spectrum.geometric(20.0, 100)])
def test_drawn_matrices(share: float, steps: int, spectrum: Spectrum) -> None:
    d, n = 400, 1000
    s = np.repeat(spectrum.eigenvalues, d // spectrum.eigenvalues.size)
    X = np.random.default_rng(3).normal(size=(n, d)) * np.sqrt(s)
    t = np.linalg.eigvalsh(X.T @ X / n)
    eta = share / largest_eigenvalue(spectrum, aspect=d / n)
    F = 1 - (1 - eta * t) ** steps
    found = filter_means(spectrum, aspect=d / n, step_size=eta, steps=steps)
    assert found.mean == pytest.approx(F.mean(), abs=4 / d)
    assert found.square == pytest.approx((F**2).mean(), abs=4 / d)
    assert found.noise == pytest.approx((F**2 / t).mean(), rel=8 / d)


def test_a_known_value() -> None:
    """tanh, noise 0.3, d/n = 0.3: 16 steps near the ceiling 0.858."""
    link = link_statistics("tanh", noise_std=0.3)
    found = filter_alignment(
        step_size=1 / largest_eigenvalue(Spectrum.two_atom(0.5), aspect=0.3),
        steps=16,
        spectrum=Spectrum.two_atom(0.5),
        aspect=0.3,
        c1=link.c1,
        residual_var=link.residual_var,
    )
    assert found == pytest.approx(0.856, abs=2e-3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "steps=0"),
        ({"steps": 1.5}, "steps=1.5"),
        ({"step_size": 0.0}, "step_size=0.0"),
        ({"step_size": 5.0}, "step_size=5.0"),
        ({"aspect": -1.0}, "aspect=-1.0"),
        ({"weight": "none"}, "weight='none'"),
    ],
)
def test_refusals_name_the_value(changed: dict[str, object], message: str) -> None:
    values = {"step_size": 0.2, "steps": 3, "spectrum": SPECTRA[0], "aspect": 0.5, **LINK}
    with pytest.raises(ValueError, match=message):
        filter_alignment(**{**values, **changed})
