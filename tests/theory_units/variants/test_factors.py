"""Mixed, averaged and powered factors: known values, limits, refusals."""

import numpy as np
import pytest

from theory.core.gauss.hermite import link_statistics
from theory.core.spectrum import Spectrum
from theory.single_index import (
    alignment,
    average_alignment,
    ceiling,
    exponent_alignment,
    independent_batch_alignment,
    mixture_alignment,
    optimal_damping,
    population_whitening_alignment,
)
from theory.single_index.variants.average import SI_19, Movement
from theory.single_index.variants.one_point import spectral_means
from theory.single_index.variants.schedule import newest_batches

TWO = Spectrum.two_atom(0.5)
WIDE = Spectrum.two_atom(0.9)
THREE = Spectrum([0.1, 0.9, 2.5], [0.4, 0.35, 0.25])
GEOMETRIC = Spectrum.geometric(30.0, 400)
TO_THREE_DIGITS = 6e-4


def problem(link: str, spectrum: Spectrum, aspect: float, noise_std: float = 0.3) -> dict:
    s = link_statistics(link, noise_std=noise_std)
    return {"spectrum": spectrum, "aspect": aspect, "c1": s.c1, "residual_var": s.residual_var}


@pytest.mark.parametrize("weight", ["identity", "covariance"])
@pytest.mark.parametrize("aspect", [0.05, 0.6, 1.5])
@pytest.mark.parametrize("damping", [0.02, 3.0, 1e6])
def test_the_own_batch_alone_is_kfac(weight: str, aspect: float, damping: float) -> None:
    setup = problem("he12", THREE, aspect)
    expected = alignment("kfac", damping=damping, weight=weight, **setup)
    for shares in ([1.0], [1.0, 0.0, 0.0]):
        found = mixture_alignment(shares=shares, damping=damping, weight=weight, **setup)
        assert found == pytest.approx(expected, rel=1e-12)
    average = average_alignment(decay=0.0, damping=damping, weight=weight, **setup)
    assert average == pytest.approx(expected, rel=1e-12)


def test_the_own_batch_has_the_aspect_of_the_step() -> None:
    setup = problem("tanh", WIDE, 0.4)
    with pytest.raises(ValueError, match=r"aspects\[0\]=0.7, needs aspect=0.4"):
        mixture_alignment(shares=[0.5, 0.5], aspects=[0.7, 0.4], damping=0.1, **setup)


def test_other_batches_and_the_exact_covariance_are_mixtures() -> None:
    setup = problem("tanh", WIDE, 0.4)
    other = mixture_alignment(shares=[0, 1], aspects=[0.4, 0.7], damping=0.1, **setup)
    expected = independent_batch_alignment(whitening_aspect=0.7, damping=0.1, **setup)
    assert other == pytest.approx(expected, rel=1e-12)
    exact = population_whitening_alignment(**setup)
    for found in (
        mixture_alignment(u=0.0, g=0.0, damping=0.0, **setup),
        mixture_alignment(shares=[0.0, 1.0], aspects=[0.4, 0.0], damping=0.0, **setup),
        mixture_alignment(shares=[1e-9, 1.0], aspects=[0.4, 1e-9], damping=0.0, **setup),
    ):
        assert found == pytest.approx(exact, rel=1e-7)


def test_a_batch_split_in_two_is_the_batch() -> None:
    setup = problem("relu", THREE, 0.5)
    whole = mixture_alignment(shares=[0.3, 0.7], aspects=[0.5, 0.2], damping=0.05, **setup)
    halves = mixture_alignment(
        shares=[0.3, 0.35, 0.35], aspects=[0.5, 0.4, 0.4], damping=0.05, **setup
    )
    assert halves == pytest.approx(whole, rel=1e-12)


def test_a_common_scale_of_factor_and_damping_changes_nothing() -> None:
    setup = problem("tanh", THREE, 0.5)
    one = mixture_alignment(shares=[0.3, 0.7], damping=0.05, **setup)
    ten = mixture_alignment(shares=[3.0, 7.0], damping=0.5, **setup)
    assert ten == pytest.approx(one, rel=1e-12)


def test_per_step_values_of_averages() -> None:
    """Values of an independent derivation, confirmed by simulation at d = 400."""
    known = {
        0.1: (0.955, 0.864, 0.857, 0.852),
        0.5: (0.701, 0.554, 0.543, 0.534),
        0.8: (0.369, 0.433, 0.424, 0.417),
    }
    for aspect, values in known.items():
        setup = problem("tanh", TWO, aspect)
        found = [average_alignment(decay=b, **setup) for b in (0.0, 0.9, 0.95, 0.99)]
        assert found == pytest.approx(values, abs=TO_THREE_DIGITS)


def test_the_accumulated_movement_regains_the_loss() -> None:
    setup = problem("tanh", TWO, 0.5)

    def error(steps: int, decay: float) -> float:
        return steps * (1 / average_alignment(decay=decay, steps=steps, **setup) - 1)

    found = [error(T, 0.95) for T in (1, 10, 100)]
    assert found == pytest.approx([0.842, 0.720, 0.344], abs=TO_THREE_DIGITS)
    assert error(7, 0.0) == pytest.approx(error(1, 0.0), rel=1e-12)  # independent steps
    assert error(100, 0.8) < error(100, 0.0) < error(1, 0.8)


def test_leading_order_of_what_is_kept() -> None:
    aspect, steps = 1e-6, 5
    setup = problem("tanh", TWO, aspect)
    c1, s2 = setup["c1"], setup["residual_var"]
    for b in (0.0, 0.5, 0.9):
        rho2 = average_alignment(decay=b, steps=steps, **setup)
        level = steps * c1**2 * (1 / rho2 - 1) / (aspect * TWO.moment(-1))
        lost = 2 * b**2 * (1 - b**steps) / (steps * (1 - b**2))
        assert level == pytest.approx(s2 + c1**2 * lost, rel=1e-4)


@pytest.mark.parametrize(
    ("decay", "inverse_every", "current", "seen", "standard_error"),
    [
        (0.0, 2, True, 0.7634, 0.0040),
        (0.0, 4, True, 0.6053, 0.0059),
        (0.6, 1, False, 0.8716, 0.0027),
    ],
)
def test_simulated_schedules(
    decay: float, inverse_every: int, current: bool, seen: float, standard_error: float
) -> None:
    """Means of 40 simulations at d = 160, with four steps, damping 0.05 and d/n = 0.4.

    Equal lengths of the steps would give 0.814 in the first case.
    """
    found = average_alignment(
        decay=decay,
        steps=4,
        inverse_every=inverse_every,
        includes_current=current,
        damping=0.05,
        **problem("tanh", TWO, 0.4),
    )
    assert found == pytest.approx(seen, abs=3 * standard_error + 2 / 160)


@pytest.mark.parametrize(
    ("spectrum", "values"), [(TWO, (0.871, 0.429)), (GEOMETRIC, (0.788, 0.292))]
)
def test_a_stale_inverse_caps_the_direction(spectrum: Spectrum, values: tuple) -> None:
    for aspect, value in zip((0.1, 0.5), values, strict=True):
        setup = problem("tanh", spectrum, 1e-9)
        found = mixture_alignment(shares=[0, 1], aspects=[1e-9, aspect], damping=0.0, **setup)
        assert found == pytest.approx(value, abs=2e-3)


@pytest.mark.parametrize("current", [True, False])
@pytest.mark.parametrize(("inverse_every", "factor_every"), [(1, 1), (2, 3), (4, 2), (9, 5)])
@pytest.mark.parametrize("steps", [1, 2, 7, 24, 37])
def test_a_period_stands_for_all_steps(
    steps: int, inverse_every: int, factor_every: int, current: bool
) -> None:
    known = {"decay": 0.6, "damping": 0.05, **problem("tanh", THREE, 0.4)}
    schedule = {"inverse_every": inverse_every, "factor_every": factor_every}
    newest = newest_batches(steps, inverse_every, factor_every, current)
    every = Movement(newest=newest, factor_every=factor_every, **known)
    full = every.noise(np.arange(steps))
    assert full == pytest.approx(full.T)
    level = every.lengths @ full @ every.lengths / every.lengths.sum() ** 2
    assert every.noise_level() == pytest.approx(level, rel=1e-12)
    found = average_alignment(steps=steps, includes_current=current, **schedule, **known)
    expected = SI_19["alignment"].number(THREE, **every.values())
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "value"),
    [
        ({"steps": 100, "decay": 0.95}, 0.9272471845208103),
        (
            {"steps": 2000, "decay": 0.9, "inverse_every": 37, "factor_every": 41},
            0.9224581652227067,
        ),
        (
            {"steps": 5000, "decay": 0.95, "inverse_every": 97, "factor_every": 101},
            0.9249304121708183,
        ),
        ({"steps": 2000, "decay": 0.999}, 0.9322661274827899),
        (
            {
                "steps": 1501,
                "decay": 0.95,
                "inverse_every": 14,
                "factor_every": 10,
                "includes_current": False,
            },
            0.9289321614764185,
        ),
    ],
)
def test_long_periods_as_the_matrix_of_all_steps_gave_them(schedule: dict, value: float) -> None:
    """Computed once from every row of one period, at a cost of the period times the steps."""
    known = {"spectrum": Spectrum.geometric(100.0, 1000), "aspect": 0.3, "c1": 0.6}
    found = average_alignment(**known, residual_var=0.2, damping=0.1, **schedule)
    assert found == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("aspect", [0.05, 0.5, 1.0, 2.5])
@pytest.mark.parametrize("weight", ["identity", "covariance"])
def test_nothing_beats_the_ceiling(aspect: float, weight: str) -> None:
    setup = problem("relu", THREE, aspect)
    labels = {name: setup[name] for name in ("aspect", "c1", "residual_var")}
    best = optimal_damping(**labels)
    top = ceiling(weight=weight, **setup)
    kfac = alignment("kfac", damping=best, weight=weight, **setup)
    assert top == pytest.approx(kfac, rel=1e-13)
    rng = np.random.default_rng(18)
    for _ in range(20):
        shares, damping = rng.dirichlet(np.ones(3)), best * 4 ** rng.uniform(-2, 2)
        rule = {"damping": damping, "weight": weight, **setup}
        assert mixture_alignment(shares=shares, **rule) < top
        exponent = rng.uniform(0.1, 2.0)
        assert exponent_alignment(exponent=exponent, **rule) <= top * (1 + 1e-10)
        assert exponent_alignment(exponent=exponent, factor="population", **rule) < top


def test_ceiling_without_noise_or_signal() -> None:
    clean = {"spectrum": THREE, "c1": 0.5, "residual_var": 0.0}
    assert ceiling(aspect=0.7, **clean) == 1.0
    assert ceiling(aspect=2.0, **clean) == pytest.approx(0.5, rel=1e-12)
    assert ceiling(spectrum=TWO, aspect=0.5, c1=0.0, residual_var=1.0) == 0.0


@pytest.mark.parametrize("spectrum", [Spectrum.isotropic(), TWO, THREE, GEOMETRIC])
@pytest.mark.parametrize("aspect", [1e-3, 0.5, 0.98, 1.0, 1.05, 20.0])
@pytest.mark.parametrize("damping", [0.0, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("weight", ["identity", "covariance"])
def test_exponents_zero_and_one(
    spectrum: Spectrum, aspect: float, damping: float, weight: str
) -> None:
    setup = {**problem("he12", spectrum, aspect), "weight": weight}
    sgd = alignment("sgd", **setup)
    if damping > 0 or aspect != 1:
        kfac = alignment("kfac", damping=damping, **setup)
        rule = {"damping": damping, **setup}
        assert exponent_alignment(exponent=1.0, **rule) == pytest.approx(kfac, rel=1e-9)
        assert exponent_alignment(exponent=0.0, **rule) == pytest.approx(sgd, rel=1e-9)
    exact = exponent_alignment(exponent=0.0, factor="population", **setup)
    assert exact == pytest.approx(sgd, rel=1e-12)


def test_values_of_the_exponent_one_half() -> None:
    for spectrum, values in ((TWO, (0.882, 0.788, 0.553)), (GEOMETRIC, (0.769, 0.690, 0.493))):
        found = [
            exponent_alignment(exponent=0.5, **problem("tanh", spectrum, aspect))
            for aspect in (0.1, 0.3, 0.9)
        ]
        assert found == pytest.approx(values, abs=1.5e-3)


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.7])
def test_means_of_functions_of_one_large_batch(exponent: float) -> None:
    """A batch with d = 600: linear statistics fluctuate by O(1/d)."""
    d, n = 600, 900
    rng = np.random.default_rng(21)
    s = np.repeat(TWO.eigenvalues, d // 2)
    X = rng.standard_normal((n, d)) * np.sqrt(s)
    values, vectors = np.linalg.eigh(X.T @ X / n)
    weighted = (vectors**2 * s[:, None]).sum(0)

    def functions(z: np.ndarray) -> tuple[np.ndarray, ...]:
        return (z * (z + 0.1) ** -exponent,)

    (plain,) = spectral_means(functions, spectrum=TWO, aspect=d / n, branch=0.1)
    (scaled,) = spectral_means(
        functions, spectrum=TWO, aspect=d / n, branch=0.1, weight=TWO.eigenvalues
    )
    assert plain == pytest.approx(functions(values)[0].mean(), rel=10 / d)
    assert scaled == pytest.approx((functions(values)[0] * weighted).mean(), rel=10 / d)


def test_population_exponents_do_not_overflow() -> None:
    setup = {"spectrum": Spectrum([1e-8, 1e8]), "aspect": 0.5, "c1": 1.0, "residual_var": 1.0}
    for exponent in (-5.0, 8.0):
        found = exponent_alignment(exponent=exponent, factor="population", **setup)
        assert 0.0 <= found <= 1.0
