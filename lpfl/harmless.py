"""Text from outside, made harmless for a terminal and for the log of a CI system.

A log takes orders: GitHub from a line that begins with ``::``, GitHub, Azure and TeamCity from
``##[...`` or ``##word[...`` anywhere in a line. Neither survives here.
"""

import re

CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)
_ORDERS = re.compile(r"##(?=[\w.]*\[)")
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_AT_LINE_START = re.compile(r"^(\s*)::", re.MULTILINE)


def harmless_lines(text: str) -> str:
    """Return ``text`` with its lines kept, control and direction marks replaced, orders broken."""
    return _AT_LINE_START.sub(r"\1: :", _ORDERS.sub("## ", CONTROLS.sub("\ufffd", text)))


def harmless(text: str) -> str:
    """Return ``text`` on one line: nothing of it can begin a line."""
    return harmless_lines(re.sub("[\t\n]", "\ufffd", text))


def flat(text: str) -> str:
    """Return ``text`` on one line, each run of white space a blank."""
    return harmless_lines(" ".join(text.split()))


def harmless_json(text: str) -> str:
    """Return the same JSON, spelt so that no text in it is an order."""
    return re.sub("#(?=#)", r"\\u0023", text)


def visible(text: str) -> str:
    """Return ``text`` for a file of text, HTML or XML: what nobody sees there is shown.

    Control characters, marks that turn the direction of writing and what XML does not take become
    a replacement character; lines and tabulators stay.
    """
    return _INVISIBLE.sub("\ufffd", text)


def harmless_cell(text: str) -> str:
    """Return ``text`` for a cell of a table: a spreadsheet takes it for text and not for a formula.

    A formula begins with one of ``= + - @``, also in their wide form, and white space before it is
    dropped by some programs; such a text gets an apostrophe in front. A carriage return would begin
    a new row: the csv module quotes it from Python 3.13 on only.
    """
    shown = visible(text).replace("\r", "\ufffd")
    return f"'{shown}" if text.lstrip().startswith(_FORMULA) else shown
