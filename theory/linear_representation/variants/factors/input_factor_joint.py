"""The floor of KFAC on both layers with factors of another batch: two coupled mean squares.

In whitened coordinates rows of F*^+ (F G - F* G*) have the second moments a in the rows of G* and b
in the complement. A step subtracts row S K, with S the batch's second moment and K the factors'
inverse with its step sizes, so that 2 k_s a = x_ss c_s + (d - k) x_sp c_p and
2 k_p b = k x_sp c_s + x_pp c_p, with c_s and c_p those of row S and of the noise. The blocks of an
inverse Wishart matrix give the means.
"""

from functools import cache
from typing import Any

import sympy as sp

from theory.core.formula import numeric
from theory.linear_representation.notation import d, eta, eta_F, k, n
from theory.linear_representation.variants.factors.notation import (
    k_p,
    k_s,
    m_two,
    n_f,
    x_pp,
    x_sp,
    x_ss,
)

_P = d - k
_BOTH = eta + eta_F
_HEAD = n_f - k - 1
_MEAN = n_f / (n_f - d - 1)  # of the inverse's complement block
_HEAD_SQUARE = n_f**2 * (n_f - 1) / ((n_f - k) * _HEAD * (n_f - k - 3))
_HEAD_TRACE = n_f**2 * (k * (n_f - k - 2) + 2) / ((n_f - k) * _HEAD * (n_f - k - 3))
_TRACE = n_f**2 * (_P**2 * (n_f - d - 2) + 2 * _P) / ((n_f - d) * (n_f - d - 1) * (n_f - d - 3))

DEFINITIONS = {
    k_s: _BOTH * n_f / _HEAD + eta * _P * _MEAN / _HEAD,
    k_p: eta * _MEAN,
    x_pp: eta**2 * m_two,
    x_sp: eta**2 * m_two / _HEAD,
    x_ss: (
        _BOTH**2 * _HEAD_SQUARE
        + 2 * _BOTH * eta * _P * _MEAN * _HEAD_SQUARE / n_f
        + (eta / n_f) ** 2 * ((_TRACE + _P * m_two) * _HEAD_SQUARE + _P * m_two * _HEAD_TRACE)
    ),
}

# Rows: the rows of G* and the complement. Columns: a and b. The constants are the noise's.
_ACROSS, _BACK = _P * x_sp, k * x_sp
_A_S = 2 * k_s - (x_ss * (n + 1 + k) + _ACROSS * k) / n
_B_S = -(x_ss * _P + _ACROSS * (n + 1 + _P)) / n
_A_P = -(_BACK * (n + 1 + k) + x_pp * k) / n
_B_P = 2 * k_p - (_BACK * _P + x_pp * (n + 1 + _P)) / n
_DETERMINANT = _A_S * _B_P - _A_P * _B_S
FLOOR: sp.Expr = (_A_S * (_BACK + x_pp) - _A_P * (x_ss + _ACROSS)) / (n * _DETERMINANT)


def stability_margin(moment: sp.Expr, **values: float) -> float:
    """Return a number that is positive exactly if the two mean squares are stable.

    The equations for a and b have non-positive entries off the diagonal, so they have a positive
    solution, and the recursion a multiplier below 1, exactly if the diagonal and the determinant
    are positive. moment: what m_two stands for.
    """
    return min(float(margin(**values)) for margin in _margins(moment))


@cache
def _margins(moment: sp.Expr) -> tuple[Any, ...]:
    known = {m_two: moment}
    definitions = {symbol: value.xreplace(known) for symbol, value in DEFINITIONS.items()}
    return tuple(numeric(e.xreplace(definitions)) for e in (_A_S, _B_P, _DETERMINANT))
