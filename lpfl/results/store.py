"""Results as a file: append-only JSON lines, one run a file. Pages and gates are read off it."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from io import FileIO
from pathlib import Path
from typing import Any

from lpfl.results.runs import followed
from lpfl.results.schema import SCHEMA_VERSION, check_record

MOST_DIGITS = 1000
EXPECTED = f"expected a results file of schema_version {SCHEMA_VERSION} (a header line first)"


@dataclass(frozen=True)
class Results:
    """What one results file holds, in file order, every record checked.

    claims: id -> claim line. complete: every claim named in the header has its line.
    problems: what a reader of the page must be told (a dropped line, claims that are missing).
    """

    header: Mapping[str, Any]
    observations: list[dict[str, Any]] = field(default_factory=list)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    complete: bool = True
    problems: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        """Return a table of claims and verdicts for a notebook."""
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(str(claim['verdict']))}</td>"
            f"<td>{'' if claim['margin'] is None else format(claim['margin'], '.3g')}</td></tr>"
            for name, claim in self.claims.items()
        )
        said = "".join(f"<p>{escape(problem)}</p>" for problem in self.problems)
        head = "<tr><th>claim</th><th>verdict</th><th>margin</th></tr>"
        return f"{said}<table>{head}{rows}</table>"

    @property
    def missing(self) -> list[str]:
        """Claims that the header selects and that have no claim line."""
        return [name for name in self.header["claims"] if name not in self.claims]


def encode_record(record: Mapping[str, Any]) -> str:
    """Return ``record`` as one JSON line; raise ValueError naming the field that does not fit."""
    problem = check_record(record) or _non_finite(record, "")
    if problem is not None:
        raise ValueError(f"record of type {record.get('type')!r}: {problem}")
    try:
        line = json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        line.encode("utf-8")
        return line + "\n"
    except (TypeError, ValueError) as error:
        raise ValueError(f"record of type {record['type']!r}: {error}") from None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the whole new one.

    Where ``path`` is a link, the file that it leads to is written and the link stays.

    Raises ValueError if the folder cannot be written, or if a device, a pipe or a loop of links
    stands there: the new file would take its place.
    """
    refuse_device(path, str(path))
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with temporary.open("wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def refuse_device(path: Path, said: str) -> None:
    """Raise ValueError if a device, a pipe or a loop of links stands at ``path``.

    said: how the error names it.
    """
    where = os.path  # which takes a name that is too long for one that is not there
    if where.islink(where.realpath(path)):
        raise ValueError(f"{said} is a link to itself, needs the path of a file")
    if where.exists(path) and not where.isfile(path) and not where.isdir(path):
        raise ValueError(f"{said} is a device or a pipe, needs the path of a file")


def append_durably(path: Path, file: FileIO, text: str) -> None:
    """Append ``text`` to the unbuffered ``file`` at ``path``; on return it is on disk.

    Raises ValueError if the disk does not take it.
    """
    rest = memoryview(text.encode())
    try:
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from error


def read_results(path: str | os.PathLike[str]) -> Results:
    """Read and check a results file.

    A partial last line (an interrupted run) is dropped and named in ``problems``.

    Raises ValueError naming path, line and what was expected if the file is not a results file
    of this schema_version, or cannot be read.
    """
    source = Path(path)
    try:
        content = followed(source).read_bytes()
    except OSError as error:
        raise ValueError(f"results={source} cannot be read: {error.strerror or error}") from error
    lines = content.split(b"\n")
    tail = lines.pop()
    problems: list[str] = []
    records = [_record(line, f"{source}:{i}") for i, line in enumerate(lines, start=1)]
    if tail:
        try:
            last = _parse(tail)
        except ValueError:
            problems.append(f"line {len(lines) + 1} is cut off and was dropped")
        else:
            records.append(_checked(last, f"{source}:{len(lines) + 1}"))
    if not records or records[0]["type"] != "header":
        raise ValueError(f"{source}:1: {EXPECTED}, got no header line")
    return _assemble(str(source), records, problems)


def _assemble(source: str, records: list[dict[str, Any]], problems: list[str]) -> Results:
    header = records[0]
    results = Results(header=header, problems=problems)
    selected = set(header["claims"])
    for number, record in enumerate(records[1:], start=2):
        where = f"{source}:{number}"
        if record["type"] == "header":
            raise ValueError(f"{where}: a second header, needs one run a file")
        name = record["claim"]
        if name not in selected:
            raise ValueError(f"{where}: claim={name!r}, needs one of the header's claims")
        if record["type"] == "observation":
            results.observations.append(record)
        elif name in results.claims:
            raise ValueError(f"{where}: a second claim line for {name}, needs one")
        else:
            results.claims[name] = record
    if "scenario" in header:
        problems.append("one scenario picked by hand: this is no run of its profile")
    if missing := results.missing:
        done, total = len(results.claims), len(header["claims"])
        problems.append(f"incomplete: {done} of {total} claims, without {', '.join(missing)}")
    return Results(header, results.observations, results.claims, not missing, problems)


def _record(line: bytes, where: str) -> dict[str, Any]:
    try:
        return _checked(_parse(line), where)
    except ValueError as error:
        text = str(error)
        raise ValueError(
            text if text.startswith(where) else f"{where}: {EXPECTED}, got {text}"
        ) from None


def _checked(record: Any, where: str) -> dict[str, Any]:
    if (problem := check_record(record)) is not None:
        raise ValueError(f"{where}: {problem}; {EXPECTED}")
    return dict(record)


def _parse(line: bytes) -> Any:
    """Return the JSON value of a line; every number finite, every text valid Unicode."""
    try:
        text = line.decode("utf-8")
        value = strict_json(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise ValueError("a line that is not UTF-8") from None
    except RecursionError:
        raise ValueError("a line nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"a line that is not JSON ({error.msg}, column {error.colno})") from None
    return value


def strict_json(text: str) -> Any:
    """Return the JSON value of ``text``: finite numbers, every name of an object once.

    Raises ValueError saying which number or name; RecursionError for a text nested too deep.
    """
    return json.loads(
        text,
        parse_float=_finite,
        parse_int=_whole,
        parse_constant=_finite,
        object_pairs_hook=different_names,
    )


def different_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of a JSON object; raise ValueError for a name that comes twice."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name[:40]!r} twice in one object, needs it once")
        found[name] = value
    return found


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise ValueError(f"the number {literal[:40]}, which is not finite")
    return value


def _whole(literal: str) -> int:
    if len(literal) > MOST_DIGITS:
        raise ValueError(f"a number of {len(literal)} digits, needs at most {MOST_DIGITS}")
    return int(literal)


def _non_finite(value: Any, path: str) -> str | None:
    """Name the first NaN or infinity anywhere inside ``value``."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path}={value}, needs a finite number"
    items: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping):
        items = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        items = [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    return next((p for key, item in items if (p := _non_finite(item, key))), None)


def unwritable(path: Path, error: OSError) -> ValueError:
    return ValueError(f"out={path} cannot be written: {error.strerror or error}")
