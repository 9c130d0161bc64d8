"""Rows of numbers from CSV and npy files, without the columns that are no inputs."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LARGEST_SIZE = 1e60  # of a number: the fourth power of an input stays in float64
LABELS = ("label", "labels", "target", "class", "y", "species", "id", "index")


class Table(NamedTuple):
    """Rows (n, d), their columns in words, the numbers' relative precision, what to mind."""

    rows: Array
    columns: tuple[str, ...]
    precision: float = float(np.finfo(np.float64).eps)
    notes: tuple[str, ...] = ()


def read_csv(file: Path, leave_out: Sequence[str]) -> Table:
    """Return the numbers of a CSV file; the first line may hold names.

    Raises: ValueError for a cell that is no number, lines of different lengths, or another text.
    """
    found: list[list[float]] = []
    names: list[str] = []
    kept: list[int] | None = None
    width = 0
    with file.open(newline="", encoding="utf-8-sig") as stream:
        try:
            for number, cells in enumerate(csv.reader(stream), start=1):
                if not any(cell.strip() for cell in cells):
                    continue
                if not found and not names and number == 1 and not any(map(_is_number, cells)):
                    names = [cell.strip() for cell in cells]
                    continue
                if kept is None:
                    width = len(cells)
                    kept = _kept(leave_out, names, width, file.name)
                if len(cells) != width:
                    raise ValueError(f"{file.name}:{number} has {len(cells)} cells, needs {width}")
                found.append([_cell(cells[j], file.name, number, j + 1) for j in kept])
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{file.name} is no CSV text: {error}") from None
    if not found or kept is None:
        raise ValueError(f"{file.name} has 0 rows of numbers, needs >= 3")
    suspects = [names[j] for j in kept if j < len(names) and names[j].lower() in LABELS]
    notes = tuple(f"Column {name!r} counts as an input: leave it out if not." for name in suspects)
    return Table(np.array(found), _in_words(kept, names), notes=notes)


def read_npy(file: Path, leave_out: Sequence[str]) -> Table:
    """Return the numbers of an npy file, in float64, with the precision that they have in it.

    Raises: ValueError for another kind of array, or a number that is not finite or too large.
    """
    try:  # mapped, so that a header that claims more than the file holds costs no memory
        array = np.lib.format.open_memmap(file, mode="r")
    except (ValueError, EOFError, OverflowError, TypeError) as error:
        raise ValueError(f"{file.name} is no npy file of numbers: {error}") from None
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        raise ValueError(f"{file.name} has shape {array.shape} of {array.dtype}, needs (rows, d) "
                         "real numbers")  # fmt: skip
    kept = _kept(leave_out, [], array.shape[1], file.name)
    with np.errstate(over="ignore"):
        rows = np.array(array[:, kept], dtype=np.float64)
    good = np.abs(rows) <= LARGEST_SIZE
    if not good.all():
        row, column = np.argwhere(~good)[0]
        raise ValueError(
            f"{file.name}[{row}, {kept[column]}]={rows[row, column]}, needs size <= "
            f"{LARGEST_SIZE:g}"
        )
    exact = array.dtype.kind in "iu"
    kind = np.float64 if exact else array.dtype
    precision = max(float(np.finfo(kind).eps), float(np.finfo(np.float64).eps))
    return Table(rows, _in_words(kept, []), precision)


def _kept(leave_out: Sequence[str], names: Sequence[str], width: int, file: str) -> list[int]:
    """Return the columns that stay."""
    gone: set[int] = set()
    for word in leave_out:
        if word in names:
            gone.update(j for j, name in enumerate(names) if name == word)
        elif word.isdecimal() and 1 <= int(word) <= width:
            gone.add(int(word) - 1)
        else:
            known = f"one of {', '.join(map(repr, names[:20]))} or " if names else ""
            raise ValueError(f"leave-out={word!r} in {file}, needs {known}a number in 1 to {width}")
    return [j for j in range(width) if j not in gone]


def _in_words(kept: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
    """Return columns by name, or by number from 1 where there are no names."""
    return tuple(repr(names[j]) if j < len(names) else str(j + 1) for j in kept)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _cell(cell: str, name: str, line: int, column: int) -> float:
    value = float(cell) if _is_number(cell) else math.nan
    if not abs(value) <= LARGEST_SIZE:
        raise ValueError(
            f"{name}:{line} holds {cell[:40]!r}, needs a number of size <= {LARGEST_SIZE:g} "
            f"between commas, or column {column} left out"
        )
    return value
