"""Sentences with letters in them: indices and exponents are set low and high, sums stay on a line.

``F_ls`` is an F with the index ls, ``[x]^2`` a square; a star or a perpendicular sign after a
letter is an index too. A name of the code, ``sign_sgd``, stays as it is.
"""

import re

from markupsafe import Markup, escape

_INDEX = re.compile(r"(?<=\w)(?<![a-z]{2})_([A-Za-z0-9]+)|(?<=\w)([⋆⊥])")
_EXPONENT = re.compile(r"\^(?:\(([^()]+)\)|\{([^{}]+)\}|([-−]?\w+))")
_OPERATOR = re.compile(r" ([−+⊗·]) (?=\S)")
_NAMES = {"kfac": "KFAC", "sgd": "SGD", "gauss newton": "Gauss-Newton", "gaussian": "Gaussian"}
_NAME = re.compile(r"\b(" + "|".join(_NAMES) + r")\b")

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_POWER_OF_TEN = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([-−+]?)0*(\d+)(?!\w)")
_POWER = re.compile(r"\^(-?\d+)(?!\d|/\d)")
_STAR = re.compile(r"(?<=[FGβ])\*")
_LOW = re.compile(r"(?<=\b[^\W\d_])_(\d)(?![A-Za-z0-9_])")
_MINUS = re.compile(r"(?<![\w.)\]])-(?=[\d.])|(?<=\b\w )-(?= )|(?<=[)\]\d] )-(?= )")
_GREEK = {
    "alpha": "α", "beta": "β", "eta": "η", "kappa": "κ", "lam": "λ", "lambda": "λ", "rho": "ρ",
    "sigma": "σ", "Sigma": "Σ", "theta": "θ", "<=": "≤", ">=": "≥",
}  # fmt: skip
_GREEK_WORD = re.compile(r"(?<![\w.])(?:" + "|".join(_GREEK) + r")(?![\w.(])")


def typeset(text: str) -> str:
    """Return a plain text with the signs of print: 1e-4 is 10⁻⁴, eta g k/n^2 is η g k/n²."""
    text = _STAR.sub("⋆", text)
    text = _POWER_OF_TEN.sub(_power_of_ten, text)
    text = _POWER.sub(lambda m: m[1].translate(_RAISED), text)
    text = _MINUS.sub("−", _LOW.sub(lambda m: m[1].translate(_LOWERED), text))
    return _GREEK_WORD.sub(lambda m: _GREEK[m[0]], text)


def _power_of_ten(number: re.Match[str]) -> str:
    sign = "⁻" if number[2] in ("-", "−") else ""
    power = f"10{sign}{number[3].translate(_RAISED)}"
    if number[3] == "0":
        return number[1]
    return power if float(number[1]) == 1.0 else f"{number[1]}×{power}"


def prose(text: str) -> Markup:
    """Return ``text`` escaped, with its indices and exponents as elements."""
    html = _OPERATOR.sub("\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", str(escape(text)))
    html = _INDEX.sub(lambda m: f"<sub>{m[1] or m[2]}</sub>", html)
    html = _EXPONENT.sub(lambda m: f"<sup>{(m[1] or m[2] or m[3]).replace('-', '−')}</sup>", html)
    return Markup(html)


def part_words(name: str) -> str:
    """Return the name of a part of a statement as words: ``kfac_gauge`` is "KFAC gauge"."""
    return _NAME.sub(lambda m: _NAMES[m[1]], name.replace("_", " "))
