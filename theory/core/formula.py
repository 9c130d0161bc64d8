"""Numeric functions generated from the scalar expressions of the claims: a formula exists once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from theory.core.notation import NOTATION


def numeric(expression: sp.Basic) -> Callable[..., Any]:
    """Return a float64 function of ``expression``; keyword arguments are code names.

    Arguments may be arrays and broadcast. An expression without symbols gives a constant.
    """
    symbols = sorted(expression.free_symbols, key=lambda symbol: str(symbol.name))
    names = [NOTATION[symbol.name].code_name for symbol in symbols]
    generated = sp.lambdify(symbols, expression, "numpy")

    def evaluate(**values: Any) -> Any:
        return generated(*(np.asarray(values[name], dtype=np.float64) for name in names))

    return evaluate


def right_side(relation: sp.Basic) -> Callable[..., Any]:
    """Return the numeric function of the right side of a relation."""
    return numeric(relation.args[1])
