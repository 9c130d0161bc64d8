"""A statement to verify, as data. An inconsistent claim cannot be built."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.matrices.expressions.matexpr import MatrixSymbol

from theory.core.notation import NOTATION

ID_PATTERN = re.compile(r"(LR|SI)-\d{2}")


class Kind(StrEnum):
    """What a statement says, and hence how it is decided."""

    IDENTITY = "identity"
    BOUND = "bound"
    BOUND_WHP = "bound_whp"
    LAW = "law"
    LIMIT = "limit"
    RATE = "rate"
    ORDERING = "ordering"


NOISY_KINDS = frozenset({Kind.BOUND_WHP, Kind.LAW, Kind.LIMIT, Kind.ORDERING})


@dataclass(frozen=True)
class Assumption:
    """One condition on a scenario, readable by machine.

    Either ``relation`` (a SymPy relational in notation symbols) or ``fact`` with ``allowed``
    values (for what is a word, such as the input law). ``text`` says it in plain words.
    """

    text: str
    relation: sp.Basic | None = None
    fact: str | None = None
    allowed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.relation is None) == (self.fact is None):
            raise ValueError(f"assumption {self.text!r} needs either a relation or a fact")
        if self.fact is not None and not self.allowed:
            raise ValueError(f"assumption {self.text!r} on {self.fact!r} allows no value")
        if self.relation == sp.false:
            raise ValueError(f"assumption {self.text!r} can never hold: empty domain")

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Say whether the assumption holds for ``facts``, keyed by code name.

        Raises KeyError if a needed fact is missing: an assumption is never skipped.
        """
        if self.fact is not None:
            return facts[self.fact] in self.allowed
        assert self.relation is not None
        values = {s: facts[NOTATION[s.name].code_name] for s in self.relation.free_symbols}
        return bool(self.relation.subs(values))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement.

    statement: one SymPy relational, or a ``Tuple`` of them named by ``parts``. definitions:
    symbols of the statement that abbreviate an expression. example: one point of the domain, by
    code name, the proof that the domain is not empty. beyond_paper: the statement goes beyond
    the paper or corrects it.

    Raises ValueError on an unknown kind, an ill-formed id, an undeclared symbol, a definition of
    the wrong shape, or an example outside the assumptions (an empty domain has no example).
    """

    id: str
    title: str
    says: str
    kind: Kind
    source: str
    statement: sp.Basic
    parts: tuple[str, ...] = ()
    definitions: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    example: Mapping[str, Any]
    beyond_paper: bool = False

    def __post_init__(self) -> None:
        if not ID_PATTERN.fullmatch(self.id):
            raise ValueError(f"claim id={self.id!r}, needs the form LR-01 or SI-01")
        object.__setattr__(self, "kind", _kind(self.id, self.kind))
        for name in ("title", "says", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"{self.id}: {name} is empty")
        object.__setattr__(self, "definitions", MappingProxyType(dict(self.definitions)))
        object.__setattr__(self, "example", MappingProxyType(dict(self.example)))
        relations = self._relations()
        if isinstance(self.statement, sp.Tuple) and len(self.parts) != len(relations):
            raise ValueError(
                f"{self.id}: {len(self.parts)} part names for {len(relations)} relations"
            )
        self._require_declared()
        self._require_shapes()
        self._require_example()

    def relations(self) -> dict[str, sp.Basic]:
        """Return the relations of the statement by part name ('' for a single one)."""
        names = self.parts or ("",)
        return dict(zip(names, self._relations(), strict=True))

    def violated(self, facts: Mapping[str, Any]) -> list[str]:
        """Return what ``facts`` (by code name) violate: domains of notation, then assumptions."""
        problems = []
        for entry in NOTATION.values():
            value = facts.get(entry.code_name)
            if value is None or not isinstance(entry.domain, sp.Set):
                continue
            if entry.domain.contains(sp.sympify(value)) != sp.true:
                problems.append(f"{entry.code_name}={value}, needs {entry.domain}")
        for assumption in self.assumptions:
            if not assumption.holds(facts):
                problems.append(f"assumption fails: {assumption.text}")
        return problems

    def _relations(self) -> tuple[sp.Basic, ...]:
        relations = (
            tuple(self.statement) if isinstance(self.statement, sp.Tuple) else (self.statement,)
        )
        for relation in relations:
            if not isinstance(relation, Relational):
                raise ValueError(f"{self.id}: statement {relation!r} is not a relation")
        return relations

    def _require_declared(self) -> None:
        expressions: list[sp.Basic] = [self.statement, *self.definitions.values()]
        expressions += [a.relation for a in self.assumptions if a.relation is not None]
        for symbol in sorted(symbols_of(expressions) | set(self.definitions), key=str):
            entry = NOTATION.get(getattr(symbol, "name", str(symbol)))
            if entry is None or entry.symbol != symbol:
                raise ValueError(f"{self.id}: undeclared symbol {symbol}, not in notation table")

    def _require_shapes(self) -> None:
        for symbol, meaning in self.definitions.items():
            if getattr(symbol, "shape", None) != getattr(meaning, "shape", None):
                raise ValueError(f"{self.id}: definition of {symbol} has another shape")

    def _require_example(self) -> None:
        try:
            problems = self.violated(self.example)
        except KeyError as missing:
            raise ValueError(f"{self.id}: example lacks {missing}") from None
        if problems:
            raise ValueError(f"{self.id}: empty domain? the example fails: {problems[0]}")


def _kind(claim_id: str, kind: Any) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise ValueError(
            f"{claim_id}: kind={kind!r}, needs one of {[k.value for k in Kind]}"
        ) from None


def symbols_of(expressions: Iterable[sp.Basic]) -> set[sp.Basic]:
    """Return scalar and matrix symbols of the expressions (sizes included)."""
    found: set[sp.Basic] = set()
    for expression in expressions:
        found |= expression.atoms(sp.Symbol) | expression.atoms(MatrixSymbol)
    names = {s.name for s in found if isinstance(s, MatrixSymbol)}
    return {s for s in found if isinstance(s, MatrixSymbol) or s.name not in names}


def collect(claims: Iterable[Claim]) -> Mapping[str, Claim]:
    """Return an immutable mapping id -> claim in the given order; refuse a duplicate id."""
    collected: dict[str, Claim] = {}
    for claim in claims:
        if claim.id in collected:
            raise ValueError(f"claim id={claim.id!r} is used twice")
        collected[claim.id] = claim
    return MappingProxyType(collected)
