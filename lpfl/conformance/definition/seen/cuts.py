"""Weights cut into blocks: the options that ask for it, known cuttings, and blocks alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, pairwise, product
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition.option_names import NEUTRAL, known_as
from lpfl.conformance.subject import Subject

BLOCKS = re.compile(r"block_?size|max_preconditioner_dim")
"""Names of options that are the largest side of a block."""
LIMITS = re.compile(r"max_precond\w*_dim|max_size_triangular|max_dim|largest_(side|dim)")
"""Names of options that are the largest side which a preconditioner may have."""
SPLIT = "split"
MERGE = "merge_dims"
"""Switches beside such an option: weights above it are cut, after small sides are joined."""
GRAFT = re.compile(r"graft")
OF_ITSELF = ("momentum", "beta1")
"""Options that are 0 where steps are compared up to a factor."""


@dataclass(frozen=True)
class Cut:
    """A way to cut a weight.

    parts: of every block its places in the flattened weight, and its shape. usual: whether it is
    what the option says, up to where the rest lies. wrong: what is wrong about it, or nothing.
    """

    name: str
    parts: tuple[tuple[Tensor, tuple[int, ...]], ...]
    usual: bool = True
    wrong: str = ""

    def of(self, whole: Tensor) -> list[Tensor]:
        """Return the blocks of a weight."""
        return [whole.reshape(-1)[places].reshape(shape) for places, shape in self.parts]

    def joined(self, blocks: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
        """Return the weight of this shape that has these blocks."""
        flat = torch.empty(tuple(shape), dtype=blocks[0].dtype).reshape(-1)
        for (places, _), block in zip(self.parts, blocks, strict=True):
            flat[places] = block.reshape(-1)
        return flat.reshape(tuple(shape))


def sizes(n: int, most: int) -> dict[str, list[int]]:
    """Return ways to cut a side of n, by name, the usual one first."""
    whole, rest = n // most, n % most
    parts = -(-n // most)
    even = [n // parts + (i < n % parts) for i in range(parts)]
    last, first = [most] * whole + [rest] * (rest > 0), [rest] * (rest > 0) + [most] * whole
    joined = [most] * (whole - 1) + [most + rest] if whole else [n]
    return {
        "the rest last": last,
        "the rest first": first,
        "nearly equal": even,
        "the rest joined to the last": joined,
    }


def rectangles(
    shape: Sequence[int], divided: Sequence[Sequence[int]]
) -> tuple[tuple[Tensor, tuple[int, ...]], ...]:
    """Return the blocks of a weight whose sides are divided so."""
    places = torch.arange(int(torch.Size(shape).numel())).reshape(tuple(shape))
    ends = [list(pairwise(accumulate(side, initial=0))) for side in divided]
    found = []
    for corner in product(*ends):
        block = places[tuple(slice(a, b) for a, b in corner)]
        found.append((block.reshape(-1), tuple(block.shape)))
    return tuple(found)


def cuts(shape: tuple[int, int], most: int) -> list[Cut]:
    """Return the known cuttings of a matrix into blocks of at most ``most`` a side."""
    rows, columns = (sizes(n, most) for n in shape)
    found = [
        Cut(
            f"sides of at most {most}, {name}"
            if "joined" not in name
            else f"{most} a side, {name}",
            rectangles(shape, (rows[name], columns[name])),
            usual="joined" not in name,
        )
        for name in rows
    ]
    usual = "the rest last"
    count = shape[0] * shape[1]
    for length in (most, most * most):
        line = sizes(count, length)[usual]
        parts = rectangles((count,), (line,))
        columns_of = tuple((places, (*size, 1)) for places, size in parts)
        name = f"runs of {length} of the flattened weight"
        found += [Cut(name, parts, usual=False), Cut(f"{name}, columns", columns_of, usual=False)]
    for i, (word, whole) in enumerate((("rows", "columns"), ("columns", "rows"))):
        divided: list[list[int]] = [[n] for n in shape]
        divided[i] = (rows, columns)[i][usual]
        wrong = f"only the {word} are cut: a side of {shape[1 - i]} stays whole"
        found.append(Cut(f"{whole} whole", rectangles(shape, divided), wrong=wrong))
    return found


def options_of(subject: Subject) -> dict[str, dict[str, Any]]:
    """Return the options that are a size of blocks, with what must be set beside each."""
    names = subject.constructor_names | set(map(str, subject.default_group))
    whole = [n for n in sorted(names) if _is_size(subject.default(n))]
    found: dict[str, dict[str, Any]] = {n: {} for n in whole if BLOCKS.search(n)}
    if subject.accepts(SPLIT) and isinstance(subject.default(SPLIT), bool):
        beside = {SPLIT: True, **({MERGE: True} if subject.accepts(MERGE) else {})}
        found |= {n: beside for n in whole if LIMITS.search(n) and n not in found}
    return found


def limits_of(subject: Subject) -> list[str]:
    """Return the options that are the largest side with a preconditioner of its own."""
    names = subject.constructor_names | set(map(str, subject.default_group))
    whole = (n for n in sorted(names) if _is_size(subject.default(n)))
    return [n for n in whole if LIMITS.search(n) and not options_of(subject).get(n)]


def _is_size(held: Any) -> bool:
    return isinstance(held, int) and not isinstance(held, bool) and held >= 1


def aside(subject: Subject, but: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that switch off what is no matter of blocks: periods, clips, grafts, merging.

    but: the options that are judged, which stay.
    """
    out: dict[str, Any] = {}
    for name, values in NEUTRAL.items():
        held = subject.default(name)
        if name not in but and subject.accepts(name) and held is not None and held not in values:
            out[name] = values[0]
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        if GRAFT.search(name) and name not in out and isinstance(held, str | Enum):
            out[name] = _no_graft(held)
    return out


def _no_graft(held: Any) -> Any:
    """Return the value of a graft's option that stands for none."""
    if not isinstance(held, Enum):
        return "none"
    kinds = [kind for kind in type(held) if kind.name.lower() in ("none", "no", "off")]
    return plain(kinds[0] if kinds else held)


def plain(held: Enum) -> Any:
    """Return a member of an enumeration as the number or text that it is, if it is one."""
    return held.value if isinstance(held, int | str) else held


def without_momentum(subject: Subject) -> dict[str, Any]:
    """Return options that switch momentum off."""
    off: dict[str, Any] = {n: 0.0 for name in OF_ITSELF for n in known_as(subject, name)}
    off = {n: v for n, v in off.items() if isinstance(subject.default(n), float)}
    betas = subject.default("betas")
    if isinstance(betas, tuple | list) and len(betas) > 1:
        off["betas"] = (0.0, *betas[1:])
    return off
