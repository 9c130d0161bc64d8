"""What the journal of a figure must agree in."""

from typing import Any

from lpfl.environment import code_fingerprint, environment


def settings_of(kind: str, **settings: Any) -> dict[str, Any]:
    """Return what a journal must agree in: the kind of run, its settings, versions and code."""
    return {"kind": kind, **settings, **environment(), "code": code_fingerprint()}
