"""SymPy expressions as MathML, with the letters of the notation table as a reader expects them."""

# The methods named after SymPy classes (N802) are found by SymPy under these names.

import re
from typing import Any

import sympy as sp
from latex2mathml.converter import convert
from markupsafe import Markup
from sympy.printing.latex import LatexPrinter

_GREEK = frozenset(
    (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
        *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
        *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
        "nabla",
    )
)
_WRITTEN = {"phi": r"\varphi", "epsilon": r"\varepsilon", "perp": r"\perp", "star": r"\star"}
_WRITTEN |= {"*": r"\star", "+": "+", "-": "-", "'": r"\prime", "max": r"\max", "min": r"\min"}
_WRITTEN |= {"inf": r"\infty", "infty": r"\infty"}
_ACCENTS = ("hat", "bar", "tilde")
_LONE_OPERATOR = re.compile(r"<mrow>(<mo)>([^<]*</mo>)</mrow>")
_PLAIN = frozenset({"sin", "cos", "tan", "log"})
_FUNCTION_NAMES = {"acos": r"\arccos", "asin": r"\arcsin", "atan": r"\arctan"}


def letter(name: str) -> str:
    """Return the LaTeX of a symbol name: ``Sigmahat`` is a Sigma with a hat, ``G^*`` a starred G.

    A lone star is written as a subscript, which leaves room for a transpose or an inverse.
    """
    base, marks = re.match(r"([^_^]*)(.*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
    subscripts: list[str] = []
    superscripts: list[str] = []
    for sign, mark in re.findall(r"([_^])([^_^]*)", marks):
        (subscripts if sign == "_" else superscripts).append(_word(mark))
    if not subscripts and superscripts == [r"\star"]:
        subscripts, superscripts = superscripts, []
    text = _word(base)
    if subscripts:
        text += "_{" + ",".join(subscripts) + "}"
    if superscripts:
        text += "^{" + ",".join(superscripts) + "}"
    return text


def _word(word: str) -> str:
    if word in _WRITTEN:
        return _WRITTEN[word]
    if word in _GREEK:
        return "\\" + word
    for accent in _ACCENTS:
        if word.endswith(accent) and word != accent:
            return f"\\{accent}{{{_word(word.removesuffix(accent))}}}"
    digits = re.fullmatch(r"([A-Za-z]+)(\d+)", word)
    if digits:
        return f"{_word(digits[1])}_{{{digits[2]}}}"
    plain = re.sub(r"[^A-Za-z0-9]", "", word)
    return plain if len(plain) == 1 or plain.isdigit() else rf"\mathrm{{{plain}}}"


class _Printer(LatexPrinter):
    """LaTeX in the hand of a statistician: transposes as a raised T, matrices as plain italics."""

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:  # noqa: N802
        return letter(str(expr.name))

    def _print_MatrixSymbol(self, expr: Any) -> str:  # noqa: N802
        return letter(str(expr.name))

    def _print_Transpose(self, expr: Any) -> str:  # noqa: N802
        return self._raised(expr.arg, r"\top")

    def _print_Inverse(self, expr: Any) -> str:  # noqa: N802
        if isinstance(expr.arg, sp.Transpose):
            return self._raised(expr.arg.arg, r"-\top")
        return self._raised(expr.arg, "-1")

    def _raised(self, arg: Any, exponent: str) -> str:
        text = self._print(arg)
        if not isinstance(arg, sp.MatrixSymbol | sp.Symbol | sp.Identity):
            text = rf"\left({text}\right)"
        return f"{text}^{{{exponent}}}"

    def _print_Identity(self, expr: Any, exp: Any = None) -> str:  # noqa: N802
        return "I" if exp is None else f"I^{{{exp}}}"

    def _print_ZeroMatrix(self, expr: Any) -> str:  # noqa: N802
        return "0"

    def _print_Trace(self, expr: Any, exp: Any = None) -> str:  # noqa: N802
        return self._applied(r"\mathrm{tr}", expr.arg, exp)

    def _print_Determinant(self, expr: Any, exp: Any = None) -> str:  # noqa: N802
        return self._applied(r"\det", expr.arg, exp)

    def _applied(self, name: str, arg: Any, exp: Any) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"{name}{power}\left({self._print(arg)}\right)"

    def _print_Function(self, expr: Any, exp: Any = None) -> str:  # noqa: N802
        name = expr.func.__name__
        if name in _FUNCTION_NAMES and exp is None:
            return rf"{_FUNCTION_NAMES[name]}\left({self._print(expr.args[0])}\right)"
        if name in _PLAIN and len(expr.args) == 1 and isinstance(expr.args[0], sp.Symbol):
            power = "" if exp is None else f"^{{{exp}}}"
            return rf"\{name}{power}\,{self._print(expr.args[0])}"
        return str(super()._print_Function(expr, exp))

    def _print_Add(self, expr: Any, order: Any = None) -> str:  # noqa: N802
        terms = self._as_ordered_terms(expr, order=order)
        return self._sum(sorted(terms, key=_negative))

    def _print_MatAdd(self, expr: Any) -> str:  # noqa: N802
        return self._sum(sorted(expr.args, key=lambda term: (_negative(term), _factors(term))))

    def _sum(self, terms: Any) -> str:
        text = ""
        for term in terms:
            one = self._print(-term if _negative(term) else term)
            if term.is_Add or term.is_MatAdd:
                one = rf"\left({one}\right)"
            sign = "-" if _negative(term) else "+"
            text += f" {sign} {one}" if text else (f"- {one}" if sign == "-" else one)
        return text


def _negative(term: Any) -> bool:
    return bool(term.could_extract_minus_sign()) and not (term.is_Add or term.is_MatAdd)


def _factors(term: Any) -> int:
    return len(term.args) if isinstance(term, sp.MatMul) else 1


_PRINTER = _Printer({"mat_str": "matrix", "mat_delim": "[", "inv_trig_style": "full"})


def to_latex(expression: sp.Basic) -> str:
    """Return the LaTeX of ``expression``."""
    return str(_PRINTER.doprint(expression))


def to_mathml(expression: sp.Basic, *, block: bool = False) -> Markup:
    """Return ``expression`` as a MathML element; its LaTeX is kept as the alternative text."""
    return _mathml(to_latex(expression), block=block)


def letter_mathml(name: str) -> Markup:
    """Return the letter of a symbol name as inline MathML."""
    return _mathml(letter(name), block=False)


def _mathml(latex: str, *, block: bool) -> Markup:
    body = convert(latex, display="block" if block else "inline")
    body = _LONE_OPERATOR.sub(r'\1 lspace="0" rspace="0">\2', body)
    opening = Markup('<math alttext="{}" ').format(latex)
    return opening + Markup(body.removeprefix("<math "))
