"""How a row of the notation table is made, the sizes and the scalars of both settings.

Letters are used inside formulas, code names at their border (arguments, scenarios, results).
Nothing else in the project pairs the two.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixSymbol

NATURAL = sp.Range(1, sp.oo)
REAL = sp.Reals
NONNEGATIVE = sp.Interval(0, sp.oo)
POSITIVE = sp.Interval.open(0, sp.oo)
UNIT = sp.Interval(0, 1)

MATRIX_STRUCTURES = (
    "general",
    "positive_definite",
    "orthonormal_rows",
    "complement_rows",
    "orthonormal_rows_free",
    "derived",
)


@dataclass(frozen=True)
class Notation:
    """One row of the table.

    symbol: the SymPy object. code_name: the word used in arguments and scenarios. domain: a SymPy
    set for a scalar, one of MATRIX_STRUCTURES for a matrix. unit: in terms of [x] and [y].
    """

    symbol: sp.Basic
    code_name: str
    meaning: str
    domain: sp.Set | str
    unit: str

    @property
    def letter(self) -> str:
        """The name of the SymPy symbol."""
        return str(self.symbol.name)


NOTATION: dict[str, Notation] = {}
_CODE_NAMES: set[str] = set()


def _enter(symbol: sp.Basic, code: str, meaning: str, domain: sp.Set | str, unit: str) -> None:
    if symbol.name in NOTATION or code in _CODE_NAMES:
        raise ValueError(f"notation {symbol.name!r} / {code!r} is entered twice")
    if isinstance(domain, str) and domain not in MATRIX_STRUCTURES:
        raise ValueError(f"structure={domain!r}, needs one of {MATRIX_STRUCTURES}")
    NOTATION[symbol.name] = Notation(symbol, code, meaning, domain, unit)
    _CODE_NAMES.add(code)


def size(letter: str, code: str, meaning: str) -> sp.Symbol:
    symbol = sp.Symbol(letter, integer=True, positive=True)
    _enter(symbol, code, meaning, NATURAL, "1")
    return symbol


def scalar(
    letter: str, code: str, meaning: str, domain: sp.Set = REAL, unit: str = "1"
) -> sp.Symbol:
    symbol = sp.Symbol(letter, real=True)
    _enter(symbol, code, meaning, domain, unit)
    return symbol


def matrix(
    letter: str,
    code: str,
    meaning: str,
    shape: tuple[sp.Expr, sp.Expr],
    structure: str = "general",
    unit: str = "1",
) -> sp.MatrixSymbol:
    symbol = sp.MatrixSymbol(letter, *shape)
    _enter(symbol, code, meaning, structure, unit)
    return symbol


def inside(domain: sp.Set, value: Any) -> bool:
    """Say whether a value lies in a domain: by comparison where the ends are integers."""
    if type(value) in (int, float) and math.isfinite(value):
        ends = _ends(domain)
        if ends is not None:
            low, high, strict = ends
            return low < value < high or (value in (low, high) and value not in strict)
    return bool(domain.contains(sp.sympify(value)) == sp.true)


@cache
def _ends(domain: sp.Set) -> tuple[float, float, tuple[float, ...]] | None:
    """Return the ends of an interval, and those that do not belong to it; None: not so simple."""
    if not isinstance(domain, sp.Interval):
        return None
    ends = domain.start, domain.end
    if not all(end.is_integer or end.is_infinite for end in ends):
        return None
    low, high = map(float, ends)
    strict = (*((low,) if domain.left_open else ()), *((high,) if domain.right_open else ()))
    return low, high, strict


def symbols_of(expressions: Iterable[sp.Basic]) -> set[sp.Basic]:
    """Return scalar and matrix symbols of the expressions (sizes included)."""
    found: set[sp.Basic] = set()
    for expression in expressions:
        found |= expression.atoms(sp.Symbol) | expression.atoms(MatrixSymbol)
    names = {s.name for s in found if isinstance(s, MatrixSymbol)}
    return {s for s in found if isinstance(s, MatrixSymbol) or s.name not in names}


# Sizes
d = size("d", "input_dim", "dimension of the input x")
m = size("m", "output_dim", "dimension of the output y")
k = size("k", "rank", "dimension of the representation")
n = size("n", "batch_size", "rows in a batch")

# Scalars of both settings
eta = scalar("eta", "step_size", "step size (learning rate)", NONNEGATIVE)
lam = scalar("lambda", "damping", "damping added to the input covariance", NONNEGATIVE, "[x]^2")
sigma = scalar("sigma", "noise_std", "standard deviation of the label noise", NONNEGATIVE, "[y]")
kappa = scalar("kappa", "condition_number", "condition number of Σ", sp.Interval(1, sp.oo))
delta = scalar("delta", "failure_probability", "probability that a bound may fail", UNIT)
s_cov = scalar("s_Sigma", "covariance_eigenvalue", "an eigenvalue of Σ", POSITIVE, "[x]^2")
