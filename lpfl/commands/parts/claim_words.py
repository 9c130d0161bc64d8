"""What ``lpfl claims`` says about a statement: formulas, letters, where it stood last."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lpfl.harmless import harmless

WIDE = "η⋅⋆⊥Σ"
_WITH_J = re.compile(r"[ijkl]*j[ijkl]*")  # SymPy has no low j
_LOW = str.maketrans("ijkl", "ᵢⱼₖₗ")
MARKS = {"^*": "⋆", "_perp": "⊥", "^+": "⁺"}


def unicode_shown() -> bool:
    """Say whether stdout shows mathematical letters."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        WIDE.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def formula(expression: Any, *, latex: bool, pretty: bool) -> str:
    """Return a formula as LaTeX, in two dimensions, or on one line of ASCII."""
    if latex:
        from lpfl.report.formulas import to_latex

        return to_latex(expression)
    if not pretty:
        return str(expression)
    from sympy.printing.pretty.pretty import PrettyPrinter
    from sympy.printing.pretty.stringpict import prettyForm

    class Printer(PrettyPrinter):
        """Unicode, with the marks of the notation: G^* is G⋆, P_perp is P⊥."""

        def _print_Symbol(self, e: Any, bold_name: bool = False) -> Any:  # noqa: N802
            return prettyForm(letter(e.name))

        def _print_MatrixSymbol(self, e: Any) -> Any:  # noqa: N802
            return prettyForm(letter(e.name))

        def _print_Max(self, e: Any) -> Any:  # noqa: N802
            return self._helper_print_function(e.func, e.args, func_name="max")

        def _print_Min(self, e: Any) -> Any:  # noqa: N802
            return self._helper_print_function(e.func, e.args, func_name="min")

    options = {"use_unicode": True, "wrap_line": False, "num_columns": 10_000}
    return str(Printer(options).doprint(expression))


def letter(name: str) -> str:
    """Return the name of a symbol in Unicode."""
    from sympy.printing.pretty.pretty_symbology import greek_unicode, pretty_symbol

    for ascii_mark, mark in MARKS.items():
        if name.endswith(ascii_mark):
            return letter(name.removesuffix(ascii_mark)) + mark
    base, _, index = name.rpartition("_")
    if base and index in greek_unicode:
        return f"{letter(base)}_{greek_unicode[index]}"
    if base and _WITH_J.fullmatch(index):
        return f"{letter(f'{base}_i')[:-1]}{index.translate(_LOW)}"
    return str(pretty_symbol(name))


def letters_of(claim: Any, *, latex: bool, pretty: bool) -> list[dict[str, str]]:
    """Return the letters of a statement that it does not define: code name, meaning, domain."""
    from sympy import Set

    return [
        {
            "letter": formula(entry.symbol, latex=latex, pretty=pretty),
            "code_name": entry.code_name,
            "meaning": entry.meaning,
            "domain": _on_one_line(formula(entry.domain, latex=latex, pretty=pretty), entry.domain)
            if isinstance(entry.domain, Set)
            else entry.domain.replace("_", " "),
            "unit": entry.unit,
        }
        for entry in claim.letters()
        if entry.symbol not in claim.definitions
    ]


def _on_one_line(written: str, domain: Any) -> str:
    return str(domain) if "\n" in written else written


def last_verdicts(names: Sequence[str], runs: Path = Path("reports/runs")) -> dict[str, str]:
    """Return what the newest run kept here says of each statement; nothing without runs."""
    from lpfl.results.history import history

    try:
        entries, _ = history(runs)
    except (ValueError, OSError):
        return {}
    wanted = set(names)
    return {
        entry.claim: harmless(f"{entry.verdict}, {entry.profile}, {entry.started[:10]}")
        for entry in entries
        if entry.claim in wanted
    }


def paper_rows(claims: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (place in the paper, how far it was seen, id), one a statement that rests on it."""
    from theory.core.claim import resting_on
    from theory.core.source import Basis

    said = {Basis.SEEN: "seen", Basis.ATTRIBUTED: "not seen: attributed"}
    return [
        (place, words, claim.id)
        for basis, words in said.items()
        for place, claim in resting_on(claims.values(), basis)
    ]


def readable(fields: Mapping[str, Any], last: str) -> str:
    """Return one statement in full."""
    lines = [f"{fields['id']}  {fields['title']}  [{fields['kind']}]", "", fields["says"], ""]
    for part, relation in fields["statement"].items():
        lines += _indented(f"{part} [{fields['kinds'][part]}]:", relation)
    if fields["definitions"]:
        lines.append("where")
        for symbol, meaning in fields["definitions"].items():
            lines += _indented(f"{symbol} =", meaning)
    if fields["letters"]:
        lines.append("letters")
        for one in fields["letters"]:
            unit = "" if one["unit"] == "1" else f", unit {one['unit']}"
            name = f"{one['letter']} ({one['code_name']})"
            lines.append(f"  {name:<28} {one['meaning']}; {one['domain']}{unit}")
    if fields["assumptions"]:
        lines.append("assuming")
        lines += [f"  {text}" for text in fields["assumptions"]]
    lines += [f"source: {fields['source']}"]
    lines += [f"formula: {fields['formula_at']}", f"check: {fields['check_at']}"]
    lines.append(f"last verdict: {last or 'no run of it is kept here (reports/runs)'}")
    return "\n".join(lines)


def _indented(head: str, text: str) -> list[str]:
    """Return one line, or the head and a block below it."""
    rows = text.split("\n")
    if len(rows) == 1:
        return [f"  {head} {text}"]
    return [f"  {head}", *(f"      {row}".rstrip() for row in rows)]
