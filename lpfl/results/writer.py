"""Appending to a results file: what was written before a sudden end stays readable."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lpfl.results.schema import SCHEMA_VERSION
from lpfl.results.store import (
    Results,
    append_durably,
    encode_record,
    read_results,
    unwritable,
    write_atomically,
)

MAY_DIFFER = ("type", "schema_version", "started")
"""Header fields that two halves of one run need not share."""


class ResultsWriter:
    """Appends records to a new results file; they are on disk before the call returns.

    The file appears under its name only once its header is complete. An existing file is kept
    unless ``overwrite``.

    Raises ValueError if the file cannot be written or if a record does not fit the schema
    (a NaN or an infinity is refused by name).
    """

    def __init__(
        self, path: str | os.PathLike[str], header: Mapping[str, Any], *, overwrite: bool = False
    ) -> None:
        self.path = Path(path)
        line = encode_record({"type": "header", "schema_version": SCHEMA_VERSION, **header})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and not overwrite:
                raise ValueError(f"out={self.path} exists, needs a new file (or overwrite)")
            write_atomically(self.path, line)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._open(header)

    def _open(self, header: Mapping[str, Any]) -> None:
        self._selected = set(header["claims"])
        try:
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise unwritable(self.path, error) from error

    @classmethod
    def resumed(cls, path: Path, header: Mapping[str, Any]) -> tuple[Self, Results]:
        """Return a writer that goes on with an interrupted run, and what the run already has.

        What belongs to a claim without its claim line is dropped. Raises ValueError naming the
        field in which ``header`` differs from the file's own.
        """
        before = read_results(path)
        for name in sorted({*header, *before.header} - set(MAY_DIFFER)):
            old, new = before.header.get(name), header.get(name)
            if old != new:
                raise ValueError(f"resume={path}: its {name} is {old!r}, this run has {new!r}")
        done = Results(
            before.header, [o for o in before.observations if o["claim"] in before.claims]
        )
        done.claims.update(before.claims)
        write_atomically(path, in_order(done))
        writer = cls.__new__(cls)
        writer.path = path
        writer._open(header)
        return writer, done

    def write(self, *records: Mapping[str, Any]) -> None:
        """Append observation and claim records (with their "type"), together."""
        lines = []
        for record in records:
            lines.append(encode_record(record))
            if record["type"] == "header":
                raise ValueError("type='header', needs 'observation' or 'claim' after the header")
            if record["claim"] not in self._selected:
                raise ValueError(f"claim={record['claim']!r}, needs one of the header's claims")
        append_durably(self.path, self._file, "".join(lines))

    def close(self) -> None:
        """Close the file; calling it twice does no harm."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def finish(path: Path) -> Results:
    """Put a complete file into the order of its header's claims; return what it holds.

    Claims end in any order on several processes; afterwards the file does not show it.
    """
    results = read_results(path)
    if results.complete:
        write_atomically(path, in_order(results))
        return read_results(path)
    return results


def in_order(results: Results) -> str:
    """Return the text of a results file, claim by claim as the header lists them."""
    lines: list[Mapping[str, Any]] = [results.header]
    for name in results.header["claims"]:
        lines += _of(name, results.observations)
        lines += [results.claims[name]] if name in results.claims else []
    return "".join(encode_record(line) for line in lines)


def _of(name: str, observations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in observations if record["claim"] == name]
