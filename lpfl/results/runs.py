"""Where runs live: a folder for each, a pointer to the newest, and nothing ever replaced.

``reports/latest`` is a link to ``reports/runs/<id>``. Where links cannot be made it is a file that
holds the same words, and :func:`lpfl.results.store.read_results` follows it.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

LATEST, RUNS, REPRODUCED, EARLIER = "latest", "runs", "reproduced", "earlier"
RESULTS, PAGE = "results.jsonl", "index.html"
MOST_POINTER_BYTES = 200


def is_pointer(out: Path) -> bool:
    """Say whether runs sent to ``out`` get folders of their own, ``out`` pointing to the newest."""
    return out.name == LATEST


def new_run_folder(parent: Path) -> Path:
    """Make and return a folder under ``parent`` named by the time, which no other run has.

    Raises ValueError if it cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    number = 1
    while True:
        folder = parent / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return folder
        except FileExistsError:
            if not parent.is_dir():
                raise ValueError(f"out={parent} cannot be written: not a folder") from None
            number += 1
        except OSError as error:
            raise _unwritable(parent, error) from error


def point(latest: Path, folder: Path) -> None:
    """Make ``latest`` point to ``folder``, at once; a real folder of that name is kept aside."""
    target = os.path.relpath(folder, latest.parent)
    temporary = latest.with_name(f".{latest.name}.{os.getpid()}.part")
    try:
        if latest.is_dir() and not latest.is_symlink():
            latest.rename(new_run_folder(latest.parent / RUNS) / EARLIER)
        temporary.unlink(missing_ok=True)
        try:
            temporary.symlink_to(target, target_is_directory=True)
        except (OSError, NotImplementedError):
            temporary.write_text(target + "\n", encoding="utf-8")
        temporary.replace(latest)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _unwritable(latest, error) from error


def followed(path: Path) -> Path:
    """Return ``path``, or where it leads if a folder in it is a pointer file."""
    pointer = path.parent
    if pointer.name != LATEST or not pointer.is_file():
        return path
    if pointer.stat().st_size > MOST_POINTER_BYTES:
        return path
    words = pointer.read_text(encoding="utf-8", errors="replace").strip()
    return pointer.parent / words / path.name


def pointed(out: Path) -> Path:
    """Return the folder that ``out`` stands for: itself, or the one it points to."""
    if not is_pointer(out):
        return out
    return out.parent / out.readlink() if out.is_symlink() else followed(out / RESULTS).parent


def keep_aside(folder: Path, names: tuple[str, ...] = (RESULTS, PAGE)) -> Path | None:
    """Move a finished or broken run in ``folder`` into a folder below it; return where.

    names: its files.

    Raises ValueError if it cannot be moved.
    """
    found = [folder / name for name in names if os.path.lexists(folder / name)]
    if not found:
        return None
    aside = new_run_folder(folder / EARLIER)
    try:
        for path in found:
            path.rename(aside / path.name)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return aside


def _unwritable(path: Path, error: OSError) -> ValueError:
    return ValueError(f"out={path} cannot be written: {error.strerror or error}")
