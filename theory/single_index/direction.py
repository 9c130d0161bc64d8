"""Energies and overlaps of the learned direction beta under any weight, for SGD and KFAC."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.core.formula import E, Formula
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.domain import need_link, need_nonnegative, need_one_of, need_positive
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import s2_link, v_fix2
from theory.single_index.notation import s_cov as s

K2 = 1 / (1 + s * v_fix2)
# weights needed by the risk of the second layer, and their derivatives in v2
WEIGHTS = {
    "identity": sp.Integer(1),
    "covariance": s,
    "shrunk": s * K2,
    "shrunk_slope": sp.diff(s * K2, v_fix2),
}

# what the step does to an eigenvalue: signal P, noise r, and the noise level
_STEPS = {
    "sgd": (s, sp.Integer(1), c1**2 * E(s) + s2_link),
    "kfac": tuple(map(ge.in_full, (ge.P, ge.r, ge.isotropic(ge.tau2())))),
    "kfac_ridgeless": (sp.Integer(1), 1 / s, s2_link / (1 - phi)),
}


def energy(step: str, T: sp.Expr) -> sp.Expr:
    """lim beta' T(S) beta."""
    P, r, tau2 = _STEPS[step]
    return (c1**2 * E(T * P**2) + phi * tau2 * E(T * s * r**2)).subs(E(1), 1)


def overlap(step: str, T: sp.Expr) -> sp.Expr:
    """lim beta*' T(S) beta."""
    return (c1 * E(T * _STEPS[step][0])).subs(E(1), 1)


ENERGY = {step: {name: Formula(energy(step, T)) for name, T in WEIGHTS.items()} for step in _STEPS}
OVERLAP = {
    step: {name: Formula(overlap(step, T)) for name, T in WEIGHTS.items()} for step in _STEPS
}


@dataclass(frozen=True)
class Direction:
    """The direction of one step, ready to be weighed."""

    step: str
    spectrum: Spectrum
    values: dict[str, float]

    def energy(self, weight: str, **extra: float) -> float:
        """Return lim beta' T(S) beta for a named weight T; resolvent_v2 where T needs it."""
        return ENERGY[self.step][weight](self.spectrum, **self._for(ENERGY, weight, extra))

    def overlap(self, weight: str, **extra: float) -> float:
        """Return lim beta*' T(S) beta for a named weight T."""
        return OVERLAP[self.step][weight](self.spectrum, **self._for(OVERLAP, weight, extra))

    def _for(
        self, table: dict[str, dict[str, Formula]], weight: str, extra: dict[str, float]
    ) -> dict[str, float]:
        known = {**self.values, **extra}
        return {name: known[name] for name in table[self.step][weight].code_names}


def direction(
    method: str,
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    damping: float | None = None,
) -> Direction:
    """Return the direction learned by "sgd" or "kfac" (damping needed; 0.0 is ridgeless).

    Raises: ValueError for a value outside its bound; damping = 0 at aspect = 1.
    Source: the Gaussian equivalent, derived.
    """
    need_one_of("method", method, ("sgd", "kfac"))
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    values = {"aspect": aspect, "c1": c1, "residual_var": residual_var}
    if method == "sgd":
        return Direction("sgd", spectrum, values)
    if damping is None:
        raise ValueError("damping=None, needs a number >= 0 for method 'kfac'")
    need_nonnegative(damping=damping)
    if damping == 0 and aspect == 1:
        raise ValueError("aspect=1.0 with damping=0.0: the noise is amplified without bound")
    if damping == 0 and aspect < 1:
        return Direction("kfac_ridgeless", spectrum, values)
    v = float(resolvent(spectrum, aspect=aspect, damping=damping).v)
    return Direction("kfac", spectrum, {**values, "damping": damping, "resolvent_v": v})
