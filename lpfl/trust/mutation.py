"""Small changes of the syntax tree, one at a time: what a slip of the hand would write."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
TRANSPOSES = ("mT", "mH", "T")
FORGOTTEN = ("sqrt", "abs", "exp", "log", "square")
SWAPPED = {"min": "max", "max": "min", "mean": "sum", "sum": "mean", "amax": "amin", "amin": "amax"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module. function: the outermost function or method, "" outside of any.

    before, after: the expression. guard: the change is in the condition of an argument check.
    number: which of the equal changes of that function this is.
    """

    module: str
    function: str
    before: str
    after: str
    number: int
    line: int
    guard: bool

    @property
    def name(self) -> str:
        """What it is called; a line more or less elsewhere does not change it."""
        last = f" #{self.number}" if self.number else ""
        return f"{self.module}:{self.function}: {self.before} -> {self.after}{last}"


def mutants_in(module: str, path: str | Path) -> list[Mutant]:
    """Return every mutant of a file, in the order of the source."""
    return [mutant for mutant, _, _ in _found(module, ast.parse(_text(path)))]


def mutated_tree(name: str, path: str | Path) -> ast.Module:
    """Return the syntax tree of the file with the mutant of this name in it.

    Raises ValueError if the file has no such place.
    """
    tree = ast.parse(_text(path))
    for found, node, changed in _found(name.partition(":")[0], tree):
        if found.name == name:
            _Put(node, ast.copy_location(changed, node)).visit(tree)
            return ast.fix_missing_locations(tree)
    raise ValueError(f"{name}: {path} has no such place")


def _text(path: str | Path) -> str:
    return Path(path).read_text(encoding="utf-8")


def _found(module: str, tree: ast.Module) -> Iterator[tuple[Mutant, ast.expr, ast.expr]]:
    counts: dict[tuple[str, str, str], int] = {}
    for node, function, guard in _places(tree, "", False):
        for changed in _changes(node):
            before, after = ast.unparse(node), ast.unparse(changed)
            if before == after:
                continue
            key = (function, before, after)
            counts[key] = counts.get(key, -1) + 1
            mutant = Mutant(module, function, before, after, counts[key], node.lineno, guard)
            yield mutant, node, changed


class _Put(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _places(node: ast.AST, function: str, guard: bool) -> Iterator[tuple[ast.expr, str, bool]]:
    """Yield the expressions that compute something: no messages, annotations, docstrings."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.keyword) and node.arg == "evaluate":
        return  # how SymPy prints a relation, not what it says
    if isinstance(node, ast.expr):
        yield node, function, guard
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        inner = function
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and field in ("body", "args"):
            inner = _inside(function, node)
        refuses = isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise)
        inner_guard = guard or (refuses and field == "test")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _places(child, inner, inner_guard)


def _inside(function: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return the name of the outermost function or method; classes are marked by a last dot."""
    if function and not function.endswith("."):
        return function
    return function + node.name + ("." if isinstance(node, ast.ClassDef) else "")


def _changes(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        ops = [COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
        yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BinOp):
        yield from _other_arithmetic(node)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _other_constant(node.value)
    elif isinstance(node, ast.Attribute) and node.attr in TRANSPOSES:
        yield node.value
    elif isinstance(node, ast.Call):
        yield from _other_call(node)
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse


def _other_arithmetic(node: ast.BinOp) -> Iterator[ast.expr]:
    kind = type(node.op)
    if kind in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[kind](), node.right)
    if kind in (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult):
        yield node.left  # the term or factor is forgotten
    if kind is ast.MatMult:
        yield ast.BinOp(node.right, node.op, node.left)


def _other_constant(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(2.0 * value if value else 1.0)


def _other_call(node: ast.Call) -> Iterator[ast.expr]:
    """A function forgotten, or its opposite called."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else None
    name = node.func.id if isinstance(node.func, ast.Name) else name
    if name in FORGOTTEN:
        if len(node.args) == 1 and not node.keywords:
            yield node.args[0]
        elif not node.args and isinstance(node.func, ast.Attribute):
            yield node.func.value
    if name in SWAPPED and isinstance(node.func, ast.Attribute):
        func = ast.Attribute(node.func.value, SWAPPED[name], ast.Load())
        yield ast.Call(func, node.args, node.keywords)
    elif name in ("min", "max") and isinstance(node.func, ast.Name) and len(node.args) > 1:
        yield ast.Call(ast.Name(SWAPPED[name], ast.Load()), node.args, node.keywords)
