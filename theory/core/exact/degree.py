"""Degree of a matrix expression as a rational function of the free random entries.

Every entry of a node is written N / D with one common denominator D; :func:`degree_of` bounds
the total degrees of N and D from the structure of the node. Inverse of an s x s matrix N / D is
D adj(N) / det(N), hence numerator D + (s - 1) N and denominator s N.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions.blockmatrix import BlockMatrix
from sympy.matrices.expressions.kronecker import KroneckerProduct
from sympy.matrices.expressions.matexpr import MatrixSymbol

from theory.core.exact.draws import FRAMES
from theory.core.notation import NOTATION


@dataclass(frozen=True)
class Degree:
    """Upper bounds on the total degree of numerator and common denominator."""

    numerator: int
    denominator: int


CONSTANT = Degree(0, 0)


def difference_degree(left: Degree, right: Degree) -> int:
    """Return the degree of ``left - right`` after clearing denominators."""
    return max(left.numerator + right.denominator, right.numerator + left.denominator)


def degree_of(
    node: sp.Basic, sizes: Mapping[str, int], definitions: Mapping[sp.Basic, sp.Basic]
) -> Degree:
    """Return the degree bound of ``node`` at the given integer sizes."""
    return _Counter(sizes, definitions).of(node)


def singular_degree(
    nodes: Iterable[sp.Basic], sizes: Mapping[str, int], definitions: Mapping[sp.Basic, sp.Basic]
) -> int:
    """Return the degree of the product of all that is inverted on the way to ``nodes``.

    A random point at which it vanishes is redrawn.
    """
    counter = _Counter(sizes, definitions)
    for node in nodes:
        counter.of(node)
    return counter.inverted


class _Counter:
    def __init__(self, sizes: Mapping[str, int], definitions: Mapping[sp.Basic, sp.Basic]) -> None:
        self._sizes = sizes
        self._definitions = definitions
        self._memo: dict[sp.Basic, Degree] = {}
        self.inverted = 0

    def of(self, node: sp.Basic) -> Degree:
        if node not in self._memo:
            self._memo[node] = self._of(node)
        return self._memo[node]

    def _of(self, node: sp.Basic) -> Degree:
        if node in self._definitions:
            return self.of(self._definitions[node])
        if isinstance(node, MatrixSymbol):
            return self._symbol_degree(node)
        if isinstance(node, sp.Symbol):
            return CONSTANT if node.name in self._sizes else Degree(1, 0)
        if isinstance(node, sp.Identity | sp.ZeroMatrix | sp.Rational):
            return CONSTANT
        if isinstance(node, sp.Transpose | sp.Trace):
            return self.of(node.arg)
        if isinstance(node, sp.MatAdd | sp.Add):
            return self._sum([self.of(arg) for arg in node.args])
        if isinstance(node, sp.MatMul | sp.Mul | KroneckerProduct):
            return self._product([self.of(arg) for arg in node.args])
        if isinstance(node, BlockMatrix):
            blocks = [self.of(block) for block in node.blocks]
            return self._sum(blocks)
        if isinstance(node, sp.MatPow):
            return self._power(self.of(node.base), int(node.exp), self._size(node.rows))
        if isinstance(node, sp.Pow) and node.exp.is_Integer:
            return self._power(self.of(node.base), int(node.exp), 1)
        raise ValueError(f"no degree for a {type(node).__name__}: {node}")

    def _size(self, expression: Any) -> int:
        return int(expression.subs({s: self._sizes[s.name] for s in expression.free_symbols}))

    def _symbol_degree(self, symbol: sp.Basic) -> Degree:
        structure = NOTATION[symbol.name].domain
        if structure == "positive_definite":
            return Degree(2, 0)
        if structure in FRAMES:
            size = self._size(symbol.shape[1])
            self.inverted += size
            return Degree(size, size)
        if structure == "derived":
            raise ValueError(f"derived symbol {symbol.name} has no definition")
        return Degree(1, 0)

    @staticmethod
    def _sum(terms: list[Degree]) -> Degree:
        total = terms[0]
        for term in terms[1:]:
            total = Degree(difference_degree(total, term), total.denominator + term.denominator)
        return total

    @staticmethod
    def _product(factors: list[Degree]) -> Degree:
        return Degree(
            sum(factor.numerator for factor in factors),
            sum(factor.denominator for factor in factors),
        )

    def _power(self, base: Degree, exponent: int, size: int) -> Degree:
        if exponent < 0:
            self.inverted += size * base.numerator
            base = Degree(base.denominator + (size - 1) * base.numerator, size * base.numerator)
        times = abs(exponent)
        return Degree(base.numerator * times, base.denominator * times)
