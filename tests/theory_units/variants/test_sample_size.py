"""SI-29: the numbers of samples invert the limits; caps, the noise-free case, refusals."""

import math

import pytest

from theory import Spectrum
from theory.single_index import alignment, population_whitening_alignment, samples_for_alignment

LINK = {"c1": 0.6057, "residual_var": 0.12}
SPECTRA = (
    Spectrum.isotropic(),
    Spectrum.two_atom(0.5),
    Spectrum.geometric(30.0, 50),
    Spectrum([3.0, 1.0, 2.0]),
)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("weight", ["identity", "covariance"])
@pytest.mark.parametrize("target", [0.1, 0.4, 0.9])
def test_they_invert_the_alignment(spectrum: Spectrum, weight: str, target: float) -> None:
    known = {"spectrum": spectrum, "weight": weight, **LINK}
    for method, damping in (("sgd", None), ("kfac", 0.0), ("kfac", None)):
        n = samples_for_alignment(method, target=target, damping=damping, **known)
        if n == math.inf:
            continue
        if method == "kfac" and damping is None:
            damping = LINK["residual_var"] / LINK["c1"] ** 2 / n
        found = alignment(method, aspect=1 / n, damping=damping, **known)
        assert found == pytest.approx(target, abs=1e-13)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
def test_the_exact_covariance(spectrum: Spectrum) -> None:
    n = samples_for_alignment("population", target=0.6, damping=0.0, spectrum=spectrum, **LINK)
    found = population_whitening_alignment(spectrum=spectrum, aspect=1 / n, **LINK)
    assert found == pytest.approx(0.6, abs=1e-13)


def test_sgd_stays_below_its_cap() -> None:
    spectrum = Spectrum.two_atom(0.9)
    cap = 1 / spectrum.moment(2)
    below, above = (
        samples_for_alignment("sgd", target=r, spectrum=spectrum, **LINK)
        for r in (cap - 1e-6, cap + 1e-6)
    )
    assert 1e3 < below < math.inf
    assert above == math.inf


def test_linear_labels_without_noise_need_target_times_d() -> None:
    found = samples_for_alignment(
        "kfac", target=0.37, spectrum=Spectrum.geometric(100.0, 40), c1=1.0, residual_var=0.0
    )
    assert found == pytest.approx(0.37, rel=1e-12)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("target", [0.05, 0.3, 0.7, 0.99])
def test_orders(spectrum: Spectrum, target: float) -> None:
    known = {"target": target, "spectrum": spectrum, **LINK}
    best = samples_for_alignment("kfac", **known)
    exact = samples_for_alignment("population", **known)
    assert best <= exact * (1 + 1e-12)
    assert exact <= samples_for_alignment("sgd", **known) * (1 + 1e-12)
    undamped = [
        samples_for_alignment(method, damping=0.0, **known) for method in ("kfac", "population")
    ]
    assert best <= undamped[0] * (1 + 1e-12)
    assert exact <= undamped[1] * (1 + 1e-12)
    energy = LINK["c1"] ** 2 * spectrum.moment(1) + LINK["residual_var"]
    assert 1 <= exact / best <= energy / LINK["residual_var"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": 1.0}, "target=1.0"),
        ({"target": 0.0}, "target=0.0"),
        ({"method": "adam"}, "method='adam'"),
        ({"damping": 0.3}, "damping=0.3"),
        ({"method": "sgd", "damping": 0.0}, "damping=0.0"),
        ({"weight": "none"}, "weight='none'"),
        ({"residual_var": -1.0}, "residual_var=-1.0"),
    ],
)
def test_refusals_name_the_value(changed: dict[str, object], message: str) -> None:
    values = {"method": "kfac", "target": 0.5, "spectrum": Spectrum.isotropic(), **LINK}
    values.update(changed)
    with pytest.raises(ValueError, match=message):
        samples_for_alignment(values.pop("method"), **values)
