"""Finished parts of an experiment on disk, so that a run that ends early can be gone on with.

The file holds one line for the run (what was asked for, by which versions), then one line per
finished part. It goes when the experiment is complete.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lpfl.experiments.core.experiment import Done, Options
from lpfl.experiments.core.reading import sections_from_json
from lpfl.results.store import append_durably, strict_json, write_atomically


class PartsJournal:
    """The journal NAME.parts.jsonl of one experiment in ``folder``."""

    def __init__(
        self, folder: Path, name: str, options: Options, versions: Mapping[str, str]
    ) -> None:
        self.path = folder / f"{name}.parts.jsonl"
        self._run = {"experiment": name, "options": asdict(options), "versions": dict(versions)}

    def begin(self) -> None:
        """Start a new journal.

        Raises: ValueError if there is one already, or if it cannot be written.
        """
        if self.path.exists():
            raise ValueError(
                f"{self.path} is an unfinished run: --resume goes on with it; "
                "remove it or give another --out to start anew"
            )
        write_atomically(self.path, _line(self._run))

    def finished(self) -> dict[str, Done]:
        """Return the parts that an earlier run finished; a last line that was cut off is dropped.

        Raises: ValueError if there is no journal, or if it belongs to another run: the message
        names what differs.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            raise ValueError(f"{self.path} does not exist: nothing to resume") from None
        except OSError as error:
            raise ValueError(f"{self.path} cannot be read: {error}") from None
        whole = content[: content.rfind(b"\n") + 1]
        if not whole:
            raise ValueError(f"{self.path} holds no finished line: remove it and start anew")
        if whole != content:
            os.truncate(self.path, len(whole))
        try:
            first, *rest = [strict_json(line) for line in whole.decode().split("\n")[:-1]]
            done = [
                Done(line["part"], sections_from_json(line["sections"]), float(line["seconds"]))
                for line in rest
            ]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{self.path} is no journal of an experiment: {error}") from None
        self._require_same(first)
        return {one.part: one for one in done}

    def keep(self, done: Done) -> None:
        """Append a finished part; on return it is on disk."""
        self._append(asdict(done))

    def remove(self) -> None:
        """Remove the journal of a complete run."""
        self.path.unlink(missing_ok=True)

    def _append(self, record: Mapping[str, Any]) -> None:
        try:
            with self.path.open("ab", buffering=0) as file:
                append_durably(self.path, file, _line(record))
        except OSError as error:
            raise ValueError(f"{self.path} cannot be written: {error.strerror}") from None

    def _require_same(self, found: Any) -> None:
        wanted = json.loads(json.dumps(self._run))
        if not isinstance(found, dict):
            raise ValueError(f"{self.path} is no journal of an experiment")
        for subject, own in wanted.items():
            other = found.get(subject)
            if other != own:
                raise ValueError(
                    f"{self.path} was begun with {subject} {other}, needs {own} to resume"
                )


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":")) + "\n"
