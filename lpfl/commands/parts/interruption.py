"""SIGTERM and SIGHUP end a run as Ctrl-C does: what is done is kept, and the command says so."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
AS_CTRL_C = ("SIGTERM", "SIGHUP")


class Interrupted(KeyboardInterrupt):
    """A signal that asks the process to end. exit_code: 128 plus its number."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def exit_code_of(error: KeyboardInterrupt) -> int:
    """Return the exit code of an interrupted command: 130, or 128 plus the signal's number."""
    return error.exit_code if isinstance(error, Interrupted) else INTERRUPTED


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise :class:`Interrupted` on SIGTERM and SIGHUP; a signal that is ignored stays ignored."""
    before = {}
    for name in AS_CTRL_C:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) is signal.SIG_IGN:
            continue
        try:
            before[number] = signal.signal(number, _interrupt)
        except ValueError:  # not the main thread, which alone may do this
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)
