"""The mechanism behind every formula: float64 against 30 digits of the same expression."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

from theory.claims import PACKS
from theory.core.formula import E, E_b, Formula
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index.direction import ENERGY, OVERLAP
from theory.single_index.notation import NOTATION, s_cov
from theory.single_index.notation import c1_link as c1
from theory.single_index.teacher import _CORRELATION

SPECTRA = [Spectrum.two_atom(0.5), Spectrum([0.05, 0.9, 6.0], [0.5, 0.3, 0.2])]
EPS = 2.0**-52

VALUES = {
    "covariance_eigenvalue": 1.0,
    "aspect": 0.7,
    "damping": 0.03,
    "c0": 0.25,
    "c1": 0.6,
    "residual_var": 0.4,
    "c_act": 0.55,
    "act_second": 0.3,
    "act_prime_var": 0.2,
    "c_perp2": 0.1,
    "act_mean": 0.15,
    "spike_strength": 2.5,
    "width_ratio": 1.4,
    "step_size": 0.8,
    "edge_parameter": -0.4,
    "resolvent_w": 0.45,
    "resolvent_w_prime": 0.9,
    "resolvent_m": 1.3,
    "resolvent_v2": 0.6,
    "width": 700,
    "effective_ridge": 0.12,
    "effective_error": 0.2,
    "effective_error_slope": 0.4,
    "freedom_ratio": 0.15,
    "freedom_slope": -0.3,
    "ridge": 0.1,
    "rate_constant": 1.3,
    "best_damping": 0.21,
    "moment_u1": 0.8,
    "moment_u2": 0.7,
    "moment_u3": 0.65,
    "alignment": 0.55,
    "alignment_at_best_damping": 0.6,
    "alignment_sgd": 0.5,
    "alignment_normalised": 0.58,
    "first_atom": 0.4,
    "second_atom": 1.7,
    "first_atom_weight": 0.3,
    "direction_norm": 1.2,
    "batch_size": 400,
    "spike_eigenvalue": 3.5,
    "step_exponent": 0.4,
    "degree": 2,
    "target": 0.1,
}


def formulas() -> dict[str, Formula]:
    """The right side of every part of the claims, and the formulas of no claim."""
    found: dict[str, Formula] = {}
    for claim in PACKS["SI"].claims.values():
        for name in claim.parts:
            formula = claim[name].formula
            known = formula.expression.atoms(E, E_b)
            beyond = formula.expression.atoms(AppliedUndef, sp.Sum, sp.MatrixSymbol)
            of_one_eigenvalue = formula.expression.xreplace(
                {mean: sp.Integer(1) for mean in known}
            ).has(s_cov)
            if not beyond - known and not of_one_eigenvalue:
                found[f"{claim.id} {name}"] = formula
    for step in ENERGY:
        found |= {f"energy {step} {name}": f for name, f in ENERGY[step].items()}
        found |= {f"overlap {step} {name}": f for name, f in OVERLAP[step].items()}
    return found | {f"teacher, covariance, {name}": f for name, f in _CORRELATION.items()}


def value_of(code: str) -> float:
    """Return a value of a parameter: listed above, or somewhere in its domain."""
    if code in VALUES:
        return VALUES[code]
    (domain,) = (entry.domain for entry in NOTATION.values() if entry.code_name == code)
    return next(float(x) for x in (sp.Rational(3, 5), 6, -sp.Rational(1, 5)) if x in domain)


FORMULAS = formulas()


def test_the_search_finds_the_formulas() -> None:
    assert len(FORMULAS) > 50


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("spectrum", SPECTRA, ids=["two", "three"])
def test_float64_agrees_with_30_digits(name: str, spectrum: Spectrum) -> None:
    formula = FORMULAS[name]
    values = {code: value_of(code) for code in formula.code_names}
    if "resolvent_v" in values:
        v = resolvent(spectrum, aspect=VALUES["aspect"], damping=VALUES["damping"]).v
        values["resolvent_v"] = float(v)
    energy = np.linspace(0.3, 0.7, spectrum.eigenvalues.size)
    exact = formula.at_digits(30, spectrum, energy, **values)
    # COMPANION is a difference of terms of size one, hence the absolute part
    allowed = 200 * EPS * max(1, abs(float(exact)))
    assert abs(float(mpmath.mpf(formula(spectrum, energy, **values)) - exact)) <= allowed


def test_means_nest_and_measures_differ() -> None:
    formula = Formula(E(s_cov * E(s_cov**2)) + E_b(s_cov) * c1)
    spectrum = Spectrum([1.0, 3.0], [0.25, 0.75])
    assert formula(spectrum, np.array([2.0, 0.5]), c1=10.0) == pytest.approx(2.5 * 7.0 + 35.0)


def test_missing_unused_and_non_finite_values_are_refused() -> None:
    formula = Formula(c1 / E(s_cov))
    spectrum = SPECTRA[0]
    with pytest.raises(ValueError, match="needs exactly"):
        formula(spectrum)
    with pytest.raises(ValueError, match="needs exactly"):
        formula(spectrum, c1=1.0, c0=0.0)
    with pytest.raises(ValueError, match="needs a Spectrum"):
        formula(c1=1.0)
    with pytest.raises(ValueError, match="no finite value"):
        formula(spectrum, c1=float("nan"))
    with pytest.raises(ValueError, match="teacher_energy=None"):
        Formula(E_b(s_cov))(spectrum)


def test_every_parameter_stands_in_the_notation_table() -> None:
    for formula in FORMULAS.values():
        for symbol in formula.expression.atoms(sp.Symbol):
            assert NOTATION[symbol.name].symbol == symbol
