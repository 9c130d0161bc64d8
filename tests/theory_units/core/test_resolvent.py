"""The fixed point against 400-bit ball arithmetic, its limits, grids and validation."""

import math

import numpy as np
import pytest
from flint import arb, ctx

from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum

BITS = 400
EPS = 2.0**-52
SPECTRA = {
    "isotropic": Spectrum.isotropic(),
    "two": Spectrum.two_atom(0.5),
    "gap": Spectrum([1e-6, 1.0]),
    "three": Spectrum([0.1, 1.0, 7.0], [0.5, 0.25, 0.25]),
    "geometric": Spectrum.geometric(1e4, 12),
}
ASPECTS = [0.01, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 2.0, 3.0, 100.0]
DAMPINGS = [1e-18, 1e-9, 1e-3, 0.1, 1.0, 1e3, 1e6]


def companion(v: arb, s: list[arb], p: list[arb], phi: arb, lam: arb) -> tuple[arb, arb]:
    """lam v + phi E[s v/(1 + s v)] - 1 and its derivative."""
    value, slope = lam * v - 1, lam
    for si, pi in zip(s, p, strict=True):
        value += phi * pi * si * v / (1 + si * v)
        slope += phi * pi * si / (1 + si * v) ** 2
    return value, slope


def reference(spectrum: Spectrum, aspect: float, damping: float) -> dict[str, arb]:
    """w, v, m, m' as balls: the root is bracketed by the signs of the increasing companion."""
    s = [arb(x) for x in spectrum.eigenvalues]
    p = [arb(x) for x in spectrum.weights]
    total = sum(p, arb(0))
    p = [x / total for x in p]
    phi, lam = arb(aspect), arb(damping)
    v = arb(float(resolvent(spectrum, aspect=aspect, damping=damping).v))
    for _ in range(12):
        value, slope = companion(v, s, p, phi, lam)
        v = (v - value / slope).mid()
    width = v * arb(2) ** -300
    assert companion(v - width, s, p, phi, lam)[0] < 0 < companion(v + width, s, p, phi, lam)[0]
    v = v + width * arb(0, 1)
    if damping == 0:
        return {"v": v}
    w = lam * v
    B = sum((pi / (lam + si * w) ** 2 for si, pi in zip(s, p, strict=True)), arb(0))
    A = sum((pi * si / (lam + si * w) ** 2 for si, pi in zip(s, p, strict=True)), arb(0))
    m = sum((pi / (lam + si * w) for si, pi in zip(s, p, strict=True)), arb(0))
    w_prime = phi * w * A / (1 + phi * lam * A)
    return {"w": w, "v": v, "m": m, "m_prime": B + w_prime * A, "w_prime": w_prime}


@pytest.fixture(autouse=True)
def _precision():
    before = ctx.prec
    ctx.prec = BITS
    yield
    ctx.prec = before


def relative_error(value: float, exact: arb) -> float:
    return float((abs(arb(value) / exact - 1)).upper())


@pytest.mark.parametrize("name", SPECTRA)
def test_certified_to_1e_14(name: str) -> None:
    spectrum = SPECTRA[name]
    for aspect in ASPECTS:
        for damping in DAMPINGS:
            result = resolvent(spectrum, aspect=aspect, damping=damping)
            for field, exact in reference(spectrum, aspect, damping).items():
                error = relative_error(getattr(result, field), exact)
                assert error < 1e-14, (name, aspect, damping, field, error)


def test_certified_for_random_gapped_spectra_and_awkward_aspects() -> None:
    """Atoms over twelve decades, weights in 64ths (exact), aspects near and at integers."""
    rng = np.random.default_rng(17)
    for _ in range(300):
        k = int(rng.integers(2, 6))
        cuts = np.sort(rng.choice(np.arange(1, 64), k - 1, replace=False))
        weights = np.diff(np.concatenate(([0], cuts, [64]))) / 64
        spectrum = Spectrum(10 ** rng.uniform(-6, 6, k), weights)
        near_one = 1 + rng.choice([-1, 1]) * 10 ** rng.uniform(-9, -1)
        aspect = float(rng.choice([10 ** rng.uniform(-2, 2), near_one, rng.integers(1, 6)]))
        damping = float(10 ** rng.uniform(-18, 6))
        result = resolvent(spectrum, aspect=aspect, damping=damping)
        for field, exact in reference(spectrum, aspect, damping).items():
            error = relative_error(getattr(result, field), exact)
            assert error < 1e-14, (spectrum.eigenvalues, weights, aspect, damping, field, error)


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("aspect", [1 + 1e-9, 1.5, 2.0, 100.0])
def test_ridgeless_v_above_one(name: str, aspect: float) -> None:
    result = resolvent(SPECTRA[name], aspect=aspect, damping=0.0)
    exact = reference(SPECTRA[name], aspect, 0.0)["v"]
    assert relative_error(result.v, exact) < 1e-14
    assert (result.w, result.m, result.m_prime) == (0.0, math.inf, math.inf)
    near = resolvent(SPECTRA[name], aspect=aspect, damping=1e-16 / result.v)
    assert result.w_prime == pytest.approx(near.w_prime, rel=1e-4)


@pytest.mark.parametrize("name", SPECTRA)
def test_ridgeless_below_one(name: str) -> None:
    spectrum, phi = SPECTRA[name], 0.3
    result = resolvent(spectrum, aspect=phi, damping=0.0)
    m1, m2 = spectrum.moment(-1), spectrum.moment(-2)
    assert (result.w, result.v) == (1 - phi, math.inf)
    assert result.m == pytest.approx(m1 / (1 - phi), rel=8 * EPS)
    expected = m2 / (1 - phi) ** 2 + phi * m1**2 / (1 - phi) ** 3
    assert result.m_prime == pytest.approx(expected, rel=16 * EPS)


def test_aspect_one_without_damping_is_the_documented_limit() -> None:
    result = resolvent(Spectrum.isotropic(), aspect=1.0, damping=0.0)
    assert result.w == 0.0
    assert (result.v, result.m, result.m_prime, result.w_prime) == (math.inf,) * 4


def test_isotropic_without_damping_above_one() -> None:
    assert resolvent(Spectrum.isotropic(), aspect=3.0, damping=0.0).v == pytest.approx(0.5)


def test_grids_broadcast_and_agree_with_scalars() -> None:
    spectrum = SPECTRA["three"]
    aspect = np.array([[0.2], [1.0], [1.7], [4.0]])
    damping = np.array([1e-6, 0.3, 40.0])
    grid = resolvent(spectrum, aspect=aspect, damping=damping)
    assert grid.m.shape == (4, 3)
    for i in range(4):
        for j in range(3):
            one = resolvent(spectrum, aspect=aspect[i, 0], damping=damping[j])
            assert isinstance(one.m, float)
            for field in ("w", "v", "m", "m_prime", "w_prime"):
                got = getattr(grid, field)[i, j]
                assert got == pytest.approx(getattr(one, field), rel=1e-14)


def test_a_million_atoms_match_their_merged_spectrum() -> None:
    """Sums of a million terms round in another order, magnified by the condition of the root."""
    rounding = 64 * np.finfo(float).eps / math.sqrt(1e-2)  # near aspect 1: 1/sqrt(damping)
    few = SPECTRA["three"]
    many = Spectrum(np.repeat([0.1, 1.0, 7.0, 0.1], 250_000))
    for aspect in (0.4, 1 + 1e-9, 2.5):
        coarse = resolvent(few, aspect=aspect, damping=1e-2)
        fine = resolvent(many, aspect=aspect, damping=1e-2)
        for field in ("w", "v", "m", "m_prime"):
            assert getattr(fine, field) == pytest.approx(getattr(coarse, field), rel=rounding)


def test_scaling_covariance_and_damping_together_leaves_w_alone() -> None:
    spectrum = SPECTRA["three"]
    scaled = Spectrum(spectrum.eigenvalues * 8.0, spectrum.weights)
    for aspect in (0.5, 1.5, 5.0):
        plain = resolvent(spectrum, aspect=aspect, damping=0.25)
        large = resolvent(scaled, aspect=aspect, damping=2.0)
        assert large.w == pytest.approx(plain.w, rel=4 * EPS)
        assert 8.0 * large.m == pytest.approx(plain.m, rel=4 * EPS)


@pytest.mark.parametrize(
    ("aspect", "damping", "message"),
    [
        (0.0, 1.0, "aspect=0.0, needs > 0"),
        (-1.0, 1.0, "aspect=-1.0"),
        (math.nan, 1.0, "aspect=nan"),
        (1.0, -0.1, "damping=-0.1, needs >= 0"),
        (1.0, math.nan, "damping=nan"),
        (1.0, math.inf, "damping=inf"),
        ([1.0, -2.0], 1.0, "aspect=-2.0"),
    ],
)
def test_bad_input_names_value_and_bound(aspect: object, damping: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolvent(Spectrum.isotropic(), aspect=aspect, damping=damping)


@pytest.mark.parametrize("aspect", [0.4, 2.0])
def test_sample_covariance_has_the_predicted_traces(aspect: float) -> None:
    """Traces of one Wishart matrix: standard deviation O(1/d), far below the tolerance 8/d."""
    d = 300
    spectrum = SPECTRA["two"]
    rng = np.random.default_rng(20)
    samples = rng.standard_normal((round(d / aspect), d))
    samples *= np.sqrt(np.repeat(spectrum.eigenvalues, d // 2))
    eigenvalues = np.linalg.eigvalsh(samples.T @ samples / len(samples))
    result = resolvent(spectrum, aspect=aspect, damping=0.5)
    assert np.mean(1 / (eigenvalues + 0.5)) == pytest.approx(result.m, abs=8 / d)
    assert np.mean(1 / (eigenvalues + 0.5) ** 2) == pytest.approx(result.m_prime, abs=16 / d)
