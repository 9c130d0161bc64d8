"""What a part of a statement is about: its left side as a formula, and in words with the unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from markupsafe import Markup

from lpfl.report.formulas import signs_of, to_mathml
from lpfl.report.prose import prose, typeset

LONGEST = 24  # signs of a left side beside a title
_ONE_ENTRY = "of a matrix the entry that differs most"


@dataclass(frozen=True)
class Quantity:
    """formula: the left side, empty where it is long. words: its meaning and unit, or nothing."""

    formula: Markup
    words: Markup


def quantity_of(relation: Any, kind: str, notation: Mapping[str, Any]) -> Quantity:
    """Return the quantity on the left side of a relation; kind: of its part."""
    left = relation.lhs
    formula = to_mathml(left)
    row = notation.get(str(getattr(left, "name", "")))
    said = []
    if row is not None:
        unit = "" if row.unit == "1" else f", in {typeset(row.unit)}"
        said.append(f"{typeset(row.meaning)}{unit}")
    if kind == "identity" and isinstance(left, sp.MatrixExpr):
        said.append(_ONE_ENTRY)
    words = "; ".join(said)
    sentence = f"{words[:1].upper()}{words[1:]}." if words else ""
    return Quantity(formula if signs_of(formula) <= LONGEST else Markup(""), prose(sentence))
