"""A factory of the catalogue as program text: its function, and what the function refers to."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

PLAIN = (str, int, float, bool, dict, list, tuple, set, frozenset, type(None))


def factory_text(factory: Callable[..., Any], *, prepare: Callable[[], None] | None = None) -> str:
    """Return text that defines ``make(params, **options)`` as the factory does.

    prepare: what must be called before the package is imported. The text is empty for a factory
    that refers to something that cannot be written down.
    """
    lines: dict[str, str] = {}
    try:
        if prepare is not None:
            _define(prepare, lines)
            lines["prepared"] = f"{prepare.__name__}()"
        name = _define(factory, lines)
    except (TypeError, OSError, ValueError):
        return ""
    made = f"make = lambda params, **options: {name}(params, **options)"
    return "\n".join([*lines.values(), "", made])


def _define(value: Callable[..., Any], lines: dict[str, str]) -> str:
    """Add the definition of a function or class and of all it refers to; return its name."""
    if inspect.isclass(value) or not isinstance(value, FunctionType):
        kind = value if inspect.isclass(value) else type(value)
        name = str(kind.__name__)
        lines[name] = f"from {kind.__module__} import {name}"
        return name
    if not value.__module__.startswith("lpfl."):
        lines[value.__name__] = f"from {value.__module__} import {value.__name__}"
        return value.__name__
    seen = inspect.getclosurevars(value)
    for name, held in {**seen.nonlocals, **seen.globals}.items():
        _name(name, held, lines)
    lines[value.__name__] = _bare(value)
    return value.__name__


def _name(name: str, held: Any, lines: dict[str, str]) -> None:
    if name in lines or held is Any or name == "Any":
        return
    if isinstance(held, ModuleType):
        alias = "" if held.__name__ == name else f" as {name}"
        lines[name] = f"import {held.__name__}{alias}"
    elif inspect.isclass(held):
        alias = "" if held.__name__ == name else f" as {name}"
        lines[name] = f"from {held.__module__} import {held.__name__}{alias}"
    elif isinstance(held, PLAIN):
        lines[name] = f"{name} = {_written(held)}"
    elif isinstance(held, FunctionType):
        defined = _define(held, lines)
        if defined != name:
            lines[name] = f"{name} = {defined}"
    else:
        raise ValueError(f"{name}={held!r}, needs a module, class, function or plain value")


def _written(held: Any) -> str:
    """Return a plain value as text; a container that holds other things starts out empty."""
    try:
        ast.literal_eval(repr(held))
    except (ValueError, SyntaxError):
        return repr(type(held)())
    return repr(held)


def _bare(function: FunctionType) -> str:
    """Return a function's source without annotations and docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function.__code__)))
    (outer,) = tree.body
    if isinstance(outer, ast.FunctionDef):
        held = function.__kwdefaults__ or {}
        for i, arg in enumerate(outer.args.kwonlyargs):
            if arg.arg in held:
                outer.args.kw_defaults[i] = ast.parse(repr(held[arg.arg]), mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            if ast.get_docstring(node) is not None and len(node.body) > 1:
                node.body = node.body[1:]
    return ast.unparse(_Plain().visit(tree))


class _Plain(ast.NodeTransformer):
    """Turns annotated assignments into plain ones."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)
