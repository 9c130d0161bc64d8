"""Random values of notation symbols over a field, respecting the structure of each matrix.

Structured matrices are rational functions of free entries, so that Schwartz-Zippel applies to
the free entries: a positive definite matrix is A A' (over a finite field: symmetric, almost
surely invertible); orthonormal rows are the first rows of a Cayley transform
(I - A)(I + A)^{-1} with A skew, their complement the remaining rows; "orthonormal_rows_free" is
drawn from a second, independent transform.
"""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixSymbol

from theory.core.exact.fields import Field
from theory.core.notation import NOTATION, symbols_of

MAX_REDRAWS = 20
FRAMES = ("orthonormal_rows", "complement_rows", "orthonormal_rows_free")


def draw_values(
    expressions: Iterable[sp.Basic], sizes: Mapping[str, int], field: Field, stream: random.Random
) -> dict[str, Any]:
    """Return a random value for every free symbol of ``expressions`` that is not derived.

    Raises ValueError if a size has no value in ``sizes``.
    """
    symbols = sorted(symbols_of(expressions), key=lambda symbol: str(symbol.name))
    values: dict[str, Any] = {}
    for symbol in symbols:
        entry = NOTATION[symbol.name]
        if isinstance(symbol, MatrixSymbol):
            if entry.domain not in ("derived", *FRAMES):
                shape = _shape(symbol, sizes)
                values[symbol.name] = _draw_matrix(str(entry.domain), shape, field, stream)
        elif symbol.name not in sizes:
            if entry.domain == sp.Range(1, sp.oo):
                raise ValueError(f"size {symbol.name} has no value")
            values[symbol.name] = field.random_scalar(stream)
    for structures in ({"orthonormal_rows", "complement_rows"}, {"orthonormal_rows_free"}):
        frame = [s for s in symbols if NOTATION[s.name].domain in structures]
        if frame:
            values.update(_draw_frame(frame, sizes, field, stream))
    return values


def _shape(symbol: sp.Basic, sizes: Mapping[str, int]) -> tuple[int, int]:
    result = []
    for size in symbol.shape:
        missing = [s.name for s in size.free_symbols if s.name not in sizes]
        if missing:
            raise ValueError(f"size {missing[0]} of {symbol.name} has no value")
        value = int(size.subs({s: sizes[s.name] for s in size.free_symbols}))
        if value < 1:
            raise ValueError(f"{symbol.name} has size {size}={value}, needs >= 1")
        result.append(value)
    return result[0], result[1]


def _random_matrix(rows: int, cols: int, field: Field, stream: random.Random) -> Any:
    entries = [field.random_scalar(stream) for _ in range(rows * cols)]
    return field.matrix(rows, cols, entries)


def _draw_matrix(
    structure: str, shape: tuple[int, int], field: Field, stream: random.Random
) -> Any:
    matrix = _random_matrix(*shape, field, stream)
    if structure == "positive_definite":
        return field.multiply(matrix, field.transpose(matrix))
    return matrix


def _draw_frame(
    symbols: list[sp.Basic], sizes: Mapping[str, int], field: Field, stream: random.Random
) -> dict[str, Any]:
    size = _shape(symbols[0], sizes)[1]
    zero, one = field.scalar(0, 1), field.scalar(1, 1)
    upper = {(i, j): field.random_scalar(stream) for i in range(size) for j in range(i + 1, size)}

    def skew(sign: int) -> Any:
        entries = []
        for i in range(size):
            for j in range(size):
                entry = zero if i == j else upper[min(i, j), max(i, j)]
                positive = (i < j) == (sign > 0)
                entries.append(one if i == j else (entry if positive else zero - entry))
        return field.matrix(size, size, entries)

    orthogonal = field.multiply(skew(-1), field.inverse(skew(1)))
    values = {}
    for symbol in symbols:
        rows = _shape(symbol, sizes)[0]
        start = size - rows if NOTATION[symbol.name].domain == "complement_rows" else 0
        entries = [
            one if column == start + row else zero for row in range(rows) for column in range(size)
        ]
        values[symbol.name] = field.multiply(field.matrix(rows, size, entries), orthogonal)
    return values
