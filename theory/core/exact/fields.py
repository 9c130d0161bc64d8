"""The three number systems an expression is read in: a prime field, the rationals, float64."""

import random
from collections.abc import Sequence
from typing import Any, Protocol

import flint
import numpy as np


class Field(Protocol):
    """What a reading needs from a number system. Matrices are opaque to the reader."""

    def scalar(self, numerator: int, denominator: int) -> Any: ...
    def random_scalar(self, stream: random.Random) -> Any: ...
    def matrix(self, rows: int, cols: int, entries: Sequence[Any]) -> Any: ...
    def add(self, a: Any, b: Any) -> Any: ...
    def multiply(self, a: Any, b: Any) -> Any: ...
    def scale(self, scalar: Any, matrix: Any) -> Any: ...
    def transpose(self, matrix: Any) -> Any: ...
    def inverse(self, matrix: Any) -> Any: ...
    def scalar_inverse(self, scalar: Any) -> Any: ...
    def trace(self, matrix: Any) -> Any: ...
    def kronecker(self, a: Any, b: Any) -> Any: ...
    def block(self, rows: Sequence[Sequence[Any]]) -> Any: ...
    def equal(self, a: Any, b: Any) -> bool: ...


class FlintField:
    """Shared part of the two exact fields, over FLINT's dense matrices."""

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def multiply(self, a: Any, b: Any) -> Any:
        return a * b

    def scale(self, scalar: Any, matrix: Any) -> Any:
        return matrix * scalar

    def transpose(self, matrix: Any) -> Any:
        return matrix.transpose()

    def inverse(self, matrix: Any) -> Any:
        return matrix.inv()

    def trace(self, matrix: Any) -> Any:
        total = self.scalar(0, 1)
        for i in range(matrix.nrows()):
            total = total + matrix[i, i]
        return total

    def kronecker(self, a: Any, b: Any) -> Any:
        rows, cols = a.nrows() * b.nrows(), a.ncols() * b.ncols()
        entries = [
            a[i // b.nrows(), j // b.ncols()] * b[i % b.nrows(), j % b.ncols()]
            for i in range(rows)
            for j in range(cols)
        ]
        return self.matrix(rows, cols, entries)

    def block(self, rows: Sequence[Sequence[Any]]) -> Any:
        entries = [
            block[i, j]
            for row in rows
            for i in range(row[0].nrows())
            for block in row
            for j in range(block.ncols())
        ]
        height = sum(row[0].nrows() for row in rows)
        return self.matrix(height, sum(block.ncols() for block in rows[0]), entries)

    def equal(self, a: Any, b: Any) -> bool:
        return bool(a == b)

    def scalar(self, numerator: int, denominator: int) -> Any:
        raise NotImplementedError

    def matrix(self, rows: int, cols: int, entries: Sequence[Any]) -> Any:
        raise NotImplementedError


class PrimeField(FlintField):
    """The integers modulo a prime below 2^64."""

    def __init__(self, prime: int) -> None:
        self.prime = prime

    def scalar(self, numerator: int, denominator: int) -> Any:
        return flint.nmod(numerator % self.prime, self.prime) / flint.nmod(
            denominator % self.prime, self.prime
        )

    def random_scalar(self, stream: random.Random) -> Any:
        return flint.nmod(stream.randrange(self.prime), self.prime)

    def matrix(self, rows: int, cols: int, entries: Sequence[Any]) -> Any:
        return flint.nmod_mat(rows, cols, [int(entry) for entry in entries], self.prime)

    def scale(self, scalar: Any, matrix: Any) -> Any:
        return matrix * int(scalar)

    def scalar_inverse(self, scalar: Any) -> Any:
        if int(scalar) == 0:
            raise ZeroDivisionError("zero has no inverse")
        return flint.nmod(1, self.prime) / scalar


class RationalField(FlintField):
    """The rational numbers; random entries are small fractions so that sizes stay readable."""

    def scalar(self, numerator: int, denominator: int) -> Any:
        return flint.fmpq(numerator, denominator)

    def random_scalar(self, stream: random.Random) -> Any:
        return flint.fmpq(stream.choice((-1, 1)) * stream.randint(1, 9), stream.randint(1, 5))

    def matrix(self, rows: int, cols: int, entries: Sequence[Any]) -> Any:
        return flint.fmpq_mat(rows, cols, list(entries))

    def scalar_inverse(self, scalar: Any) -> Any:
        return 1 / scalar


class FloatField:
    """float64 arrays; matrices may carry leading axes, which broadcast."""

    def scalar(self, numerator: int, denominator: int) -> float:
        return numerator / denominator

    def random_scalar(self, stream: random.Random) -> float:
        return stream.gauss(0.0, 1.0)

    def matrix(self, rows: int, cols: int, entries: Sequence[Any]) -> Any:
        return np.asarray(entries, dtype=np.float64).reshape(rows, cols)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def multiply(self, a: Any, b: Any) -> Any:
        return a @ b

    def scale(self, scalar: Any, matrix: Any) -> Any:
        return np.expand_dims(scalar, (-2, -1)) * matrix

    def transpose(self, matrix: Any) -> Any:
        return np.swapaxes(matrix, -1, -2)

    def inverse(self, matrix: Any) -> Any:
        return np.linalg.inv(matrix)

    def scalar_inverse(self, scalar: Any) -> Any:
        return 1.0 / scalar

    def trace(self, matrix: Any) -> Any:
        return np.trace(matrix, axis1=-2, axis2=-1)

    def kronecker(self, a: Any, b: Any) -> Any:
        return np.kron(a, b)

    def block(self, rows: Sequence[Sequence[Any]]) -> Any:
        return np.block([list(row) for row in rows])

    def equal(self, a: Any, b: Any) -> bool:
        return bool(np.array_equal(a, b))
