"""May a command write there? Nothing overwrites its own input, and no results file is replaced."""

import os
from pathlib import Path

from lpfl.results.runs import followed
from lpfl.results.store import refuse_device


def output_path(name: str, path: str, inputs: tuple[str, ...] = ()) -> Path:
    """Return ``path`` as a file that may be written.

    name: the option, for messages. inputs: files that the command reads. Raises ValueError if the
    path is empty, a folder, a device, one of the inputs, or holds the results of a run.
    """
    if not path.strip():
        raise ValueError(f"{name}={path!r}, needs the path of a file")
    target = Path(path)
    if target.is_dir():
        raise ValueError(f"{name}={path} is a folder, needs the path of a file")
    refuse_device(target, f"{name}={path}")
    for source in inputs:
        if _same(target, followed(Path(source))):
            raise ValueError(f"{name}={path} is an input of this command, needs another file")
    if _holds_results(target):
        raise ValueError(f"{name}={path} holds the results of a run, needs another file")
    return target


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:
        return os.path.realpath(a) == os.path.realpath(b)


def _holds_results(path: Path) -> bool:
    """Say whether a file begins like a results file or a survey: with a header line."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return False
    return start.replace(b" ", b"").startswith(b'{"type":"header"')
