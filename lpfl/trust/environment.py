"""What a figure of this package depends on: versions, and a fingerprint of the code."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def environment() -> dict[str, Any]:
    """Return the versions that figures depend on."""
    from lpfl import __version__
    from lpfl.verify.running.versions import versions

    return {"lpfl_version": __version__, "versions": versions()}


def settings_of(kind: str, **settings: Any) -> dict[str, Any]:
    """Return what a journal must agree in: the kind of run, its settings, versions and code."""
    return {"kind": kind, **settings, **environment(), "code": code_fingerprint()}


def code_fingerprint() -> str:
    """Return a hash of the Python files of ``lpfl`` and ``theory``: answers belong to a code."""
    digest = hashlib.sha256()
    for package in ("lpfl", "theory"):
        found = find_spec(package)
        if found is None or found.origin is None:
            raise ImportError(f"no package {package!r} here")
        root = Path(found.origin).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
