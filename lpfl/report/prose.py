"""Sentences with letters in them: indices and exponents are set low and high, sums stay on a line.

``F_ls`` is an F with the index ls, ``[x]^2`` a square; a star or a perpendicular sign after a
letter is an index too. A name of the code, ``sign_sgd``, stays as it is.
"""

import re

from markupsafe import Markup, escape

_INDEX = re.compile(r"(?<=\w)(?<![a-z]{2})_([A-Za-z0-9]+)|(?<=\w)([⋆⊥])")
_EXPONENT = re.compile(r"\^(?:\(([^()]+)\)|([-−]?\w+))")
_OPERATOR = re.compile(r" ([−+⊗·]) (?=\S)")
_NAMES = {"kfac": "KFAC", "sgd": "SGD", "gauss newton": "Gauss-Newton", "gaussian": "Gaussian"}
_NAME = re.compile(r"\b(" + "|".join(_NAMES) + r")\b")


def prose(text: str) -> Markup:
    """Return ``text`` escaped, with its indices and exponents as elements."""
    html = _OPERATOR.sub("\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", str(escape(text)))
    html = _INDEX.sub(lambda m: f"<sub>{m[1] or m[2]}</sub>", html)
    html = _EXPONENT.sub(lambda m: f"<sup>{(m[1] or m[2]).replace('-', '−')}</sup>", html)
    return Markup(html)


def part_words(name: str) -> str:
    """Return the name of a part of a statement as words: ``kfac_gauge`` is "KFAC gauge"."""
    return _NAME.sub(lambda m: _NAMES[m[1]], name.replace("_", " "))
