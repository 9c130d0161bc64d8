"""Errors that state a restriction, and errors that stumble over it."""

import re
import traceback
from pathlib import Path

import torch

_TORCH, _JUDGE = Path(torch.__file__).parent, Path(__file__).parents[1]
_SAYS_SO = re.compile(r"support|only one|exactly one|\brequires\b|must be|not allowed", re.I)
_GONE = re.compile(
    r"\bnans?\b|\binf|finite|converge|singular|\bfail|unexpected|\bbug\b|match|inconsist", re.I
)
_RAISES = re.compile(r"\b(raise|assert)\b")
FEWEST = 3
"""Words of a sentence that says something."""


def says_so(error: Exception) -> bool:
    """Return whether an error states a restriction in usual words, and does not stumble over it."""
    stated = isinstance(error, ValueError | RuntimeError | AssertionError)
    return isinstance(error, NotImplementedError) or (stated and bool(_SAYS_SO.search(str(error))))


def refuses(error: Exception) -> bool:
    """Return whether an error refuses a weight or a format, in any words of the optimizer's own.

    A sentence that speaks of numbers gone wrong, or of parts that do not fit, refuses nothing.
    """
    words = str(error)
    kind = isinstance(error, ValueError | TypeError | RuntimeError)
    told = kind and len(words.split()) >= FEWEST and not _GONE.search(words) and meant(error)
    return says_so(error) or told


def meant(error: Exception) -> bool:
    """Return whether the optimizer's own package raises the error, by a statement of its own.

    Its package is that of the first line outside of torch and the judge; a call of
    ``torch._check(holds, words)`` counts as a statement of the one who calls it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [Path(f.filename) for f in frames if not _within(f, _TORCH) and not _within(f, _JUDGE)]
    if not own:
        return False
    checks = _within(frames[-1], _TORCH) and frames[-1].name.startswith("_check")
    while len(frames) > 1 and _within(frames[-1], _TORCH) and frames[-1].name.startswith("_check"):
        frames.pop()
    last = frames[-1]
    home = _home(own[0])
    return _within(last, home) and (checks or bool(_RAISES.search(last.line or "")))


def _within(frame: traceback.FrameSummary, folder: Path) -> bool:
    return Path(frame.filename).is_relative_to(folder)


def _home(file: Path) -> Path:
    """Return the top folder of the package that a file belongs to, the file itself if to none."""
    home = file
    while (home.parent / "__init__.py").exists():
        home = home.parent
    return home
