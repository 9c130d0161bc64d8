"""Options that are documented as something else than the reference's option of that name."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.definition.option_names import Place
from lpfl.conformance.definition.seen.documented import documentation
from lpfl.conformance.subject import Subject

ENDS = re.compile(r"[.;](\s|$)|\n\s*\n")
"""Ends of what is told of one option."""
OTHERWISE: Mapping[str, re.Pattern[str]] = {
    "cautious": re.compile(
        r"\bdecay\w*[^.;]{0,20}\bcautious|\bcautious(?!\s+updates?)[^.;,]{0,30}\bdecay",
        re.IGNORECASE,
    ),
    "trust_clip": re.compile(
        r"\b(at least|itself|window|bounded)\b|norm of the weights|\|\s*w\s*\|\s*,\s*\d|"
        r"\[\s*[\d.e-]+\s*,|\b(most|up to|max|below|than|to|at|by)[ =]*(?!1(\.0*)?\b(?!\.?e))\d",
        re.IGNORECASE,
    ),
}
"""Of a switch: words by which it is cautious decay, or bounds otherwise than a ratio at 1."""


def otherwise(subject: Subject, where: Mapping[str, Place]) -> list[str]:
    """Return the options of the reference that the subject documents as something else."""
    asked = [name for name in OTHERWISE if name in where]
    return [name for name in asked if is_another(subject, name, where[name].option)]


def is_another(subject: Subject, name: str, option: str) -> bool:
    """Return whether a subject documents its option as something else than ``name``."""
    return bool(OTHERWISE[name].search(told(subject, option)))


def told(subject: Subject, option: str) -> str:
    """Return the sentences of the documentation that name an option."""
    start: list[Any] = [torch.full((6,) if subject.vectors else (6, 4), 0.5, dtype=torch.float64)]
    try:
        text = documentation(subject, subject.open(start).optimizer)
    except Exception:
        return ""
    found, begin = [], 0
    for end in [m.end() for m in ENDS.finditer(text)] + [len(text)]:
        part, begin = text[begin:end], end
        if re.search(rf"\b{re.escape(option)}\b", part):
            found.append(part)
    return " ".join(found)
