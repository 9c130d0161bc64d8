"""The mechanism behind every formula: float64 against 30 digits of the same expression."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from theory.core.formula import E, E_b, Formula
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index import (
    damping,
    direction,
    fixed_point,
    gaussian_equivalent,
    gradient,
    outliers,
    polar,
    ridge_risk,
    sign_step,
    teacher,
    whitening,
)
from theory.single_index.notation import NOTATION, s_cov
from theory.single_index.notation import c1_link as c1

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
}


def formulas() -> dict[str, Formula]:
    """Every Formula defined at the top of the single-index files."""
    found: dict[str, Formula] = {}
    modules = (
        damping,
        direction,
        fixed_point,
        gaussian_equivalent,
        gradient,
        outliers,
        polar,
        ridge_risk,
        sign_step,
        teacher,
        whitening,
    )

    def visit(name: str, value: object) -> None:
        if isinstance(value, Formula):
            found[name] = value
        elif isinstance(value, dict):
            for key, inner in value.items():
                visit(f"{name}.{key}", inner)

    for module in modules:
        # a Formula imported by name is visited where it is defined
        for name, value in vars(module).items():
            visit(f"{module.__name__.rsplit('.', 1)[-1]}.{name}", value)
    return found


FORMULAS = formulas()


def test_the_search_finds_the_formulas() -> None:
    assert len(FORMULAS) > 50


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("spectrum", SPECTRA, ids=["two", "three"])
def test_float64_agrees_with_30_digits(name: str, spectrum: Spectrum) -> None:
    formula = FORMULAS[name]
    values = {code: VALUES.get(code) for code in formula.code_names}
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
