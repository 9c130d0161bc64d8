"""A statement to verify, as data. An inconsistent claim cannot be built."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sympy as sp

from theory.core.notation import NOTATION, Notation, inside, symbols_of
from theory.core.part import BoundPart, Kind, Part
from theory.core.source import Basis, Source

ID_PATTERN = re.compile(r"[A-Z]{2,5}-\d{2,3}")


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

    parts: name -> Part (a kind and a relation); the first part gives the claim its ``kind``.
    definitions: symbols of the parts that abbreviate an expression. example: one point of the
    domain, by code name, the proof that the domain is not empty. beyond_paper: the statement goes
    beyond the paper or corrects it. ``claim["kfac"]`` is a part that computes:
    ``claim["kfac"].number(step_size=0.3)`` is its printed right side.

    Raises ValueError on an ill-formed id, no parts, an undeclared symbol, a definition of the
    wrong shape, or an example outside the assumptions (an empty domain has no example).
    """

    id: str
    title: str
    says: str
    source: Source
    parts: Mapping[str, Part]
    definitions: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    example: Mapping[str, Any]
    beyond_paper: bool = False
    defined_at: tuple[str, int] = field(default=("", 0), repr=False, compare=False)

    def __post_init__(self) -> None:
        if not ID_PATTERN.fullmatch(self.id):
            raise ValueError(f"claim id={self.id!r}, needs the form LR-01: 2 to 5 capitals, number")
        for name in ("title", "says"):
            if not getattr(self, name).strip():
                raise ValueError(f"{self.id}: {name} is empty")
        if not isinstance(self.source, Source):
            raise ValueError(f"{self.id}: source={self.source!r}, needs a Source")
        if not self.parts:
            raise ValueError(f"{self.id}: a claim without parts says nothing")
        for name, part in self.parts.items():
            if not isinstance(part, Part) or not name:
                raise ValueError(f"{self.id}: part {name!r} is {part!r}, needs a Part and a name")
        for name in ("parts", "definitions", "example"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        if not self.defined_at[0]:
            object.__setattr__(self, "defined_at", _caller())
        self._require_declared()
        self._require_shapes()
        self._require_example()

    def __getitem__(self, part: str) -> BoundPart:
        """Return the part called ``part``, ready to compute. Raises KeyError with the names."""
        if part not in self.parts:
            raise KeyError(f"{self.id} has no part {part!r}, needs one of {list(self.parts)}")
        return BoundPart(self.id, part, self.parts[part], self.definitions)

    @property
    def kind(self) -> Kind:
        """The kind of the first part, which the others support."""
        return next(iter(self.parts.values())).kind

    @property
    def statement(self) -> sp.Basic:
        """The relation, or a ``Tuple`` of the relations of all parts."""
        relations = [part.relation for part in self.parts.values()]
        return relations[0] if len(relations) == 1 else sp.Tuple(*relations)

    def relations(self) -> dict[str, sp.Basic]:
        """Return the relations by part name."""
        return {name: part.relation for name, part in self.parts.items()}

    def letters(self) -> list[Notation]:
        """Return the rows of the notation table that the statement uses, in their order."""
        used = symbols_of([self.statement, *self.definitions.values()]) | set(self.definitions)
        rows = [NOTATION[symbol.name] for symbol in used if hasattr(symbol, "name")]
        return sorted(rows, key=lambda row: row.letter.lower())

    def violated(self, facts: Mapping[str, Any]) -> list[str]:
        """Return what ``facts`` (by code name) violate: domains of notation, then assumptions."""
        problems = []
        for entry in NOTATION.values():
            value = facts.get(entry.code_name)
            if value is None or not isinstance(entry.domain, sp.Set):
                continue
            if not inside(entry.domain, value):
                problems.append(f"{entry.code_name}={value}, needs {entry.domain}")
        for assumption in self.assumptions:
            if not assumption.holds(facts):
                problems.append(f"assumption fails: {assumption.text}")
        return problems

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


def _caller() -> tuple[str, int]:
    """Return the module and line in which the claim is written."""
    frame = inspect.currentframe()
    while (frame is not None and frame.f_globals.get("__name__") == __name__) or (
        frame is not None and frame.f_code.co_filename == "<string>"
    ):
        frame = frame.f_back
    if frame is None:
        return "", 0
    return str(frame.f_globals.get("__name__", "")), frame.f_lineno


def resting_on(claims: Iterable[Claim], basis: Basis) -> list[tuple[str, Claim]]:
    """Return (what exactly, claim) for every source that has this basis, sorted."""
    found = [
        (source.place, claim)
        for claim in claims
        for source in claim.source.parts()
        if source.basis is basis
    ]
    return sorted(found, key=lambda row: (row[0], row[1].id))


def collect(claims: Iterable[Claim]) -> Mapping[str, Claim]:
    """Return an immutable mapping id -> claim, sorted by id; refuse a duplicate id."""
    collected: dict[str, Claim] = {}
    for claim in claims:
        if claim.id in collected:
            raise ValueError(f"claim id={claim.id!r} is used twice")
        collected[claim.id] = claim
    return MappingProxyType(dict(sorted(collected.items())))
