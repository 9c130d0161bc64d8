"""One line of a statement: its kind, its relation, and the number that the relation gives."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.core.relational import Relational

from theory.core.exact import IdentityResult, check_identity, evaluate_float
from theory.core.formula import E, E_b, Formula, numeric
from theory.core.notation import NOTATION


class Kind(StrEnum):
    """What a part says, and hence how it is decided."""

    IDENTITY = "identity"
    BOUND = "bound"
    BOUND_WHP = "bound_whp"
    LAW = "law"
    LIMIT = "limit"
    RATE = "rate"
    ORDERING = "ordering"


@dataclass(frozen=True)
class Part:
    """A kind, a SymPy relation, and optionally a name for people (default: that of the part).

    Raises ValueError for an unknown kind or if ``relation`` is not a relation.
    """

    kind: Kind
    relation: sp.Basic
    title: str = ""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", Kind(self.kind))
        except ValueError:
            known = [kind.value for kind in Kind]
            raise ValueError(f"kind={self.kind!r}, needs one of {known}") from None
        if not isinstance(self.relation, Relational):
            raise ValueError(f"statement {self.relation!r} is not a relation")


@dataclass(frozen=True)
class BoundPart:
    """A part together with the definitions of its claim: the printed relation computes.

    A scalar side is computed by :meth:`number`, a matrix side by :meth:`matrix`, an identity is
    read exactly by :meth:`exact`.
    """

    claim_id: str
    name: str
    part: Part
    definitions: Mapping[sp.Basic, sp.Basic]

    @property
    def kind(self) -> Kind:
        """How the part is decided."""
        return self.part.kind

    @property
    def relation(self) -> sp.Basic:
        """The relation as printed."""
        return self.part.relation

    def number(self, spectrum: Any = None, teacher_energy: Any = None, /, **values: Any) -> Any:
        """Return the right side in float64; keyword arguments are code names.

        Arrays broadcast unless the side holds means over a spectrum. Raises ValueError for a
        missing, an unused or a non-finite value.
        """
        return self._evaluate(self.relation.args[1], spectrum, teacher_energy, values)

    def left(self, spectrum: Any = None, teacher_energy: Any = None, /, **values: Any) -> Any:
        """Return the left side, as :meth:`number` does for the right side."""
        return self._evaluate(self.relation.args[0], spectrum, teacher_energy, values)

    def number_of(self, known: Mapping[str, Any]) -> Any:
        """Return the right side; what it does not need of ``known`` is left out.

        Raises KeyError for what ``known`` lacks.
        """
        return self.number(**{name: known[name] for name in self.formula.code_names})

    def holds(self, known: Mapping[str, Any], spectrum: Any = None) -> bool:
        """Say whether the printed relation is true of these numbers, by code name.

        Sides that agree to 1e-9 are equal. Raises KeyError for what ``known`` lacks.
        """
        sides = (Formula(self._closed(side)) for side in self.relation.args)
        left, right = (side.number_of(known, spectrum) for side in sides)
        if math.isclose(left, right, rel_tol=1e-9):
            left = right
        return bool(self.relation.func(left, right))

    def needs(self, side: str = "right") -> tuple[str, ...]:
        """Return the code names of what the "left" or the "right" side is computed from."""
        return Formula(self._closed(self.relation.args[side == "right"])).code_names

    @property
    def formula(self) -> Formula:
        """The right side with every definition of the claim put in."""
        return Formula(self._closed(self.relation.args[1]))

    def matrix(
        self, values: Mapping[str, Any], *, sizes: Mapping[str, int], side: str = "right"
    ) -> NDArray[np.float64]:
        """Return a side in float64 with ``values`` by letter; leading axes broadcast.

        sizes: letter of every size symbol -> integer. Raises KeyError for a symbol with neither a
        value nor a definition.
        """
        expression = self.relation.args[1 if side == "right" else 0]
        return evaluate_float(expression, values, sizes=sizes, definitions=self.definitions)

    def exact(self, sizes: Mapping[str, int], *, seed: int = 0) -> IdentityResult:
        """Read both sides at random points of GF(2^61 - 1)."""
        return check_identity(self.relation, sizes, definitions=self.definitions, seed=seed)

    @cached_property
    def is_matrix(self) -> bool:
        """The relation is one of matrices or traces, so that it can be read exactly."""
        return isinstance(self.relation.args[0], sp.MatrixExpr) or self.relation.has(sp.Trace)

    def _closed(self, expression: sp.Basic) -> sp.Basic:
        for _ in range(len(self.definitions) + 1):
            closed = expression.xreplace(dict(self.definitions))
            if closed == expression:
                return closed
            expression = closed
        raise ValueError(f"{self.claim_id}: the definitions of {self.name!r} go in a circle")

    def _evaluate(
        self, side: sp.Basic, spectrum: Any, energy: Any, values: Mapping[str, Any]
    ) -> Any:
        key = (side, tuple(self.definitions.items()))
        if key not in _COMPILED:
            _COMPILED[key] = self._compile(side)
        function, names, with_means = _COMPILED[key]
        if set(names) != set(values):
            raise ValueError(
                f"{self.claim_id} {self.name}: values for {sorted(values)}, "
                f"needs exactly {sorted(names)}"
            )
        if with_means:
            return function(spectrum, energy, **values)
        result = np.asarray(function(**values), dtype=np.float64)
        if not np.isfinite(result).all():
            raise ValueError(f"{self.claim_id} {self.name}: no finite value at {dict(values)}")
        return float(result) if result.ndim == 0 else result

    def _compile(self, side: sp.Basic) -> tuple[Any, tuple[str, ...], bool]:
        closed = self._closed(side)
        formula = Formula(closed)
        if closed.has(E, E_b):
            return formula, formula.code_names, True
        free = sorted(symbol.name for symbol in closed.free_symbols)
        return numeric(closed), tuple(NOTATION[name].code_name for name in free), False


_COMPILED: dict[Any, tuple[Any, tuple[str, ...], bool]] = {}
