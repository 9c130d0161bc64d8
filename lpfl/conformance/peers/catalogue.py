"""All packages of the catalogue, found by looking into ``packages/``."""

import importlib
import pkgutil
from functools import cache

from lpfl.conformance.peers import packages
from lpfl.conformance.peers.package import Package


@cache
def catalogue() -> tuple[Package, ...]:
    """Return the packages by name; none of them is imported.

    Raises: ValueError if two entries name the same distribution.
    """
    found: dict[str, Package] = {}
    for module in pkgutil.iter_modules(packages.__path__):
        for package in importlib.import_module(f"{packages.__name__}.{module.name}").PACKAGES:
            if package.distribution in found:
                raise ValueError(f"distribution={package.distribution!r} stands twice")
            found[package.distribution] = package
    return tuple(found[name] for name in sorted(found))
