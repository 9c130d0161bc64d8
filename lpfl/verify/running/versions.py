"""Versions that results depend on. Importing this module is light."""

import platform
from importlib.metadata import version

PACKAGES = ("torch", "numpy", "scipy", "sympy", "python-flint", "hypothesis")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
