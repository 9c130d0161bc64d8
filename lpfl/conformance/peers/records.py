"""The survey's file: one header, then one line per subject, appended as each one ends."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lpfl import __version__
from lpfl.conformance.outcomes import plain
from lpfl.conformance.peers.rules import problem_of_header, problem_of_subject
from lpfl.results.runs import keep_aside
from lpfl.results.store import append_durably, strict_json, write_atomically

SCHEMA_VERSION = 1
PREVIOUS = "survey.previous.jsonl"
SAME = ("schema_version", "seed", "quick", "lpfl_version", "packages", "checks")
"""Header fields that two halves of one survey must share."""


@dataclass(frozen=True)
class Survey:
    """What a survey's file holds: the header, and the line of each subject by name."""

    header: Mapping[str, Any]
    subjects: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def new_header(
    *, seed: int, quick: bool, packages: Mapping[str, str | None], checks: Mapping[str, str]
) -> dict[str, Any]:
    """Return the header: what the outcome depends on. checks: id -> what it asks."""
    return {
        "type": "header",
        "schema_version": SCHEMA_VERSION,
        "lpfl_version": __version__,
        "python": platform.python_version(),
        "seed": seed,
        "quick": quick,
        "packages": dict(packages),
        "checks": dict(checks),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def encode(record: Mapping[str, Any]) -> bytes:
    """Return a record as one line; what JSON lacks becomes text."""
    text = json.dumps(plain(record), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (text + "\n").encode("utf-8", errors="replace")


class SurveyWriter:
    """Appends subjects to a survey's file; a line cut off by a killed run is dropped first.

    header: starts a new file, or must agree with that of the file to be continued.
    Raises: ValueError if the file cannot be written, or belongs to another survey.
    """

    def __init__(self, path: str | os.PathLike[str], header: Mapping[str, Any], *, resume: bool):
        self.path = Path(path)
        self.done: set[str] = set()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if resume and self.path.exists():
                self.done = set(_continued(self.path, header).subjects)
            else:
                if self.path.exists():
                    keep_aside(self.path.parent, (PREVIOUS,))
                    self.path.replace(self.path.with_name(PREVIOUS))
                write_atomically(self.path, encode(header).decode())
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise ValueError(f"out={self.path} cannot be written: {error.strerror}") from error

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one subject; it is on disk when the call returns, or ValueError names the file."""
        append_durably(self.path, self._file, encode(record).decode())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _continued(path: Path, header: Mapping[str, Any]) -> Survey:
    survey = read_survey(path)
    for name in SAME:
        if survey.header.get(name) != plain(header.get(name)):
            raise ValueError(f"resume={path}: its {name} differs from this run's; start a new one")
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
    return survey


def read_survey(path: str | os.PathLike[str]) -> Survey:
    """Read a survey's file; a cut last line is dropped and named in ``problems``.

    Raises: ValueError naming file and line if it is not a survey of this schema_version.
    """
    source = Path(path)
    try:
        lines = source.read_bytes().split(b"\n")
    except OSError as error:
        raise ValueError(f"survey={source} cannot be read: {error.strerror}") from error
    problems = ["the last line is cut off and was dropped"] if lines.pop() else []
    records = [_parsed(line, f"{source}:{number}") for number, line in enumerate(lines, 1)]
    header = records[0] if records else {}
    if header.get("type") != "header" or header.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"{source}:1: needs the header of a survey, version {SCHEMA_VERSION}")
    if (problem := problem_of_header(header)) is not None:
        raise ValueError(f"{source}:1: {problem}")
    subjects: dict[str, dict[str, Any]] = {}
    for number, record in enumerate(records[1:], 2):
        if (problem := problem_of_subject(record)) is not None:
            raise ValueError(f"{source}:{number}: {problem}")
        subjects[record["subject"]] = record
    return Survey(header, subjects, problems)


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        record = strict_json(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ValueError(f"{where}: needs one JSON object a line, got {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{where}: needs one JSON object a line, got {type(record).__name__}")
    return record
