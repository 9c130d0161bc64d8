"""May a command write there? Nothing overwrites its own input, and no results file is replaced."""

import os
from pathlib import Path

from lpfl.results.runs import followed
from lpfl.results.store import refuse_device


def output_path(name: str, path: str, inputs: tuple[str, ...] = ()) -> Path:
    """Return ``path`` as a file that may be written.

    name: the option, for messages. inputs: files that the command reads. Raises ValueError if the
    path is empty, a folder, a device, one of the inputs, or holds the results of a run, and if no
    file can be made in its folder: what takes long to find must not be lost at the end.
    """
    if not path.strip():
        raise ValueError(f"{name}={path!r}, needs the path of a file")
    target = Path(path)
    if os.path.isdir(target):  # noqa: PTH112  (a name too long is no folder, and no error yet)
        raise ValueError(f"{name}={path} is a folder, needs the path of a file")
    refuse_device(target, f"{name}={path}")
    for source in inputs:
        if _same(target, followed(Path(source))):
            raise ValueError(f"{name}={path} is an input of this command, needs another file")
    if _holds_results(target):
        raise ValueError(f"{name}={path} holds the results of a run, needs another file")
    if os.path.isdir(target.parent):  # noqa: PTH112
        _require_room(target, f"{name}={path}")
    return target


def _require_room(target: Path, said: str) -> None:
    """Make and remove the temporary file that writing to ``target`` takes."""
    place = Path(os.path.realpath(target))
    trial = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise ValueError(f"{said} cannot be written: {error.strerror or error}") from None


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
