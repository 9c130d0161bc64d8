"""SI-04 and SI-05: exact identities first, then the limit formulas."""

import numpy as np
import pytest
import sympy as sp

from theory.core.exact.check import check_identity
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index import alignment, kfac_beats_sgd, optimal_damping
from theory.single_index.damping import (
    BATCH_ALIGNMENT,
    COUNTER_EXAMPLE,
    SI_04,
    damping_derivative,
)
from theory.single_index.notation import lam, lam_star, u_1, u_2, u_3

SPECTRA = [
    Spectrum.isotropic(),
    Spectrum.two_atom(0.9),
    Spectrum.geometric(300.0, 20),
    Spectrum([0.1, 0.9, 2.5], [0.4, 0.35, 0.25]),
]


def test_the_derivative_factorises() -> None:
    result = check_identity(SI_04.relations()["derivative"], {}, draws=2)
    assert result.holds
    assert result.false_pass_bound < sp.Rational(1, 10**30)


def test_the_second_factor_is_a_sum_of_squares() -> None:
    """u_1 u_3 - u_2^2 = 1/2 sum p_i p_j u_i u_j (u_i - u_j)^2, for any three atoms."""
    p, u = sp.symbols("p0:3", positive=True), sp.symbols("U0:3", positive=True)

    def mean(power: int) -> sp.Expr:
        return sum(a * b**power for a, b in zip(p, u, strict=True))

    squares = sum(
        p[i] * p[j] * u[i] * u[j] * (u[i] - u[j]) ** 2 for i in range(3) for j in range(i)
    )
    assert sp.expand(mean(1) * mean(3) - mean(2) ** 2 - squares) == 0


def test_the_chain_rule_is_that_of_a_batch() -> None:
    """u_j as explicit functions of lam: the derivative of the composition is SI-04's."""
    t, weights = sp.symbols("t0:2", positive=True), sp.symbols("q0:2", positive=True)
    values = {
        u: sum(q * x / (x + lam) ** j for q, x in zip(weights, t, strict=True))
        for j, u in ((1, u_1), (2, u_2), (3, u_3))
    }
    direct = sp.diff(BATCH_ALIGNMENT.subs(values), lam)
    assert sp.simplify(direct - SI_04["derivative"].relation.lhs.subs(values)) == 0
    assert damping_derivative(u_1) == -u_2


def test_batch_alignment_is_the_conditional_mean_ratio() -> None:
    """u_1 + (lam* - lam) u_2 is E[(t^2 + lam* t)/(t + lam)^2]: exact for one batch."""
    rng = np.random.default_rng(4)
    t, damping, best = rng.uniform(0.1, 3.0, 40), 0.3, 0.7
    u = 1 / (t + damping)
    second = np.mean((t**2 + best * t) * u**2)
    values = {u_1: np.mean(t * u), u_2: np.mean(t * u**2), lam: damping}
    found = BATCH_ALIGNMENT.subs(lam_star, best).subs(values)
    assert float(found) == pytest.approx(np.mean(t * u) ** 2 / second, rel=1e-14)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=repr)
@pytest.mark.parametrize("aspect", [0.1, 0.9, 1.0, 3.0])
@pytest.mark.parametrize("weight", ["identity", "covariance"])
def test_unimodal_with_the_stated_maximum(spectrum: Spectrum, aspect: float, weight: str) -> None:
    values = {"aspect": aspect, "c1": 0.7, "residual_var": 0.35}
    best = optimal_damping(**values)
    setup = {"spectrum": spectrum, "weight": weight, **values}
    grid = best * np.geomspace(1e-4, 1e4, 41)
    rho2 = np.array([alignment("kfac", damping=float(x), **setup) for x in grid])
    rises, flat = np.diff(rho2), 4e-16
    assert (rises[:20] > -flat).all()
    assert (rises[20:] < flat).all()
    v = float(resolvent(spectrum, aspect=aspect, damping=best).v)
    part = SI_04["best_alignment" if weight == "identity" else "best_correlation"]
    assert rho2[20] == pytest.approx(part.number(spectrum, resolvent_v=v), rel=1e-13)
    assert (rho2[20:] > alignment("sgd", **setup) * (1 - 1e-14)).all()


def test_best_alignment_is_one_minus_damping_times_m() -> None:
    spectrum, values = SPECTRA[3], {"aspect": 0.6, "c1": 0.7, "residual_var": 0.35}
    best = optimal_damping(**values)
    m = resolvent(spectrum, aspect=0.6, damping=best).m
    found = alignment("kfac", spectrum=spectrum, damping=best, **values)
    assert found == pytest.approx(1 - best * m, rel=1e-14)


def test_a_structured_teacher_moves_the_best_damping() -> None:
    values = {"aspect": 0.4, "c1": 0.6057, "residual_var": 0.1174}
    best = optimal_damping(**values)
    setup = {"spectrum": Spectrum.two_atom(0.9), **values}
    low = [alignment("kfac", damping=x, teacher_energy=[1, 0], **setup) for x in (best / 10, best)]
    high = [alignment("kfac", damping=x, teacher_energy=[0, 1], **setup) for x in (best, best * 6)]
    assert low[0] > low[1] + 0.05
    assert high[1] > high[0] + 0.05


def test_the_counter_example() -> None:
    found = kfac_beats_sgd(**COUNTER_EXAMPLE)
    assert not found.kfac_wins
    assert (found.sgd, found.kfac) == pytest.approx((0.372, 0.202), abs=5.1e-4)
    best = optimal_damping(aspect=0.5, c1=1.0, residual_var=0.75)
    assert alignment("kfac", damping=best, **COUNTER_EXAMPLE) == pytest.approx(0.481, abs=5.1e-4)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=repr)
def test_the_condition_decides_the_comparison(spectrum: Spectrum) -> None:
    for aspect in (0.05, 0.2, 0.45, 0.7):
        for residual_var in (0.0, 0.3, 2.0):
            found = kfac_beats_sgd(
                spectrum=spectrum, aspect=aspect, c1=1.0, residual_var=residual_var
            )
            assert found.kfac_wins == (found.kfac > found.sgd)
            assert 1 / found.sgd - 1 / found.kfac == pytest.approx(
                found.advantage, rel=1e-12, abs=1e-12
            )


def test_boundaries_of_the_condition() -> None:
    """s2 = c1^2: KFAC without damping wins below these aspects (two and three digits)."""
    for spectrum, boundary in (
        (Spectrum.isotropic(), 0.5),
        (Spectrum.two_atom(0.5), 0.473),
        (Spectrum.two_atom(0.9), 0.182),
    ):
        for aspect, wins in ((boundary - 2e-3, True), (boundary + 2e-3, False)):
            found = kfac_beats_sgd(spectrum=spectrum, aspect=aspect, c1=1.0, residual_var=1.0)
            assert found.kfac_wins == wins


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"c1=0.0"):
        optimal_damping(aspect=0.5, c1=0.0, residual_var=1.0)
    with pytest.raises(ValueError, match=r"aspect=-1"):
        optimal_damping(aspect=-1, c1=1.0, residual_var=1.0)
    with pytest.raises(ValueError, match=r"aspect=1.5, needs < 1"):
        kfac_beats_sgd(spectrum=SPECTRA[0], aspect=1.5, c1=1.0, residual_var=1.0)
