"""Alignments: known values, limits, orderings, a small Monte Carlo, refusals."""

import math

import numpy as np
import pytest

from theory.core.formula import Formula
from theory.core.gauss.hermite import activation_statistics, link_statistics
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index import (
    alignment,
    independent_batch_alignment,
    optimal_damping,
    population_whitening_alignment,
    unnormalised_alignment,
)
from theory.single_index.alignment import SI_03
from theory.single_index.sign import ROTATED, SHARE

TWO = Spectrum.two_atom(0.5)
WIDE = Spectrum.two_atom(0.9)
THREE = Spectrum([0.1, 0.9, 2.5], [0.4, 0.35, 0.25])


def problem(link: str, spectrum: Spectrum, aspect: float, noise_std: float = 0.3) -> dict:
    s = link_statistics(link, noise_std=noise_std)
    return {"spectrum": spectrum, "aspect": aspect, "c1": s.c1, "residual_var": s.residual_var}


def relu_stats(link: str) -> dict:
    a = activation_statistics("relu")
    return {
        "c0": link_statistics(link).c0,
        "c_act": a.c_act,
        "act_prime_var": a.act_prime_var,
        "act_second": a.act_second,
    }


# values of an independent derivation, to three digits
PAPER_SIZES = [
    (200, 6000, "tanh", (0.773, 0.985, 0.986), (0.866, 0.989)),
    (200, 6000, "relu", (0.753, 0.941, 0.942), (0.845, 0.955)),
    (200, 6000, "he12", (0.767, 0.974, 0.974), (0.860, 0.980)),
    (900, 5000, "tanh", (0.672, 0.914, 0.917), (0.763, 0.934)),
    (900, 5000, "relu", (0.597, 0.715, 0.740), (0.685, 0.770)),
    (900, 5000, "he12", (0.651, 0.853, 0.861), (0.741, 0.885)),
]


@pytest.mark.parametrize(("d", "n", "link", "rho2", "rho2_cov"), PAPER_SIZES)
def test_values_at_the_paper_sizes(d: int, n: int, link: str, rho2: tuple, rho2_cov: tuple) -> None:
    setup = problem(link, TWO, d / n)
    best = optimal_damping(**{k: setup[k] for k in ("aspect", "c1", "residual_var")})
    found = (
        alignment("sgd", **setup),
        alignment("kfac", damping=0.0, **setup),
        alignment("kfac", damping=best, **setup),
    )
    assert found == pytest.approx(rho2, abs=5.1e-4)
    found_cov = (
        alignment("sgd", weight="covariance", **setup),
        alignment("kfac", weight="covariance", damping=0.0, **setup),
    )
    assert found_cov == pytest.approx(rho2_cov, abs=5.1e-4)


def test_other_methods_at_the_paper_sizes() -> None:
    tanh, relu = problem("tanh", TWO, 0.18), problem("relu", TWO, 0.18)
    stats = relu_stats("tanh")
    assert alignment("sign", **tanh, **stats) == pytest.approx(0.652, abs=5.1e-4)
    assert alignment("sign", rotated=True, **tanh, **stats) == pytest.approx(0.557, abs=5.1e-4)
    assert alignment("batch_norm", **relu, **relu_stats("relu")) == pytest.approx(0.641, abs=5.1e-4)
    assert alignment("polar", **tanh) == 0.0


@pytest.mark.parametrize("weight", ["identity", "covariance"])
@pytest.mark.parametrize("aspect", [0.3, 1.0, 2.5])
def test_large_damping_is_sgd(weight: str, aspect: float) -> None:
    setup = problem("relu", THREE, aspect)
    sgd = alignment("sgd", weight=weight, **setup)
    # the correction is of relative order s_max (1 + aspect) / damping
    kfac = alignment("kfac", weight=weight, damping=1e9, **setup)
    assert kfac == pytest.approx(sgd, rel=1e-7)


@pytest.mark.parametrize("weight", ["identity", "covariance"])
@pytest.mark.parametrize("aspect", [0.05, 0.6, 1.4, 5.0])
def test_ridgeless_is_the_limit_of_small_damping(weight: str, aspect: float) -> None:
    setup = problem("he12", THREE, aspect)
    limit = alignment("kfac", weight=weight, damping=0.0, **setup)
    assert alignment("kfac", weight=weight, damping=1e-12, **setup) == pytest.approx(
        limit, rel=1e-9
    )


@pytest.mark.parametrize("aspect", [1.2, 2.0, 7.0])
def test_pseudo_inverse_has_the_short_form(aspect: float) -> None:
    setup = problem("he12", THREE, aspect)
    v0 = resolvent(THREE, aspect=aspect, damping=0.0).v
    values = {k: setup[k] for k in ("aspect", "c1", "residual_var")}
    short = SI_03["pseudo_inverse"].number(resolvent_v=v0, **values)
    assert alignment("kfac", damping=0.0, **setup) == pytest.approx(short, rel=1e-13)
    clean = {**setup, "residual_var": 0.0}
    assert alignment("kfac", damping=0.0, **clean) == pytest.approx(1 / aspect, rel=1e-13)


def test_aspect_one_without_damping() -> None:
    setup = problem("tanh", TWO, 1.0)
    assert alignment("kfac", damping=0.0, **setup) == 0.0
    assert alignment("kfac", damping=1e-14, **setup) < 1e-5
    assert alignment("kfac", damping=0.0, **{**setup, "residual_var": 0.0}) == 1.0


def test_ridgeless_correlation_is_free_of_the_spectrum() -> None:
    values = [
        alignment("kfac", weight="covariance", damping=0.0, **problem("tanh", s, 0.4))
        for s in (TWO, WIDE, Spectrum.isotropic())
    ]
    assert values == pytest.approx([values[0]] * 3, rel=1e-14)


@pytest.mark.parametrize("damping", [1e-15, 1e-3, 1.0, 1e6, 1e12])
def test_no_cancellation_at_any_damping(damping: float) -> None:
    values = {"aspect": 0.8, "c1": 0.5, "residual_var": 0.3, "damping": damping}
    v = float(resolvent(THREE, aspect=0.8, damping=damping).v)
    exact = SI_03["alignment"].formula.at_digits(30, THREE, resolvent_v=v, **values)
    del values["damping"]
    found = alignment("kfac", spectrum=THREE, damping=damping, **values)
    assert found == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize("link", ["tanh", "relu", "he12"])
@pytest.mark.parametrize("spectrum", [TWO, WIDE, THREE], ids=["two", "wide", "three"])
@pytest.mark.parametrize("aspect", [0.05, 0.5, 3.0])
def test_rotated_sign_lies_between_two_over_pi_and_one_times_sgd(
    link: str, spectrum: Spectrum, aspect: float
) -> None:
    setup, stats = problem(link, spectrum, aspect), relu_stats(link)
    sgd = alignment("sgd", **setup)
    sign = alignment("sign", rotated=True, **setup, **stats)
    assert 2 / math.pi * sgd < sign < sgd
    values = {k: setup[k] for k in ("aspect", "c1", "residual_var")}
    share = Formula(SHARE.xreplace(ROTATED.meaning))(spectrum, **values, **stats)
    assert sign == pytest.approx(sgd * share / math.asin(share), rel=1e-13)
    beta = alignment("sign_beta", rotated=True, **setup)
    assert beta == pytest.approx(2 / math.pi * sgd, rel=1e-13)


def test_diagonal_sign_can_beat_sgd() -> None:
    setup, stats = problem("tanh", WIDE, 0.05), relu_stats("tanh")
    assert alignment("sign", **setup, **stats) > alignment("sgd", **setup)


def test_batch_norm_is_sgd_on_centred_labels() -> None:
    setup = problem("relu", TWO, 0.2)
    c0 = link_statistics("relu").c0
    centred = {**setup, "residual_var": setup["residual_var"] - c0**2}
    assert alignment("batch_norm", c0=c0, **setup) == alignment("sgd", **centred)


def test_independent_batch_is_much_worse_and_tends_to_population_whitening() -> None:
    setup = problem("tanh", TWO, 0.3)
    same = alignment("kfac", damping=0.0, **setup)
    other = independent_batch_alignment(whitening_aspect=0.3, damping=0.0, **setup)
    assert (same, other) == pytest.approx((0.845, 0.430), abs=5.1e-4)
    population = population_whitening_alignment(**setup)
    near = independent_batch_alignment(whitening_aspect=1e-10, damping=0.0, **setup)
    assert near == pytest.approx(population, rel=1e-8)


def test_same_batch_beats_population_whitening_iff_aspect_label_energy_is_small() -> None:
    for aspect in (0.1, 0.4, 0.8):
        for noise_std in (0.1, 1.0):
            setup = problem("tanh", TWO, aspect, noise_std)
            energy = setup["c1"] ** 2 + setup["residual_var"]
            better = alignment("kfac", damping=0.0, **setup) > population_whitening_alignment(
                **setup
            )
            assert better == (aspect * energy < setup["c1"] ** 2)


def test_unnormalised_network_aligns_less() -> None:
    setup, a = problem("tanh", TWO, 0.3), activation_statistics("tanh")
    act = {"c_act": a.c_act, "c_perp2": a.c_perp2, "act_mean": a.mean}
    assert unnormalised_alignment("sgd", **setup, **act) == pytest.approx(0.311, abs=5.1e-4)
    silent = {"c_act": 0.0, "c_perp2": 0.0, "act_mean": 0.0}
    for damping in (0.0, 0.2):
        plain = alignment("kfac", damping=damping, **setup)
        found = unnormalised_alignment("kfac", damping=damping, **setup, **silent)
        assert found == pytest.approx(plain, rel=1e-14)


def test_a_teacher_that_follows_the_spectrum_is_the_isotropic_one() -> None:
    setup = problem("relu", THREE, 0.7)
    setup["spectrum"] = Spectrum(THREE.eigenvalues / THREE.moment(1), THREE.weights)
    for options in ({"method": "sgd"}, {"method": "kfac", "damping": 0.1}):
        plain = alignment(**options, **setup)
        given = alignment(**options, **setup, teacher_energy=5.0 * THREE.weights)
        assert given == pytest.approx(plain, rel=1e-14)


@pytest.mark.parametrize("half", [0, 1])
def test_structured_teacher_against_simulation(half: int) -> None:
    """24 draws at d = 200: margin = 5 standard errors + finite-size bias 5/d."""
    d, n, replicates = 200, 500, 24
    rng = np.random.default_rng([15, half])
    s = np.repeat(WIDE.eigenvalues, d // 2)
    s_link = link_statistics("tanh", noise_std=0.3)
    found = []
    for _ in range(replicates):
        b = np.zeros(d)
        b[half * d // 2 : (half + 1) * d // 2] = rng.standard_normal(d // 2)
        b /= math.sqrt(b @ (s * b))
        X = rng.standard_normal((n, d)) * np.sqrt(s)
        y = np.tanh(X @ b) + 0.3 * rng.standard_normal(n)
        beta = np.linalg.solve(X.T @ X / n + 0.1 * np.eye(d), X.T @ y / n)
        found.append((beta @ b) ** 2 / (beta @ beta) / (b @ b))
    predicted = alignment(
        "kfac",
        spectrum=WIDE,
        aspect=d / n,
        damping=0.1,
        c1=s_link.c1,
        residual_var=s_link.residual_var,
        teacher_energy=[1.0 - half, float(half)],
    )
    margin = 5 * np.std(found, ddof=1) / math.sqrt(replicates) + 5 / d
    assert np.mean(found) == pytest.approx(predicted, abs=margin)


GOOD = {"spectrum": TWO, "aspect": 0.5, "c1": 0.6, "residual_var": 0.2}


@pytest.mark.parametrize(
    ("method", "change", "message"),
    [
        ("adam", {}, "method='adam'"),
        ("sgd", {"weight": "euclid"}, "weight='euclid'"),
        ("sgd", {"aspect": 0.0}, "aspect=0.0, needs to be finite and > 0"),
        ("sgd", {"aspect": math.nan}, "aspect=nan"),
        ("sgd", {"residual_var": -0.1}, "residual_var=-0.1"),
        ("sgd", {"c1": math.inf}, "c1=inf"),
        ("sgd", {"c1": 0.0, "residual_var": 0.0}, "labels are zero"),
        ("sgd", {"damping": 0.1}, "damping=0.1, needs None"),
        ("sgd", {"spectrum": [1.0]}, "needs a theory.Spectrum"),
        ("sgd", {"colour": 1.0}, "colour"),
        ("kfac", {}, "damping=None"),
        ("kfac", {"damping": -1.0}, "damping=-1.0"),
        ("kfac", {"damping": 0.1, "teacher_energy": [1.0]}, "teacher_energy has shape"),
        ("kfac", {"damping": 0.1, "teacher_energy": [1.0, -1.0]}, r"teacher_energy\[1\]=-1.0"),
        ("sign", {}, "c_act is missing"),
        ("sign", {"weight": "covariance"}, "no formula"),
        ("polar", {"weight": "covariance"}, "no formula"),
        ("batch_norm", {}, "c0 is missing"),
        ("batch_norm", {"c0": 0.9}, "residual_var=0.2, needs >= c0"),
        ("batch_norm", {"c0": 0.0, "teacher_energy": [1.0, 1.0]}, "no formula"),
    ],
)
def test_refusals(method: str, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        alignment(method, **{**GOOD, **change})


def test_no_linear_part_means_no_alignment() -> None:
    assert alignment("sgd", **{**GOOD, "c1": 0.0}) == 0.0
    assert alignment("kfac", damping=0.3, **{**GOOD, "c1": 0.0}) == 0.0


def test_independent_batch_refuses_a_singular_covariance() -> None:
    with pytest.raises(ValueError, match=r"whitening_aspect=1.5, needs < 1"):
        independent_batch_alignment(whitening_aspect=1.5, damping=0.0, **GOOD)
