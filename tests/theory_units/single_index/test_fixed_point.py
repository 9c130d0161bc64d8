"""SI-08: closed forms, uniqueness, and where the two iterations converge."""

import numpy as np
import pytest
import sympy as sp

from theory.core.exact.check import check_identity, check_identity_rational
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index.fixed_point import (
    SI_08,
    TWO_ATOM_CUBIC,
    companion_iteration,
    natural_iteration,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import lam, p_A, s_A, s_B, w_fix

ISOTROPIC_M = SI_08["one_atom"].relation.rhs
THREE = Spectrum([0.1, 0.9, 2.5], [0.4, 0.35, 0.25])
GRID = [(0.1, 1e-3), (0.7, 0.2), (1.0, 1e-2), (1.5, 0.1), (1.5, 20.0), (5.0, 1.0), (40.0, 0.3)]


def test_two_atoms_give_the_cubic() -> None:
    relation = SI_08.relations()["two_atoms"]
    assert check_identity(relation, {}, draws=2).holds
    assert check_identity_rational(relation, {})
    wrong = sp.Eq(relation.lhs, TWO_ATOM_CUBIC + lam**2 * w_fix)
    assert not check_identity(wrong, {}).holds


def test_isotropic_closed_form_solves_the_equation() -> None:
    """One atom: m = 1/(lam + w) with w = 1 - phi + phi lam m."""
    defect = ISOTROPIC_M * (lam + 1 - phi + phi * lam * ISOTROPIC_M) - 1
    assert sp.simplify(defect) == 0


@pytest.mark.parametrize(("aspect", "damping"), GRID)
def test_solver_agrees_with_the_closed_forms(aspect: float, damping: float) -> None:
    point = {phi: sp.Float(aspect, 40), lam: sp.Float(damping, 40)}
    m = resolvent(Spectrum.isotropic(), aspect=aspect, damping=damping).m
    assert m == pytest.approx(float(ISOTROPIC_M.subs(point).evalf(30)), rel=1e-15)
    atoms = {s_A: sp.Float(0.25, 40), s_B: sp.Float(3.0, 40), p_A: sp.Float(0.75, 40)}
    cubic = sp.Poly(TWO_ATOM_CUBIC.subs(point).subs(atoms), w_fix)
    inside = [float(r) for r in cubic.nroots(n=30) if r.is_real and 0 < r <= 1]
    w = resolvent(Spectrum([0.25, 3.0], [0.75, 0.25]), aspect=aspect, damping=damping).w
    assert inside == pytest.approx([w], rel=1e-14)


@pytest.mark.parametrize(("aspect", "damping"), GRID)
def test_companion_is_increasing_and_concave_with_one_root(aspect: float, damping: float) -> None:
    v = np.geomspace(1e-6, 1e6, 200)
    values = np.array(
        [
            SI_08["companion"].left(THREE, aspect=aspect, damping=damping, resolvent_v=float(x)) - 1
            for x in v
        ]
    )
    slopes = np.diff(values) / np.diff(v)
    assert (slopes > 0).all()
    assert (np.diff(slopes) <= 1e-12 * slopes[:-1] + 1e-15).all()
    root = float(resolvent(THREE, aspect=aspect, damping=damping).v)
    assert (np.sign(values) == np.sign(v - root)).all()


@pytest.mark.parametrize(("aspect", "damping"), GRID)
@pytest.mark.parametrize("start", [1e-4, 1e4])
def test_companion_iteration_always_converges_at_its_rate(
    aspect: float, damping: float, start: float
) -> None:
    setup = {"aspect": aspect, "damping": damping}
    root = float(resolvent(THREE, **setup).v)
    rate = SI_08["companion_rate"].number(THREE, aspect=aspect, resolvent_v=root)
    assert 0 < rate < 1
    path = np.array(companion_iteration(THREE, **setup, start=start, steps=4000))
    assert path[-1] == pytest.approx(root, rel=1e-12 / (1 - rate))
    errors = np.abs(np.log(path / root))
    local = (errors < 1e-3) & (errors > 1e-7)
    ratios = errors[1:][local[:-1]] / errors[:-1][local[:-1]]
    assert ratios == pytest.approx(np.full(ratios.shape, rate), rel=2e-2)


@pytest.mark.parametrize(("aspect", "damping"), GRID)
def test_natural_iteration_converges_iff_its_slope_is_below_one(
    aspect: float, damping: float
) -> None:
    setup = {"aspect": aspect, "damping": damping}
    exact = resolvent(THREE, **setup)
    point = {"aspect": aspect, "resolvent_v": float(exact.v)}
    rate = abs(SI_08["natural_rate"].number(THREE, **point))
    divergent = SI_08["repelled"].number(THREE, **point) > 0
    assert (rate > 1) == divergent
    assert aspect > 1 or not divergent
    # start next to the root: a repelling root loses it, an attracting one keeps it
    start = float(exact.m) * (1 + 1e-6)
    path = natural_iteration(THREE, **setup, start=start, steps=300)
    distance = abs(path[-1] / float(exact.m) - 1)
    assert (distance > 1e-3) if divergent else (distance < 1e-6)


def test_the_grid_has_both_kinds() -> None:
    kinds = set()
    for aspect, damping in GRID:
        v = float(resolvent(THREE, aspect=aspect, damping=damping).v)
        kinds.add(SI_08["repelled"].number(THREE, aspect=aspect, resolvent_v=v) > 0)
    assert kinds == {True, False}


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"start=0.0"):
        companion_iteration(THREE, aspect=1.0, damping=1.0, start=0.0, steps=3)
    with pytest.raises(ValueError, match=r"steps=-1"):
        natural_iteration(THREE, aspect=1.0, damping=1.0, start=1.0, steps=-1)
