"""Reference optimizers, one method a file. OPTIMIZERS: name -> factory of a Method.

Nothing is listed: every factory written in a module below this package is found by its name. A
factory carries the dataclass of its hyper-parameters as ``factory.optimizer``.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import MappingProxyType

from lpfl.optim.core.method import Method


def _found() -> Mapping[str, Callable[..., Method]]:
    """Return the factories of all modules, by name; two of one name are an error."""
    factories: dict[str, Callable[..., Method]] = {}
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        for value in vars(importlib.import_module(module.name)).values():
            kind = getattr(value, "optimizer", None)
            if kind is None or kind.__module__ != module.name:
                continue
            if factories.setdefault(kind.name, value) is not value:
                raise ValueError(f"optimizer {kind.name!r} is written twice")
    return MappingProxyType(dict(sorted(factories.items())))


OPTIMIZERS = _found()

__all__ = ["OPTIMIZERS", "Method"]
