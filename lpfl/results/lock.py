"""A folder in use is guarded by a lock that ends with its process, however that ends."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakSet

NAME = ".lock"


class FolderLock:
    """Holds ``folder`` for one writer; a second one, in any process, is refused.

    The operating system holds the lock, so one that a dead process left behind is just a file.
    Raises ValueError naming the process that uses the folder, or why the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            self._file = _locked(self._path)
            _HELD.add(self)
        except BlockingIOError:
            owner = _owner(self._path)
            raise ValueError(f"out={folder} is in use by {owner}, needs another folder") from None
        except OSError as error:
            reason = error.strerror or error
            raise ValueError(f"out={folder} cannot be written: {reason}") from error

    def release(self) -> None:
        """Remove the lock; calling it twice does no harm."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
            self.forget()

    def forget(self) -> None:
        """Close the file without a word to the folder: a forked process holds no lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


_HELD: "WeakSet[FolderLock]" = WeakSet()


def _forget_all() -> None:
    for lock in list(_HELD):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _locked(path: Path) -> int:
    """Return the open, locked file; the loop skips one that its owner has just removed."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(file)
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                os.ftruncate(file, 0)
                os.write(file, f"{os.getpid()}\n".encode())
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _owner(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii", errors="replace").strip()[:12]
    except OSError:
        number = ""
    return f"process {number}" if number.isdigit() else "another process"


if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
