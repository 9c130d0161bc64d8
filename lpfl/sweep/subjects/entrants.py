"""The optimizers of a sweep: ``[[optimizer]]`` tables, each with a label of its own."""

from collections.abc import Callable
from typing import Any

from lpfl.sweep.reading import Section

MOST = 24


def entrants(document: Section, read: Callable[[Section], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the optimizers of a spec: what ``read`` takes from a table, and its label.

    Raises ValueError for none, too many, or two of one label.
    """
    tables = document.take("optimizer", [])
    if not isinstance(tables, list) or not 1 <= len(tables) <= MOST:
        count = len(tables) if isinstance(tables, list) else 1
        raise ValueError(f"spec has {count} [[optimizer]] tables, needs 1 to {MOST}")
    found: list[dict[str, Any]] = []
    for number, table in enumerate(tables, 1):
        section = Section(f"optimizer {number}", table)
        label = section.text("label", "")
        one = read(section)
        section.done()
        one["label"] = label or one["name"]
        if one["label"] in [other["label"] for other in found]:
            raise section.error("label", one["label"], "a label that no other optimizer has")
        found.append(one)
    return found
