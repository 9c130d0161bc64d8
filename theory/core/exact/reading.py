"""Reads a SymPy matrix expression in a given number system."""

from typing import Any

import sympy as sp
from sympy.matrices.expressions.blockmatrix import BlockMatrix
from sympy.matrices.expressions.kronecker import KroneckerProduct
from sympy.matrices.expressions.matexpr import MatrixSymbol

from theory.core.exact.fields import Field


class Reader:
    """Evaluates expressions bottom-up, each sub-expression once.

    values: letter -> scalar or matrix of the field. definitions: symbol -> expression, used for
    symbols without a value. sizes: letter -> integer.
    """

    def __init__(
        self,
        field: Field,
        values: dict[str, Any],
        definitions: dict[sp.Basic, sp.Basic],
        sizes: dict[str, int],
    ) -> None:
        self._field = field
        self._values = values
        self._definitions = definitions
        self._sizes = sizes
        self._memo: dict[sp.Basic, Any] = {}

    def read(self, node: sp.Basic) -> Any:
        """Return the value of ``node``: a matrix of the field, or a scalar."""
        if node not in self._memo:
            self._memo[node] = self._read(node)
        return self._memo[node]

    def size(self, expression: Any) -> int:
        """Return an integer size such as ``d - k``."""
        if isinstance(expression, sp.Symbol):
            return self._sizes[expression.name]
        symbols = sp.sympify(expression).free_symbols
        return int(sp.sympify(expression).subs({s: self._sizes[s.name] for s in symbols}))

    def _read(self, node: sp.Basic) -> Any:
        if isinstance(node, MatrixSymbol):
            return self._symbol(node)
        if isinstance(node, sp.Identity):
            return self._identity(self.size(node.rows))
        if isinstance(node, sp.ZeroMatrix):
            rows, cols = self.size(node.rows), self.size(node.cols)
            return self._field.matrix(rows, cols, [self._field.scalar(0, 1)] * (rows * cols))
        if isinstance(node, sp.MatAdd):
            return self._fold(self._field.add, node.args)
        if isinstance(node, sp.MatMul):
            return self._matmul(node)
        if isinstance(node, sp.Transpose):
            return self._field.transpose(self.read(node.arg))
        if isinstance(node, sp.MatPow):  # Inverse is one of them
            return self._matpow(node)
        if isinstance(node, KroneckerProduct):
            return self._fold(self._field.kronecker, node.args)
        if isinstance(node, BlockMatrix):
            grid = [[self.read(block) for block in node.blocks.row(i)] for i in
                    range(node.blocks.rows)]  # fmt: skip
            return self._field.block(grid)
        return self._scalar(node)

    def _scalar(self, node: sp.Basic) -> Any:
        if isinstance(node, sp.Symbol):
            return self._symbol(node)
        if isinstance(node, sp.Rational):
            return self._field.scalar(int(node.p), int(node.q))
        if isinstance(node, sp.Trace):
            return self._field.trace(self.read(node.arg))
        if isinstance(node, sp.Add):
            return self._fold(lambda a, b: a + b, node.args)
        if isinstance(node, sp.Mul):
            return self._fold(lambda a, b: a * b, node.args)
        if isinstance(node, sp.Pow) and node.exp.is_Integer:
            base = self.read(node.base)
            if node.exp < 0:
                base = self._field.scalar_inverse(base)
            result = self._field.scalar(1, 1)
            for _ in range(abs(int(node.exp))):
                result = result * base
            return result
        raise ValueError(f"cannot read a {type(node).__name__} in an exact expression: {node}")

    def _symbol(self, node: sp.Basic) -> Any:
        if node.name in self._values:
            return self._values[node.name]
        if node in self._definitions:
            return self.read(self._definitions[node])
        if node.name in self._sizes:
            return self._field.scalar(self._sizes[node.name], 1)
        raise KeyError(f"no value and no definition for {node.name}")

    def _identity(self, size: int) -> Any:
        zero, one = self._field.scalar(0, 1), self._field.scalar(1, 1)
        entries = [one if i == j else zero for i in range(size) for j in range(size)]
        return self._field.matrix(size, size, entries)

    def _matmul(self, node: sp.MatMul) -> Any:
        coefficient, factors = node.as_coeff_matrices()
        product = self._fold(self._field.multiply, factors)
        if coefficient == 1:
            return product
        return self._field.scale(self.read(sp.sympify(coefficient)), product)

    def _matpow(self, node: sp.MatPow) -> Any:
        exponent = int(node.exp)
        base = self.read(node.base)
        if exponent < 0:
            base = self._field.inverse(base)
        result = base
        for _ in range(abs(exponent) - 1):
            result = self._field.multiply(result, base)
        return result

    def _fold(self, combine: Any, nodes: Any) -> Any:
        result = self.read(nodes[0])
        for node in nodes[1:]:
            result = combine(result, self.read(node))
        return result
