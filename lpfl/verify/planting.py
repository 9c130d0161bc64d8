"""Planted faults: one edit of one function, addressed by symbol, alive inside a ``with`` block."""

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

from lpfl.verify.reimport import imported_with


@dataclass(frozen=True)
class Fault:
    """What somebody could have written by mistake, and the claim that must see it.

    target: ``module:name`` of a function, ``module:Class.method`` or a module-level name. old, new:
    Python, an expression or statements; ``old`` stands exactly once in the target, compared as a
    syntax tree, so that formatting does not matter. A name that another module only re-exports is
    followed to where it is written.
    """

    claim: str
    target: str
    old: str
    new: str
    why: str

    @property
    def name(self) -> str:
        """A readable test id."""
        return f"{self.claim}: {self.why}"


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Put the fault into the living code, and take it out again afterwards.

    The edited module is executed again, and after it every module that imports it, so that what
    they compute at import (formulas, registries, decorated functions) is faulty too. Claims and
    checks are new objects inside the block: look them up there.
    Raises ValueError if the target or the code to replace is not there exactly once, so that a
    fault cannot quietly stop being one when the source changes.
    """
    module, symbol = locate(fault.target)
    code = compile(edited_tree(fault, module, symbol), f"<{module.__name__}, planted>", "exec")
    with imported_with(module.__name__, code):
        yield


def locate(target: str) -> tuple[ModuleType, str]:
    """Return the module in which ``target`` is written, and its dotted name there."""
    module_name, _, symbol = target.partition(":")
    if not symbol:
        raise ValueError(f"target={target!r}, needs module:name")
    module = importlib.import_module(module_name)
    value = getattr(module, symbol.split(".")[0], None)
    origin = getattr(value, "__module__", None)
    if inspect.isfunction(value) or inspect.isclass(value):
        module = sys.modules[str(origin)]
    return module, symbol


def edited_tree(fault: Fault, module: ModuleType, symbol: str) -> ast.Module:
    """Return the syntax tree of ``module`` with the fault in it."""
    tree = ast.parse(inspect.getsource(module))
    node = _find(tree, symbol)
    if node is None:
        raise ValueError(f"{fault.name}: {module.__name__} has no {symbol}")
    replacer = _Replacer(_nodes(fault.old), _nodes(fault.new))
    replacer.visit(node)
    if replacer.count != 1:
        raise ValueError(
            f"{fault.name}: {fault.old!r} stands {replacer.count} times in {fault.target}, "
            "needs exactly 1"
        )
    return ast.fix_missing_locations(tree)


def _find(tree: ast.AST, symbol: str) -> ast.AST | None:
    node: ast.AST | None = tree
    for name in symbol.split("."):
        node = next((n for n in getattr(node, "body", []) if name in _names(n)), None)
    return node


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def _nodes(code: str) -> list[ast.AST]:
    body = ast.parse(inspect.cleandoc(code)).body
    if len(body) == 1 and isinstance(body[0], ast.Expr):
        return [body[0].value]
    return list(body)


class _Replacer(ast.NodeTransformer):
    """Replaces an expression, or a run of statements, and counts how often it stood there."""

    def __init__(self, old: list[ast.AST], new: list[ast.AST]) -> None:
        self._old, self._new = [_dump(node) for node in old], new
        self.count = 0

    def visit(self, node: ast.AST) -> ast.AST:
        single = len(self._old) == 1 and len(self._new) == 1
        if single and isinstance(node, ast.expr) and _dump(node) == self._old[0]:
            self.count += 1
            return self._new[0]
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                setattr(node, field, self._block(block))
        return self.generic_visit(node)

    def _block(self, block: list[ast.AST]) -> list[ast.AST]:
        length = len(self._old)
        for start in range(len(block) - length + 1):
            if [_dump(node) for node in block[start : start + length]] == self._old:
                self.count += 1
                return [*block[:start], *self._new, *block[start + length :]]
        return block


def _dump(node: ast.AST) -> str:
    """Return the node without its context (load or store) and positions."""
    return ast.dump(node).replace("ctx=Store()", "ctx=Load()")
