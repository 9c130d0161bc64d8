"""Files of the user's project that take the name of a package that lpfl needs."""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from lpfl.harmless import flat

NEEDED = ("torch", "numpy", "scipy", "sympy", "mpmath", "flint", "hypothesis", "jinja2", "tabulate")
OURS = ("lpfl", "theory")
REMEDY = "run lpfl from another folder, or take that folder off PYTHONPATH"


def foreign_theory() -> list[str]:
    """Return a line if another package called ``theory`` comes before ours on the path."""
    spec = find_spec("theory")
    if spec is None:
        return ["the package theory is missing; mend it with: pip install --force-reinstall lpfl"]
    ours = Path(__file__).resolve().parents[1] / "theory" / "__init__.py"
    if Path(_place(spec)).resolve() == ours:
        return []
    return [f"theory is {_place(spec)}, which shadows the package that lpfl brings; {REMEDY}"]


def shadows(error: BaseException) -> list[str]:
    """Return a line for each file that may have caused ``error`` by the name of another module.

    Asked once something has failed: what works under such a name is no error. A package that lpfl
    needs cannot do without its own name; a name of the standard library must be blamed by the
    error itself.
    """
    lines = foreign_theory()
    for name in dict.fromkeys([*NEEDED, *_blamed(error)]):
        place = _before_the_installed(name)
        if place is not None:
            lines.append(f"{name} is {place}, which shadows the module that lpfl needs; {REMEDY}")
    return [flat(f"{line} ({type(error).__name__}: {error})") for line in lines]


def _before_the_installed(name: str) -> str | None:
    """Return where the user's folders have module ``name``, if Python has another one.

    They come before the standard library on the path: the current folder and PYTHONPATH.
    """
    library = Path(os.__file__).resolve().parent
    path = list(sys.path)
    number = next((i for i, one in enumerate(path) if Path(one).resolve() == library), 0)
    mine = PathFinder.find_spec(name, path[:number])
    if mine is None or mine.origin is None:
        return None
    installed = PathFinder.find_spec(name, path[number:])
    return None if installed is None or _place(installed) == _place(mine) else _place(mine)


def _blamed(error: BaseException) -> list[str]:
    """Return the modules that an error names, or whose lines it passed."""
    named = error.name if isinstance(error, ImportError) else None
    owner: Any = getattr(error, "obj", None)
    names = [named] if named else []
    names += [owner.__name__] if isinstance(owner, ModuleType) else []
    trace = error.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    tops = [name.partition(".")[0] for name in names if name]
    return [name for name in tops if name not in OURS]


def _place(spec: ModuleSpec) -> str:
    return spec.origin or str(next(iter(spec.submodule_search_locations or ["?"])))
