"""A package of optimizers for the survey: good ones, and some that end the process or hang."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import torch


class Good(torch.optim.SGD):
    """Plain gradient descent."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, lr=lr)


class Another(Good):
    """The same under another name."""


class Base(torch.optim.Optimizer):
    """Not a subject."""


class NeedsGpu(Good):
    """Cannot run here."""


def ends_the_process(params: Any, lr: float = 0.1) -> Any:
    """Leave without a word."""
    os._exit(7)


def is_killed(params: Any, lr: float = 0.1) -> Any:
    """Be killed, as from outside, as often as a file says."""
    left = Path(os.environ["TOY_KILLS"])
    if kills := int(left.read_text()):
        left.write_text(str(kills - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return Good(params, lr)


def hangs(params: Any, lr: float = 0.1) -> Any:
    """Never answer."""
    time.sleep(3600)


class _Hidden(Good):
    """Not public."""
