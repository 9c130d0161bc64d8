"""Answers of many tasks, one line each: what is there survives a sudden end, and is not redone."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lpfl.results.lock import FolderLock
from lpfl.results.store import append_durably, unwritable, write_atomically

Task = tuple[Any, ...]


class Journal:
    """Keeps ``{"task": [...], ...}`` lines of one kind of run in ``folder/name.jsonl``.

    settings: what the run was asked for; an existing journal with other settings is refused. A
    second process in the same folder is refused. A line that a sudden end cut short is dropped.

    Raises ValueError if the folder cannot be written, is in use, or holds something else.
    """

    def __init__(self, folder: str | os.PathLike[str], name: str, settings: Mapping[str, Any]):
        if not os.fspath(folder):
            raise ValueError("out='' is empty, needs a folder")
        self.path = Path(folder) / f"{name}.jsonl"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._lock = FolderLock(self.path.parent)
        try:
            self.records = self._opened(dict(settings))
        except BaseException:
            self._lock.release()
            raise

    def _opened(self, settings: dict[str, Any]) -> list[dict[str, Any]]:
        lines = _whole_lines(self.path)
        if lines and lines[0] != settings:
            changed = sorted(
                k for k in {*lines[0], *settings} if lines[0].get(k) != settings.get(k)
            )
            name = changed[0]
            raise ValueError(
                f"out={self.path.parent} holds a run with {name}={lines[0].get(name)!r}, "
                f"this one has {settings.get(name)!r}: needs another folder"
            )
        try:
            kept = "".join(json.dumps(line) + "\n" for line in lines or [settings])
            write_atomically(self.path, kept)
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise unwritable(self.path, error) from error
        return lines[1:]

    def missing(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks that have no answer yet."""
        done = {json.dumps(record["task"]) for record in self.records}
        return [task for task in tasks if json.dumps(list(task)) not in done]

    def write(self, task: Task, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Append the answer of a task; it is on disk before the call returns."""
        record = {"task": list(task), **answer}
        append_durably(self.path, self._file, json.dumps(record, allow_nan=False) + "\n")
        self.records.append(record)
        return record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._lock.release()


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines that are whole; an incomplete one can only be the last."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"out={path} cannot be read: {error}") from error
    *lines, rest = text.split("\n")
    if rest and not lines:
        raise ValueError(f"out={path} is no journal: it has no whole line")
    try:
        read = [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise ValueError(f"out={path} is no journal: {error}") from None
    whole = read and all(isinstance(one, dict) for one in read)
    if read and not (whole and all(isinstance(one.get("task"), list) for one in read[1:])):
        raise ValueError(f"out={path} is no journal: a line has no task")
    return read
