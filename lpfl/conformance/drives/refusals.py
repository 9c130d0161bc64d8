"""Errors that state a restriction, and errors that stumble over it."""

import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import torch

_TORCH, _JUDGE = Path(torch.__file__).parent, Path(__file__).parents[1]
_SAYS_SO = re.compile(r"support|only one|exactly one|\brequires\b|must be|not allowed", re.I)
_GONE = re.compile(
    r"\bnans?\b|\binf|finite|converge|singular|\bfail|unexpected|\bbug\b|match|inconsist", re.I
)
_RAISES = re.compile(r"\b(raise|assert)\b")
FEWEST = 3
"""Words of a sentence that says something."""
_SPOKEN = re.compile(r"\brais(e|es|ed|ing)\b|\brefus|\breject|Error\b", re.I)
_ENDS = re.compile(r"\.\s|\n\s*\n")
_TYPES = re.compile(r"\b[A-Z]\w*Error\b")
_WORD = re.compile(r"[a-z]{4,}")
_EMPTY = frozenset({"raise", "raised", "raises", "that", "this", "with", "from", "have", "than"})
_STEM, _SHARED = 6, 2
"""Letters by which words are alike, and words that a refusal shares with what is told of it."""


def says_so(error: Exception) -> bool:
    """Return whether an error states a restriction, and does not stumble over it.

    It does so in usual words, or in a sentence of its own that the docstring prepares for.
    """
    stated = isinstance(error, ValueError | RuntimeError | AssertionError)
    if isinstance(error, NotImplementedError) or (stated and _SAYS_SO.search(str(error))):
        return True
    return _in_own_words(error) and _told(error)


def refuses(error: Exception) -> bool:
    """Return whether an error refuses a weight or a format, in any words of the optimizer's own.

    A sentence that speaks of numbers gone wrong, or of parts that do not fit, refuses nothing.
    """
    return _in_own_words(error) or says_so(error)


def _in_own_words(error: Exception) -> bool:
    words = str(error)
    kind = isinstance(error, ValueError | TypeError | RuntimeError)
    return kind and len(words.split()) >= FEWEST and not _GONE.search(words) and meant(error)


def _told(error: Exception) -> bool:
    """Return whether a docstring of who raises it tells of the error, by kind and in its words."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    words = _stems(str(error))
    for text in _docstrings(error):
        for said in _ENDS.split(text):
            types = set(_TYPES.findall(said))
            spoken = bool(_SPOKEN.search(said)) and (not types or bool(types & kinds))
            if spoken and len(words & _stems(said)) >= _SHARED:
                return True
    return False


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text.lower()) if word not in _EMPTY}


def _docstrings(error: Exception) -> Iterator[str]:
    """Yield the docstrings of the classes whose methods the error went through."""
    for kind in _classes(error):
        of_init = getattr(kind.__dict__.get("__init__"), "__doc__", "")
        yield f"{kind.__doc__ or ''}\n\n{of_init or ''}"


def _classes(error: Exception) -> list[type]:
    """Return the classes, bases included, whose methods the error went through; not torch's."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if not _foreign(frame)]
    owners = {type(frame.f_locals["self"]) for frame in frames if "self" in frame.f_locals}
    kinds = {kind for owner in owners for kind in owner.__mro__}
    return [k for k in kinds if f"{k.__module__}.".split(".")[0] not in {"builtins", "torch"}]


def _foreign(frame: FrameType) -> bool:
    file = Path(frame.f_code.co_filename)
    return file.is_relative_to(_TORCH) or file.is_relative_to(_JUDGE)


def meant(error: Exception) -> bool:
    """Return whether the optimizer's own package raises the error, by a statement of its own.

    Its package is that of the first line outside of torch and the judge, with those of the classes
    whose methods the error went through: a base calls what a class in another file defines. A call
    of ``torch._check(holds, words)`` counts as a statement of the one who calls it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [Path(f.filename) for f in frames if not _within(f, _TORCH) and not _within(f, _JUDGE)]
    if not own:
        return False
    checks = _within(frames[-1], _TORCH) and frames[-1].name.startswith("_check")
    while len(frames) > 1 and _within(frames[-1], _TORCH) and frames[-1].name.startswith("_check"):
        frames.pop()
    last = frames[-1]
    modules = [sys.modules.get(kind.__module__) for kind in _classes(error)]
    files = [Path(file) for m in modules if (file := getattr(m, "__file__", None))]
    within = any(_within(last, home) for home in map(_home, [own[0], *files]))
    return within and (checks or bool(_RAISES.search(last.line or "")))


def _within(frame: traceback.FrameSummary, folder: Path) -> bool:
    return Path(frame.filename).is_relative_to(folder)


def _home(file: Path) -> Path:
    """Return the top folder of the package that a file belongs to, the file itself if to none."""
    home = file
    while (home.parent / "__init__.py").exists():
        home = home.parent
    return home
