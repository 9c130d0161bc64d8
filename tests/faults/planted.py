"""Planted faults: one edit of one source file, alive inside a ``with`` block."""

import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Fault:
    """``old`` stands exactly once in the source of ``module`` and is replaced by ``new``."""

    claim: str
    module: str
    old: str
    new: str
    why: str

    @property
    def name(self) -> str:
        """A readable test id."""
        return f"{self.claim}: {self.why}"


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Re-execute the edited module in its own namespace; restore every name afterwards.

    Modules of the project that hold one of its functions by name get the faulty one meanwhile.

    Raises ValueError if the text to replace is not there exactly once, so that a fault cannot
    quietly stop being one when the source changes.
    """
    module = importlib.import_module(fault.module)
    source = inspect.getsource(module)
    if source.count(fault.old) != 1:
        raise ValueError(
            f"{fault.name}: {fault.old!r} stands {source.count(fault.old)} times in "
            f"{fault.module}, needs exactly 1"
        )
    before = dict(vars(module))
    edited = compile(source.replace(fault.old, fault.new), f"<{fault.module} with a fault>", "exec")
    exec(edited, vars(module))
    swapped = []
    for name, old in before.items():
        if inspect.isfunction(old) and old.__module__ == fault.module:
            swapped += _swap(old, vars(module)[name], module)
    try:
        yield
    finally:
        vars(module).clear()
        vars(module).update(before)
        for holder, name, old in swapped:
            setattr(holder, name, old)


def _swap(old: object, new: object, origin: ModuleType) -> list[tuple[ModuleType, str, object]]:
    """Put ``new`` wherever a module of the project names ``old``; return what was replaced."""
    swapped = []
    for module_name, holder in list(sys.modules.items()):
        if module_name.split(".")[0] in ("lpfl", "theory") and holder is not origin:
            for name, value in list(vars(holder).items()):
                if value is old:
                    setattr(holder, name, new)
                    swapped.append((holder, name, old))
    return swapped
