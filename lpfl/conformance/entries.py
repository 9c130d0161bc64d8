"""Optimizers by name: an address "module:NAME", or an entry point of ``lpfl.optimizers``."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lpfl.conformance.spec import OptimizerSpec, resolve

GROUP = "lpfl.optimizers"


def installed() -> list[str]:
    """Return the names of all installed entry points of the group."""
    return sorted(entry_points(group=GROUP).names)


def named(
    name: str, *, claims: Collection[str] = (), options: Mapping[str, Any] | None = None
) -> OptimizerSpec:
    """Return the spec of an address or of an entry point, with more claims and options.

    Modules are looked for in the current folder too, as ``python -m`` does.
    Raises: ValueError if it cannot be found.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    subject: Any = name
    if ":" not in name:
        found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
        if not found:
            raise ValueError(
                f"optimizer={name!r}, needs 'package.module:NAME' or one of {installed()}"
            )
        subject = found[0].value
    spec = resolve(subject, options=options)
    return replace(spec, claims=spec.claims | set(claims)) if claims else spec
