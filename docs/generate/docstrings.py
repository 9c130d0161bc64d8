"""Docstrings are plain text with ``code``; other signs of reStructuredText are escaped."""

import re

_CODE_OR_ROLE = re.compile(r"(``.*?``|:[a-z]+:`[^`]*`)", re.DOTALL)
_MARKUP = re.compile(r"([*|_`\\])")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def as_written(app, what, name, obj, options, lines):
    """Replace, in place, a docstring by paragraphs in which only ``code`` is markup."""
    paragraphs = re.split(r"\n[ \t]*\n", "\n".join(lines))
    lines[:] = "\n\n".join(_paragraph(text) for text in paragraphs).splitlines()


def _paragraph(text):
    """Return a paragraph: a list where it holds items, a literal block where it is code."""
    if ">>>" in text or "::" in text or text.lstrip().startswith(("def ", "@", "import ")):
        return "::\n\n" + "\n".join("    " + line for line in text.splitlines())
    pieces = _CODE_OR_ROLE.split(_INDENT.sub("", text))
    text = "".join(
        _alone(piece) if number % 2 else _MARKUP.sub(r"\\\1", piece)
        for number, piece in enumerate(pieces)
    )
    return _items(text.splitlines())


def _alone(code):
    """Return code on one line, set off from the letters beside it by signs that print nothing."""
    return "\\ " + re.sub(r"\s+", " ", code) + "\\ "


def _items(lines):
    """Return lines with a blank one before each item of a list, and items on lines of their own."""
    written = []
    for line in lines:
        if line.startswith("- "):
            written += ["", line]
        elif written and any(earlier.startswith("- ") for earlier in written):
            written.append("  " + line)
        else:
            written.append(line)
    return "\n".join(written)
