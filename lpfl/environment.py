"""What numbers depend on besides their inputs: versions, and a fingerprint of the code."""

import hashlib
import platform
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lpfl import __version__

PACKAGES = ("torch", "numpy", "scipy", "sympy", "python-flint", "hypothesis")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def environment() -> dict[str, Any]:
    """Return the versions that figures depend on."""
    return {"lpfl_version": __version__, "versions": versions()}


def code_fingerprint() -> str:
    """Return a hash of the Python files of ``lpfl`` and ``theory``: answers belong to a code."""
    digest = hashlib.sha256()
    for package in ("lpfl", "theory"):
        spec = find_spec(package)
        assert spec is not None
        root = Path(str(spec.origin)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
