"""Grafts: options that name a method whose length a step shall have, and those lengths."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition.grid import own_classes
from lpfl.conformance.definition.seen.cuts import GRAFT, plain
from lpfl.conformance.subject import Subject

ITS_OWN = re.compile(r"beta|eps|decay|lr|rate|momentum|start|step|freq|warm")
"""Words in the name of an option that is one of the grafted method."""
KINDS = ("sgd", "adagrad", "rmsprop", "adam", "sign", "none")
"""Methods that a graft may name; the last one is no graft."""
SPELLED: Mapping[str, str] = {"sqrt_n": "sign", "sqrtn": "sign", "signsgd": "sign", "off": "none"}
QUOTED = re.compile(rf"""["']({"|".join([*KINDS, *SPELLED])})["']""", re.IGNORECASE)
NUMBERED = re.compile(
    rf"""\b(\d)["'`]*\s*(?:=|:|is|for|->|\(|\s)\s*["'`]*({"|".join([*KINDS, *SPELLED])})\b""",
    re.IGNORECASE,
)
BETAS = (0.999, 0.99, 0.95, 0.9)
"""Weights of the past that an average without an option of its own may have."""
AVERAGES = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Weights of the past that an average of gradients may have, which a graft to SGD may be of."""
LEAST = 1e-12


def kind_of(word: str) -> str:
    """Return the method that a word names, or an empty text."""
    bare = word.lower()
    bare = SPELLED.get(bare, bare)
    return bare if bare in KINDS else ""


def option_of(subject: Subject) -> tuple[str, dict[str, Any]] | None:
    """Return the option that names the graft, and its values by the method they stand for.

    Values are the members of an enumeration, or what the optimizer's own code compares with or
    its text numbers: one that nobody knows may do anything.
    """
    for name in known_names(subject):
        held = subject.default(name)
        if not GRAFT.search(name) or ITS_OWN.search(name) or isinstance(held, bool | float):
            continue
        found: dict[str, Any] = {}
        if isinstance(held, Enum):
            found = {kind_of(one.name): plain(one) for one in type(held)}
        elif held is None or isinstance(held, str):
            found = {kind_of(word): word for word in reversed(words(subject))}
            found.setdefault("none", held if held is None else "none")
        elif isinstance(held, int):
            pairs = [m.groups() for _, text in texts(subject) for m in NUMBERED.finditer(text)]
            found = {kind_of(word): int(number) for number, word in reversed(pairs)}
        found.pop("", None)
        if found.keys() - {"none"}:
            return name, found
    return None


def words(subject: Subject) -> list[str]:
    """Return the names of methods that an optimizer's own code compares something with.

    Of one without source, those that its documentation puts in quotes.
    """
    found: list[str] = []
    for source, text in texts(subject):
        if source:
            nodes = ast.walk(ast.parse(textwrap.dedent(source)))
            said = [str(n.value) for n in nodes if isinstance(n, ast.Constant)]
            found += [word for word in said if kind_of(word)]
        else:
            found += [m.group(1) for m in QUOTED.finditer(text)]
    return found


def texts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the source of each of an optimizer's own classes, and all that is written there."""
    start = next((s for s in ((6, 4), (5,)) if subject.handles(s)), None)
    if start is None:
        return
    optimizer = subject.open([torch.full(start, 0.5, dtype=torch.float64)]).optimizer
    for kind in own_classes(optimizer):
        try:
            source = inspect.getsource(kind)
        except (OSError, TypeError):
            source = ""
        yield source, source or kind.__doc__ or ""


def known_names(subject: Subject) -> list[str]:
    """Return the options of the constructor and of the groups."""
    return sorted(subject.constructor_names | set(map(str, subject.default_group)))


def without_eps(subject: Subject) -> dict[str, Any]:
    """Return options that make the epsilon of a grafted method too small to show."""
    names = [n for n in known_names(subject) if "eps" in n and (GRAFT.search(n) or "diag" in n)]
    return {n: LEAST for n in names if isinstance(subject.default(n), float)}


def constants(subject: Subject, held: Mapping[str, Any], word: str) -> list[float]:
    """Return the values that a beta of the grafted method may have, likeliest first."""
    named = [held.get(n, subject.default(n)) for n in known_names(subject)
             if GRAFT.search(n) and "beta" in n and (word in n or not n[-1].isdigit())]  # fmt: skip
    betas = held.get("betas", subject.default("betas"))
    if isinstance(betas, tuple | list):
        named += [subject.default("betas")[int(word) - 1], betas[int(word) - 1]]
    named += [held.get(f"beta{word}", subject.default(f"beta{word}"))]
    first = [float(v) for v in named if isinstance(v, float | int) and 0 <= v < 1]
    return list(dict.fromkeys([*first, *BETAS, *([0.0] if word == "1" else [])]))


def lengths(
    subject: Subject, kind: str, gradients: Sequence[Tensor], held: Mapping[str, Any]
) -> Iterator[tuple[str, list[float]]]:
    """Yield the lengths of a method's steps under its conventions, in words, the usual first."""
    if kind == "sgd":
        yield "", [float(g.norm()) for g in gradients]
    elif kind == "sign":
        yield "", [float(g.sign().norm()) for g in gradients]
    elif kind == "adagrad":
        squares = [sum(g * g for g in gradients[: t + 1]) for t in range(len(gradients))]
        yield (
            "",
            [
                float((g / torch.as_tensor(s).sqrt().clamp(min=LEAST)).norm())
                for g, s in zip(gradients, squares, strict=True)
            ],
        )
    elif kind in ("rmsprop", "adam"):
        for second in constants(subject, held, "2"):
            firsts = constants(subject, held, "1") if kind == "adam" else [0.0]
            for first in firsts:
                for corrected in (kind == "adam", kind != "adam"):
                    word = "" if corrected == (kind == "adam") else "corrected" if corrected else (
                        "not corrected")  # fmt: skip
                    yield word, adaptive(gradients, first, second, corrected=corrected)


def averaged(
    subject: Subject, gradients: Sequence[Tensor], held: Mapping[str, Any]
) -> Iterator[tuple[str, list[float]]]:
    """Yield the lengths of averages of the gradients, in words.

    The weight of the past may be any option that is a number from 0.3 to 1, or a usual one.
    """
    own = [held.get(n, subject.default(n)) for n in known_names(subject)]
    own = [v for v in own if isinstance(v, float) and 0.3 <= v < 1]
    for beta in dict.fromkeys([*own, *AVERAGES]):
        m, found = torch.zeros_like(gradients[0]), []
        for g in gradients:
            m = beta * m + (1 - beta) * g
            found.append(float(m.norm()))
        word = f"of an average of gradients, {beta:g} of the past"
        yield word, found
        corrected = [x / (1 - beta**t) for t, x in enumerate(found, 1)]
        yield f"{word}, corrected", corrected


def adaptive(
    gradients: Sequence[Tensor], first: float, second: float, *, corrected: bool
) -> list[float]:
    """Return the lengths of steps of Adam; of RMSprop where the first average has no memory."""
    m, v = torch.zeros_like(gradients[0]), torch.zeros_like(gradients[0])
    found = []
    for t, g in enumerate(gradients, 1):
        m = first * m + (1 - first) * g
        v = second * v + (1 - second) * g * g
        units = (1 - first**t, 1 - second**t) if corrected else (1.0, 1.0)
        step = m / units[0] / (v / units[1]).sqrt().clamp(min=LEAST)
        found.append(float(step.norm()))
    return found
