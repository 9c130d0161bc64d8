"""Subjects run without torch.compile: compiling is no step, and it can take minutes."""

import contextlib
from typing import Any

import torch


def eager() -> contextlib.AbstractContextManager[Any]:
    """Let what was compiled with ``torch.compile`` run as it was written, until the block's end.

    torch 2.5 cannot: there it is compiled.
    """
    if not hasattr(torch.compiler, "set_stance"):
        return contextlib.nullcontext()
    return torch.compiler.set_stance("force_eager")
