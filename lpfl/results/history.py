"""The runs of a folder as a table: an index in SQLite that can be thrown away at any time.

The JSONL files are the record. The index holds what was read from each file together with its size
and time of change; a file that differs is read again, one that is gone is dropped.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lpfl.results.runs import RESULTS
from lpfl.results.store import Results, read_results

INDEX = ".index.sqlite"
LAYOUT = 1
_TABLES = f"""
PRAGMA user_version = {LAYOUT};
CREATE TABLE run (path TEXT PRIMARY KEY, size INTEGER, changed INTEGER, started TEXT, version TEXT,
                  profile TEXT, seed TEXT, device TEXT, dtype TEXT, problem TEXT);
CREATE TABLE claim (path TEXT, claim TEXT, verdict TEXT, margin REAL, margin_std_error REAL,
                    seconds REAL, PRIMARY KEY (path, claim));
"""


_NUMBERS = ("margin", "margin_std_error", "seconds")


@dataclass(frozen=True)
class Entry:
    """One claim in one run, oldest first; ``run`` is the folder of the run."""

    run: str
    started: str
    version: str
    profile: str
    seed: str
    device: str
    dtype: str
    claim: str
    verdict: str
    margin: float | None
    margin_std_error: float | None


def history(folder: Path) -> tuple[list[Entry], list[str]]:
    """Return every claim of every run in ``folder``, and what could not be read.

    Raises ValueError if the folder does not exist. Where the index cannot be written, it is built
    in memory.
    """
    if not folder.is_dir():
        raise ValueError(
            f"runs={folder} is no folder, needs one that holds runs: "
            "lpfl verify makes it, where it has no --out"
        )
    with closing(_filled(folder)) as index:
        rows = index.execute(
            "SELECT run.path, started, version, profile, seed, device, dtype, claim, verdict, "
            "margin, margin_std_error FROM claim JOIN run USING (path) ORDER BY started, run.path, "
            "claim"
        ).fetchall()
        problems = index.execute("SELECT problem FROM run WHERE problem != '' ORDER BY path")
        said = [str(problem) for (problem,) in problems]
    return [Entry(str(Path(row[0]).parent), *row[1:]) for row in rows], said


def _filled(folder: Path) -> sqlite3.Connection:
    """Return an index that is up to date; in memory where the disk does not take it."""
    try:
        index = _opened(folder / INDEX)
        try:
            _refresh(index, folder)
            return index
        except BaseException:
            index.close()
            raise
    except sqlite3.Error:
        index = _in_memory()
        _refresh(index, folder)
        return index


def _opened(path: Path) -> sqlite3.Connection:
    """Return the index, emptied if it is of another layout or damaged."""
    try:
        index = sqlite3.connect(path)
        found = index.execute("PRAGMA user_version").fetchone()[0]
        if found == LAYOUT and index.execute("PRAGMA quick_check").fetchone()[0] == "ok":
            index.execute("BEGIN IMMEDIATE")
            return index
        index.close()
        path.unlink()
        index = sqlite3.connect(path)
        index.executescript(_TABLES)
        return index
    except (sqlite3.Error, OSError):
        return _in_memory()


def _in_memory() -> sqlite3.Connection:
    index = sqlite3.connect(":memory:")
    index.executescript(_TABLES)
    return index


def _refresh(index: sqlite3.Connection, folder: Path) -> None:
    known = {
        path: (size, changed)
        for path, size, changed in index.execute("SELECT path, size, changed FROM run")
    }
    for path in _files(folder):
        name, stat = str(path.relative_to(folder)), path.stat()
        if known.pop(name, None) == (stat.st_size, stat.st_mtime_ns):
            continue
        _forget(index, name)
        origin: tuple[str, ...] = ("",) * 6
        try:
            results = read_results(path)
            problem = ""
            origin = _origin(results)
            index.executemany("INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?)", _rows(name, results))
        except ValueError as error:
            problem = str(error)
        row = (name, stat.st_size, stat.st_mtime_ns, *origin, problem)
        index.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    for name in known:
        _forget(index, name)
    index.commit()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the results files below ``folder``, each once: a pointer to a run is no second run."""
    seen = set()
    for path in sorted(folder.rglob(RESULTS)):
        if path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield path


def _origin(results: Results) -> tuple[str, ...]:
    header = results.header
    names = ("lpfl_version", "profile", "seed", "device", "dtype")
    return (str(header.get("started", "")), *(str(header[name]) for name in names))


def _rows(path: str, results: Results) -> list[tuple[object, ...]]:
    return [
        (path, name, claim["verdict"], *(_real(claim[key]) for key in _NUMBERS))
        for name, claim in results.claims.items()
    ]


def _real(value: float | None) -> float | None:
    """SQLite takes no integer above 2^63."""
    return None if value is None else float(value)


def _forget(index: sqlite3.Connection, name: str) -> None:
    for table in ("run", "claim"):
        index.execute(f"DELETE FROM {table} WHERE path = ?", (name,))
