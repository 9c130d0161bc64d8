"""A module of the project imported anew with an edit in it, and everything built from it too.

Formulas, registries and decorated functions are computed while modules are imported. An edit of
one module is therefore alive only if the modules that import it are executed again, in the order
in which Python itself would do that.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

PACKAGES = ("lpfl", "theory")
TABLES = {"theory.core.notation": "notation", "lpfl.conformance.registry": ".conformance.checks"}
"""Modules that others write into while they are imported, and what the writers' names hold: a
table is emptied and filled again when one of its writers is executed again."""


@contextmanager
def imported_with(module_name: str, edited: CodeType) -> Iterator[None]:
    """Execute a module with other code, and its dependants again; take all back afterwards.

    The module objects stay the same, so that whoever holds one sees the edit in it. What was taken
    out of a module before (a class, a check, a registry) is the old one: look it up inside.
    """
    before = project_modules()
    names = dependants(module_name)
    held = {name: dict(vars(before[name])) for name in names}
    packages = [
        (before[parent], last, vars(before[parent])[last])
        for parent, _, last in (name.rpartition(".") for name in names)
        if parent in before and last in vars(before[parent])
    ]
    finder = _Anew({name: before[name] for name in names}, module_name, edited)
    for name in names:
        _forget(name)  # else "from package import module" would take the old one, not executed yet
    sys.meta_path.insert(0, finder)
    try:
        for name in names:
            importlib.import_module(name)
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(project_modules()) - set(before):
            _forget(name)
        for name in names:
            sys.modules[name] = before[name]
            vars(before[name]).clear()
            vars(before[name]).update(held[name])
        for holder, last, value in packages:
            setattr(holder, last, value)


def project_modules() -> dict[str, ModuleType]:
    """Return the imported modules of the project and of the packs, in the order of import."""
    registry = getattr(sys.modules.get("lpfl.verify.registry"), "REGISTRY", None)
    packs = () if registry is None else registry.packs.values()
    known = {*PACKAGES, *(pack.checks.split(".")[0] for pack in packs)}
    return {name: m for name, m in list(sys.modules.items()) if name.split(".")[0] in known}


def dependants(module_name: str) -> list[str]:
    """Return the module and every imported one that executes differently if it changes."""
    modules = project_modules()
    importers: dict[str, set[str]] = {name: set() for name in modules}
    for name, module in modules.items():
        for used in _imports(module):
            importers.setdefault(used, set()).add(name)
    for table, writers in TABLES.items():
        if table in modules:
            for name in modules:
                if writers in name and name != table:
                    importers[name].add(table)
    found, new = {module_name}, [module_name]
    while new:
        for name in importers[new.pop()] - found:
            found.add(name)
            new.append(name)
    return [name for name in modules if name in found]


def _imports(module: ModuleType) -> set[str]:
    """Return what a module imports while it is executed; a module that walks packages: all."""
    if not module.__file__ or not module.__file__.endswith(".py"):
        return set()
    package = module.__package__ or ""
    named, inside, walks = _import_statements(module.__file__, module.__name__, package)
    if not inside and not walks:
        return {name for name in named if name in sys.modules}
    of_package = inside or hasattr(module, "__path__")
    below = (f"{package}.",) if of_package else (*named, "theory.", "lpfl.verify.claims.")
    return {n for n in project_modules() if n in named or n.startswith(below)} - {module.__name__}


@cache
def _import_statements(path: str, name: str, package: str) -> tuple[frozenset[str], bool, bool]:
    """Return the names after ``import`` outside functions, and what else is imported.

    That is everything in its own package, whose name it hands to a function (which walks it, or
    imports from it when a name is first used), and packages that it walks.
    """
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: set[str] = set()
    called: set[str] = set()
    inside = False
    for node in _outside_functions(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call):
            called |= {node.func.id} if isinstance(node.func, ast.Name) else set()
            handed = {a.id for a in node.args if isinstance(a, ast.Name)}
            inside |= bool(handed & {"__name__", "__package__"})
    return frozenset(found - {name}), inside, "pkgutil" in found and bool(called & own)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def _forget(name: str) -> None:
    """Take a module out, and out of its package."""
    del sys.modules[name]
    parent, _, last = name.rpartition(".")
    if parent in sys.modules:
        vars(sys.modules[parent]).pop(last, None)


class _Anew(MetaPathFinder):
    """Finds the modules to execute again: the same objects, one of them with other code."""

    def __init__(self, modules: dict[str, ModuleType], name: str, edited: CodeType) -> None:
        self._modules, self._name, self._edited = modules, name, edited

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        module = self._modules.get(fullname)
        if module is None or module.__file__ is None:
            return None
        code = self._edited if fullname == self._name else None
        loader = _Again(fullname, module.__file__, module, code)
        inside = getattr(module, "__path__", None)
        return importlib.util.spec_from_file_location(
            fullname, module.__file__, loader=loader, submodule_search_locations=inside
        )


class _Again(SourceFileLoader):
    """Executes a module object again."""

    def __init__(self, name: str, path: str, module: ModuleType, code: CodeType | None) -> None:
        super().__init__(name, path)
        self._module, self._code = module, code

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        if hasattr(module, "__getattr__"):  # what it imported on first use was of the old modules
            for name in getattr(module, "__all__", ()):
                vars(module).pop(name, None)
        super().exec_module(module)

    def get_code(self, fullname: str) -> Any:
        return _unedited(fullname, self.path) if self._code is None else self._code


@cache
def _unedited(name: str, path: str) -> CodeType | None:
    return SourceFileLoader(name, path).get_code(name)
