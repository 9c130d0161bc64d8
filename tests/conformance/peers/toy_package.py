"""A package of optimizers for the survey: good ones, one that ends the process, one that hangs."""

import os
import time
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


def hangs(params: Any, lr: float = 0.1) -> Any:
    """Never answer."""
    time.sleep(3600)


class _Hidden(Good):
    """Not public."""
