"""The numbers that a subject has of its own: in options, attributes, docstrings and code."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from lpfl.conformance.definition.grid import documentation, own_classes
from lpfl.conformance.signatures import named_options
from lpfl.conformance.subject import Subject

WRITTEN = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])", re.IGNORECASE)
DEEPEST = 3
"""Levels of tuples and dictionaries, and of functions that call one another, looked into."""


def own_numbers(subject: Subject, optimizer: Any) -> list[float]:
    """Return the numbers of a subject, each once, those of its options first."""
    kinds = own_classes(optimizer)
    held: list[Any] = [
        dict(subject.default_group),
        named_options(subject.spec.factory),
        dict(subject.spec.options),
        {n: v for n, v in vars(optimizer).items() if n not in ("state", "param_groups")},
        *(dict(vars(kind)) for kind in kinds),
    ]
    found = [number for values in held for number in _within(values)]
    found += [float(text) for text in WRITTEN.findall(documentation(subject, optimizer))]
    functions = [f for kind in kinds for f in vars(kind).values() if isinstance(f, FunctionType)]
    if isinstance(subject.spec.factory, FunctionType):
        functions.append(subject.spec.factory)
    found += _in_code(functions)
    return list(dict.fromkeys(found))


def _within(value: Any, depth: int = 0) -> Iterator[float]:
    """Yield the numbers in a value, in tuples, lists and dictionaries too."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif depth < DEEPEST and isinstance(value, Mapping | tuple | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _within(part, depth + 1)


def _in_code(functions: Iterable[FunctionType]) -> list[float]:
    """Return the numbers written in functions, and in those of the same module that they call."""
    found: list[float] = []
    seen: set[CodeType] = set()
    waiting = [(f, f.__code__, 0) for f in functions]
    while waiting:
        function, code, depth = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        found += _within(code.co_consts)
        waiting += [(function, c, depth) for c in code.co_consts if isinstance(c, CodeType)]
        called = [function.__globals__.get(name) for name in code.co_names]
        called += [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
        found += [n for value in called for n in _within(value, DEEPEST)]
        if depth < DEEPEST:
            own = [f for f in called if isinstance(f, FunctionType)]
            own = [f for f in own if f.__module__ == function.__module__]
            waiting += [(f, f.__code__, depth + 1) for f in own]
    return found


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
