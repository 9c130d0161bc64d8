"""A conformance report as plain text: theory first, then what was found, then every check."""

import textwrap
from collections import Counter
from collections.abc import Iterator

from lpfl.conformance.answers import RAISES, Answers
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.harmless import harmless_lines

WIDTH = 100


def to_text(report: Answers) -> str:
    """Return the report as plain text, without control characters."""
    parts = [_head(report), _theory(report), _findings(report), _table(report), conclusion(report)]
    return harmless_lines("\n\n".join(part for part in parts if part)) + "\n"


def conclusion(report: Answers) -> str:
    """Return the outcome in one line."""
    counts = Counter(str(results[0].outcome) for _, results in report.by_check())
    said = ", ".join(f"{n} {outcome}" for outcome, n in counts.most_common())
    failed = list(dict.fromkeys(result.check for result in report.failed))
    verdict = f"FAILS ({', '.join(failed)})" if failed else "passes"
    if report.raised and not failed:
        verdict = f"is not judged, for it cannot be run. {report.raised} Answers"
    return f"{report.spec.name} {verdict}: {said}."


def _head(report: Answers) -> str:
    spec, made = report.spec, report.environment
    where = f" ({spec.source})" if spec.source else ""
    version = f" {made.get('package')} {made.get('version')}" if made.get("version") else ""
    torch = "" if made.get("package") == "torch" else f", torch {made.get('torch', '?')}"
    lines = [f"{spec.name}{where}{version}{torch}"]
    claims = ", ".join(sorted(spec.claims)) or "none made"
    lines.append(f"claims: {claims}")
    if report.supports:
        lines.append(f"the measurements support: {'; '.join(report.supports)}")
    if spec.needs:
        lines.append(f"needs: {', '.join(sorted(spec.needs))}")
    lines += [f"guessed: needs {need}, because {why}" for need, why in report.guessed.items()]
    return "\n".join(lines)


def _theory(report: Answers) -> str:
    rows = [r for r in report.results if r.check.startswith("theory.")]
    if not rows or all(r.message.startswith(RAISES) for r in rows):
        return ""
    lines = ["What it means for feature learning"]
    for r in rows:
        lines += _wrapped(f"{r.outcome}  {r.check}: {r.feature or r.message}", "  ")
    return "\n".join(lines)


def _findings(report: Answers) -> str:
    blocks = ["\n".join(_finding(result)) for result in report.findings]
    return "Found\n" + "\n\n".join(blocks) if blocks else ""


def _finding(r: CheckResult) -> Iterator[str]:
    label = "EXPECTED FAILURE IS GONE" if r.stale else str(r.outcome).upper()
    yield from _wrapped(f"{label}  {r.check}: {r.message}", "  ")
    if r.expected and not r.stale:
        yield from _wrapped(f"expected: {r.expected}", "    ")
    if r.control is not None:
        yield f"    the same number for torch's own optimizer: {r.control:.4g}"
    elif "silent" in r.details:
        yield from _wrapped(f"not so with {r.details['silent']}", "    ")
    if r.scenario:
        said = ", ".join(f"{k} = {v}" for k, v in r.scenario.items())
        yield from _wrapped(f"smallest setting: {said}", "    ")
    if r.snippet:
        yield "    a program that shows it:"
        yield textwrap.indent(r.snippet.rstrip(), "      ")


def _table(report: Answers) -> str:
    lines, shown = ["Checks"], set()
    by_check = list(report.by_check())
    alike = Counter(first.message for _, (first, *_) in by_check if _raises(first))
    for check_id, results in by_check:
        more = f" (and {len(results) - 1} more)" if len(results) > 1 else ""
        first = results[0]
        if alike[first.message] > 1:
            if first.message in shown:
                continue
            shown.add(first.message)
            check_id = f"{alike[first.message]} checks"
        first_line, *rest = textwrap.wrap(first.message + more, WIDTH - 54) or [""]
        lines.append(f"  {first.outcome!s:<27} {check_id:<23} {first_line}")
        if first.outcome is not Outcome.CONFORMS:
            lines += [" " * 54 + line for line in rest]
        elif rest:
            lines[-1] += " ..."
    return "\n".join(lines)


def _raises(result: CheckResult) -> bool:
    return result.message.startswith(RAISES)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
