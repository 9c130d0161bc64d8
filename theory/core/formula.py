"""The one mechanism for scalar formulas: a SymPy expression becomes a number.

``E(h)`` is the mean of h(s) over the population spectrum, ``E_b(h)`` the sum of h(s) weighted with
the teacher's energy in each eigenspace. The float64 function is generated from the expression; the
same expression is read at any number of digits. An expression without means also takes arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from theory.core.notation import NOTATION, s_cov
from theory.core.spectrum import Array, Spectrum, weighted_sum

E = sp.Function("E")
E_b = sp.Function("E_b")


@dataclass(frozen=True)
class Formula:
    """A scalar expression that may contain E(...) and E_b(...) of functions of ``s_cov``.

    Called with values by code name (``aspect=0.5``), and a spectrum if there is a mean in it.
    """

    expression: sp.Expr

    @cached_property
    def means(self) -> tuple[sp.Expr, ...]:
        """The E(...) and E_b(...), inner ones before those that contain them."""
        found = self.expression.atoms(E, E_b)
        return tuple(sorted(found, key=lambda m: (len(m.atoms(E, E_b)), sp.default_sort_key(m))))

    @cached_property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The parameters, in a fixed order."""
        free = self.expression.free_symbols - {s_cov}
        return tuple(sorted(free, key=lambda symbol: symbol.name))

    @cached_property
    def code_names(self) -> tuple[str, ...]:
        """The names under which the parameters are passed."""
        return tuple(NOTATION[symbol.name].code_name for symbol in self.symbols)

    def __call__(
        self,
        spectrum: Spectrum | None = None,
        teacher_energy: Array | None = None,
        /,
        **values: float,
    ) -> float:
        """Evaluate in float64. Raises ValueError for a missing, unused or non-finite value."""
        known = [np.float64(value) for value in self._arguments(values)]
        inner, outer = self._float64
        with np.errstate(divide="ignore", invalid="ignore"):
            for mean, function in zip(self.means, inner, strict=True):
                support, weights = self._measure(mean, spectrum, teacher_energy)
                inside = np.empty(support.shape)
                inside[...] = function(support, *known)
                known.append(np.float64(weighted_sum(inside, weights)))
            result = float(outer(s_cov, *known))
        if not math.isfinite(result):
            raise ValueError(f"no finite value at {values}, spectrum={spectrum}")
        return result

    def number_of(self, known: Mapping[str, Any], spectrum: Spectrum | None = None) -> float:
        """Evaluate from ``known``, which may hold more names than the formula has."""
        return self(spectrum, **{name: known[name] for name in self.code_names})

    def at_digits(
        self,
        digits: int,
        spectrum: Spectrum | None = None,
        teacher_energy: Array | None = None,
        /,
        **values: Any,
    ) -> mpmath.mpf:
        """Evaluate with ``digits`` decimal digits; floats are taken exactly, mpf as they are."""
        with mpmath.workdps(digits + 10):
            known = [mpmath.mpf(value) for value in self._arguments(values)]
            inner, outer = self._compile("mpmath")
            for mean, function in zip(self.means, inner, strict=True):
                support, weights = self._measure(mean, spectrum, teacher_energy)
                atoms = zip(map(mpmath.mpf, support), map(mpmath.mpf, weights), strict=True)
                known.append(mpmath.fsum(p * function(s, *known) for s, p in atoms))
            return mpmath.mpf(outer(s_cov, *known))

    @cached_property
    def _float64(self) -> tuple[list[Any], Any]:
        return self._compile("numpy")

    def _compile(self, module: str) -> tuple[list[Any], Any]:
        """Functions of (s, symbols, means so far): one per mean, and the one of the whole."""
        arguments, named, inner = [s_cov, *self.symbols], dict[sp.Basic, sp.Basic](), []
        for i, mean in enumerate(self.means):
            inner.append(sp.lambdify(arguments, mean.args[0].xreplace(named), module))
            named[mean] = sp.Symbol(f"mean_{i}")
            arguments = [*arguments, named[mean]]
        return inner, sp.lambdify(arguments, self.expression.xreplace(named), module)

    def _arguments(self, values: Mapping[str, Any]) -> list[Any]:
        names = self.code_names
        if set(names) != set(values):
            raise ValueError(f"values for {sorted(values)}, needs exactly {sorted(names)}")
        return [values[name] for name in names]

    def _measure(
        self, mean: sp.Expr, spectrum: Spectrum | None, teacher_energy: Array | None
    ) -> tuple[Array, Array]:
        if spectrum is None:
            raise ValueError("spectrum=None, needs a Spectrum: the formula has a mean over it")
        if mean.func == E:
            return spectrum.eigenvalues, spectrum.weights
        if teacher_energy is None:
            raise ValueError("teacher_energy=None, needs the teacher's energy per eigenspace")
        return spectrum.eigenvalues, teacher_energy


def numeric(expression: sp.Basic) -> Callable[..., Any]:
    """Return a float64 function of a scalar ``expression``; keyword arguments are code names.

    Arguments may be arrays and broadcast. An expression without symbols gives a constant.
    """
    symbols = sorted(expression.free_symbols, key=lambda symbol: str(symbol.name))
    names = [NOTATION[symbol.name].code_name for symbol in symbols]
    generated = sp.lambdify(symbols, expression, "numpy")

    def evaluate(**values: Any) -> Any:
        return generated(*(np.asarray(values[name], dtype=np.float64) for name in names))

    return evaluate
