"""A gate report for people and for machines: text, JUnit, step summary, annotations."""

import re
from xml.etree import ElementTree as ET

from tabulate import tabulate

from lpfl.harmless import flat, harmless_lines, visible
from lpfl.results.gate import ExitCode, GateReport, GateRow

_COLUMNS = ("claim", "status", "verdict", "margin", "baseline", "change", "z")
_OUTCOME = {
    ExitCode.OK: "passed",
    ExitCode.FAILED: "failed",
    ExitCode.INCONCLUSIVE: "inconclusive, which --strict does not let through",
    ExitCode.NO_BASELINE: "no usable baseline",
}


def conclusion(report: GateReport) -> str:
    """Return the outcome in one line, with the rule that was applied."""
    failed = sum(row.failed for row in report.rows)
    return (
        f"Gate: {_OUTCOME[report.exit_code]} (exit {int(report.exit_code)}). {len(report.rows)} "
        f"claims, {failed} failed, {report.count('inconclusive')} inconclusive. A regression is a "
        f"loss of margin beyond {report.effect:g} and beyond {report.z_limit:.2f} standard errors."
    )


def to_text(report: GateReport) -> str:
    """Return the table, the messages and the conclusion as plain text."""
    table = tabulate(_cells(report), headers=_COLUMNS, disable_numparse=True)
    remarks = [flat(remark) for remark in _remarks(report)]
    return harmless_lines("\n".join([table, "", *remarks, conclusion(report)]))


def to_markdown(report: GateReport) -> str:
    """Return a step summary in Markdown; text of the results is quoted as text."""
    lines = [f"### {conclusion(report)}", "", "| " + " | ".join(_COLUMNS) + " |"]
    lines.append("|" + " --- |" * len(_COLUMNS))
    lines += ["| " + " | ".join(map(_markdown, cells)) + " |" for cells in _cells(report)]
    lines += ["", *(f"- {_markdown(remark)}" for remark in _remarks(report))]
    return "\n".join(lines) + "\n"


def to_junit(report: GateReport) -> str:
    """Return a JUnit XML document with one test case a claim, and one for the baseline."""
    broken = sum(row.status in ("error", "not run") for row in report.rows)
    failures = sum(row.failed for row in report.rows) - broken + bool(report.stale)
    waiting = report.count("inconclusive")
    suite = ET.Element(
        "testsuite",
        name="lpfl gate",
        tests=str(len(report.rows) + 1),
        failures=str(failures + (waiting if report.strict else 0)),
        errors=str(broken),
        skipped=str(0 if report.strict else waiting),
    )
    for row in report.rows:
        case = ET.SubElement(suite, "testcase", classname="lpfl.claims", name=visible(row.claim))
        tag = _junit_tag(row, report.strict)
        if tag is not None:
            ET.SubElement(case, tag, type=row.status, message=visible(_message(row)))
    case = ET.SubElement(suite, "testcase", classname="lpfl.gate", name="baseline")
    if report.stale:
        ET.SubElement(case, "failure", type="stale", message=visible("; ".join(report.stale)))
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def to_annotations(report: GateReport) -> str:
    """Return workflow commands, one line each, that mark failures and remarks on a pull request."""
    lines = [
        _command("error" if row.failed else "warning", f"{row.claim} {row.status}", _message(row))
        for row in report.rows
        if row.failed or row.status == "inconclusive"
    ]
    lines += [_command("error", "baseline", reason) for reason in report.stale]
    lines += [_command("warning", "results", note) for note in report.notes]
    return "".join(line + "\n" for line in lines)


def _junit_tag(row: GateRow, strict: bool) -> str | None:
    if row.status in ("error", "not run"):
        return "error"
    if row.failed or (strict and row.status == "inconclusive"):
        return "failure"
    return "skipped" if row.status == "inconclusive" else None


def _cells(report: GateReport) -> list[list[str]]:
    return [
        [
            row.claim,
            row.status,
            row.verdict,
            _number(row.margin),
            _number(row.baseline_margin),
            _number(row.change),
            _number(row.z_score),
        ]
        for row in report.rows
    ]


def _remarks(report: GateReport) -> list[str]:
    remarks = [f"{row.claim}: {_message(row)}" for row in report.rows if row.failed]
    remarks += [f"{r.claim}: {_message(r)}" for r in report.rows if r.status == "not confirmed"]
    return [
        *remarks,
        *(f"baseline: {r}" for r in report.stale),
        *(f"note: {n}" for n in report.notes),
    ]


def _message(row: GateRow) -> str:
    return row.message or f"the verdict is {row.verdict}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>()#|!~&@:])", r"\\\1", flat(text))


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return harmless_lines(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
