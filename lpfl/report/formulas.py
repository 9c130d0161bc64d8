"""SymPy expressions as MathML, with the letters of the notation table as a reader expects them."""

# The methods named after SymPy classes (N802) are found by SymPy under these names.

import re
from collections.abc import Sequence
from typing import Any

import sympy as sp
from latex2mathml.converter import convert
from markupsafe import Markup
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

LONG_LINE = 200  # characters of LaTeX, about as wide as the column
SHORT_PIECE = 24  # signs, less than the width of a phone

_GREEK = frozenset(
    (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
        *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
        *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
        *("nabla", "varphi", "vartheta"),
    )
)
_WRITTEN = {"epsilon": r"\varepsilon", "ell": r"\ell", "perp": r"\perp", "star": r"\star"}
_WRITTEN |= {"*": r"\star", "+": "+", "-": "-", "'": r"\prime", "max": r"\max", "min": r"\min"}
_WRITTEN |= {"inf": r"\infty", "infty": r"\infty"}
_ACCENTS = ("hat", "bar", "tilde")
_FENCE = re.compile(r'<mo stretchy="true" fence="true" form="(?:prefix|postfix)">')
_TAG = re.compile(r"<[^>]*>")
_ROW = re.compile(r"</?mrow>")
_UPRIGHT = re.compile(r'<mrow>((?:<mi mathvariant="normal">[^<]*</mi>){2,})</mrow>')
_LONE_OPERATOR = re.compile(r"<mrow><mo>([^<]*)</mo></mrow>")
_FUNCTION = re.compile(r"<m[io]>(sin|cos|tan|log|exp|max|min|det|arccos|arcsin|arctan)</m[io]>")
_MINUS_TOP = re.compile(r"<mo>(&#x02212;)</mo><mo>(&#x022A4;)</mo>")
_MINUS_NUMBER = re.compile(r"<mrow><mo>(&#x02212;)</mo><mn>([^<]*)</mn></mrow>")
_LEADING_SIGN = re.compile(r"^<mo>(?=&#x02212;|&#x0002B;)")
_INFIX = '<mo form="infix">'
_LEADING_MINUS = re.compile(r"^<mn>−")
_INDICES = re.compile(r"[ijkl]+")
_EXPECTATION = re.compile(r"E(_.*)?")
_BRACKET_OR_SPACE = re.compile(r"[{} ]|\\left(?![a-z])|\\right(?![a-z])")
_LONE_LETTER = re.compile(r"<mrow>(<m[in][^>]*>[^<]*</m[in]>)</mrow>")
_CODE = re.compile(r"&#x([0-9A-Fa-f]+);")
_RELATION_SIGNS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "<": "<", ">": ">"}
_PLAIN = frozenset({"sin", "cos", "tan", "log"})
_FUNCTION_NAMES = {"acos": r"\arccos", "asin": r"\arcsin", "atan": r"\arctan"}


def letter(name: str) -> str:
    """Return the LaTeX of a symbol name: ``Sigmahat`` is a Sigma with a hat, ``G^*`` a starred G.

    A lone star is written as a subscript, which leaves room for a transpose or an inverse.
    """
    name, primes = name.rstrip("'"), len(name) - len(name.rstrip("'"))
    base, marks = re.match(r"([^_^]*)(.*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
    subscripts: list[str] = []
    superscripts: list[str] = []
    for sign, mark in re.findall(r"([_^])([^_^]*)", marks):
        (subscripts if sign == "_" else superscripts).append(_word(mark))
    if not subscripts and superscripts == [r"\star"]:
        subscripts, superscripts = superscripts, []
    superscripts = [r"\prime" * primes, *superscripts] if primes else superscripts
    text = _word(base)
    if subscripts:
        text += "_{" + re.sub(r",(?=[+-])", "", ",".join(subscripts)) + "}"
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
    if _INDICES.fullmatch(word):
        return word
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
        elif "^" in text:
            text = f"{{{text}}}"
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
        if _EXPECTATION.fullmatch(name):
            inside = ", ".join(self._print(arg) for arg in expr.args)
            text = rf"\mathbb{{E}}{letter(name)[1:]}\left[{inside}\right]"
            return text if exp is None else f"{text}^{{{exp}}}"
        if name in _FUNCTION_NAMES and exp is None:
            return rf"{_FUNCTION_NAMES[name]}\left({self._print(expr.args[0])}\right)"
        if name in _PLAIN and len(expr.args) == 1 and isinstance(expr.args[0], sp.Symbol):
            power = "" if exp is None else f"^{{{exp}}}"
            return rf"\{name}{power}\,{self._print(expr.args[0])}"
        if isinstance(expr, AppliedUndef) and exp is None:
            inside = ", ".join(self._print(arg) for arg in expr.args)
            return rf"{letter(name)}\left({inside}\right)"
        return str(super()._print_Function(expr, exp))

    def _print_Add(self, expr: Any, order: Any = None) -> str:  # noqa: N802
        return " ".join(self.signed_terms(self.scalar_order(expr, order)))

    def _print_MatAdd(self, expr: Any) -> str:  # noqa: N802
        return " ".join(self.signed_terms(self.matrix_order(expr)))

    def scalar_order(self, expr: Any, order: Any = None) -> list[Any]:
        """Return the terms as SymPy orders them, positive ones first."""
        return sorted(self._as_ordered_terms(expr, order=order), key=_negative)

    def matrix_order(self, expr: Any) -> list[Any]:
        """Return the terms, positive and short ones first."""
        return sorted(expr.args, key=lambda term: (_negative(term), _factors(term)))

    def signed_terms(self, terms: Sequence[Any]) -> list[str]:
        """Return each term with its sign; the first one without a plus."""
        texts: list[str] = []
        for term in terms:
            one = self._print(-term if _negative(term) else term)
            if term.is_Add or term.is_MatAdd:
                one = rf"\left({one}\right)"
            sign = "- " if _negative(term) else ("+ " if texts else "")
            texts.append(sign + one)
        return texts


def _negative(term: Any) -> bool:
    coefficient = term.as_coeff_matrices()[0] if isinstance(term, sp.MatMul) else term
    if isinstance(coefficient, sp.MatrixExpr):
        return False
    return bool(coefficient.as_coeff_Mul()[0].is_negative)


def _factors(term: Any) -> int:
    return len(term.args) if isinstance(term, sp.MatMul) else 1


_PRINTER = _Printer({"mat_str": "matrix", "mat_delim": "[", "inv_trig_style": "full"})


def to_latex(expression: sp.Basic) -> str:
    """Return the LaTeX of ``expression``."""
    return str(_PRINTER.doprint(expression))


def to_mathml(expression: sp.Basic) -> Markup:
    """Return ``expression`` as inline MathML."""
    return _mathml(to_latex(expression))


def pieces(relation: sp.Basic) -> list[Markup]:
    """Return a relation as MathML in pieces between which a line may break.

    A break may come before the sign of the relation, before each term of a side, and between
    the factors of a term that is too long for a line. What is short stays together.
    """
    sign = _RELATION_SIGNS[relation.rel_op]
    left, right = (_terms(side) for side in (relation.lhs, relation.rhs))
    right[0] = f"{sign} {right[0]}"
    terms = [part for term in (*left, *right) for part in _broken(term)]
    return _together([_mathml(term) for term in terms])


def _together(formulas: Sequence[Markup]) -> list[Markup]:
    """Return formulas with short neighbours joined, so that a line breaks at fewer places."""
    joined: list[Markup] = []
    for one in formulas:
        if joined and signs_of(joined[-1]) + signs_of(one) <= SHORT_PIECE:
            inside = str(one).removeprefix("<math>").replace(_INFIX, "<mo>", 1)
            inside = _LEADING_MINUS.sub("<mo>−</mo><mn>", inside)
            one = Markup(str(joined.pop()).removesuffix("</math>") + inside)
        joined.append(one)
    return joined


def signs_of(formula: Markup) -> int:
    """Return how many signs are seen, those above each other counted one by one."""
    return len(_TAG.sub("", formula))


def _terms(side: Any) -> list[str]:
    if isinstance(side, sp.MatAdd):
        return _PRINTER.signed_terms(_PRINTER.matrix_order(side))
    if isinstance(side, sp.Add):
        return _PRINTER.signed_terms(_PRINTER.scalar_order(side))
    return [to_latex(side)]


def _broken(latex: str) -> list[str]:
    """Return a product as lines of a bearable length, broken at spaces outside all brackets."""
    parts, depth, start = [], 0, 0
    for match in _BRACKET_OR_SPACE.finditer(latex):
        depth += {"{": 1, r"\left": 1, "}": -1, r"\right": -1}.get(match[0], 0)
        signed = latex[max(0, match.start() - 1)] in "=+-" or match.start() < 8
        if match[0] == " " and not depth and not signed and match.start() - start > LONG_LINE / 2:
            parts.append(latex[start : match.start()])
            start = match.end()
    return [*parts, latex[start:]] if len(latex) > LONG_LINE else [latex]


def letter_mathml(name: str) -> Markup:
    """Return the letter of a symbol name as inline MathML."""
    return _mathml(letter(name))


def _mathml(latex: str) -> Markup:
    """Return MathML without what browsers add by themselves: fences, spaces, an outer row."""
    body = convert(latex)
    body = body[body.index(">") + 1 : -len("</math>")]
    body = _FENCE.sub("<mo>", body)
    body = _UPRIGHT.sub(lambda m: f"<mi>{_TAG.sub('', m[1])}</mi>", body)
    body = _LONE_OPERATOR.sub(r"<mi>\1</mi>", body)
    body = body.replace("<mi>&#x02032;</mi>", "<mo>&#x02032;</mo>")
    body = _MINUS_TOP.sub(r"<mi>\1\2</mi>", body)
    body = _MINUS_NUMBER.sub(r"<mn>\1\2</mn>", body)
    body = _FUNCTION.sub(r'<mo lspace="0.17em" rspace="0">\1</mo>', body)
    body = _LONE_LETTER.sub(r"\1", body)
    body = _inside_lone_row(body)
    body = _LEADING_SIGN.sub(_INFIX, body)
    return Markup(f"<math>{_CODE.sub(_character, body)}</math>")


def _inside_lone_row(body: str) -> str:
    """Return what the row holds if it is all there is: ``math`` is a row itself."""
    if not body.startswith("<mrow>"):
        return body
    depth = 0
    for tag in _ROW.finditer(body):
        depth += -1 if tag[0] == "</mrow>" else 1
        if depth == 0:
            return body[len("<mrow>") : tag.start()] if tag.end() == len(body) else body
    return body


def _character(code: re.Match[str]) -> str:
    character = chr(int(code[1], 16))
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(character, character)
