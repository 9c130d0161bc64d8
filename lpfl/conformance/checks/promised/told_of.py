"""What the documentation tells of one option: every sentence that names it."""

import re
from typing import Any

import torch

from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.subject import Subject

ENDS = re.compile(r"[.;]\s|\n\s*\n|\n(?=\s*[:*`-]*\w+[`*]*\s*(\([^)]*\))?\s*:)")
"""Ends of a sentence, or of what is told of one option in a list of them."""


def words_of(subject: Subject) -> str:
    """Return the documentation of a subject."""
    start = [torch.full((6,) if subject.vectors else (6, 4), 0.5, dtype=torch.float64)]
    return documentation(subject, subject.open(start).optimizer)


def told_of(subject: Subject, option: str) -> str:
    """Return the sentences that name an option; an empty text if there are none."""
    parts = re.split(ENDS, words_of(subject))
    return " ".join(p for p in parts if p and re.search(rf"\b{re.escape(option)}\b", p))


def undecayed(subject: Subject) -> dict[str, Any]:
    """Return options that switch weight decay off, under the names that the subject knows."""
    names = known_as(subject, "weight_decay")
    return {name: 0.0 for name in names if isinstance(subject.default(name), float)}
