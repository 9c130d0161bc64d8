"""What the gate writes is read by parsers: hostile text stays text."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpfl.results.baseline import make_baseline
from lpfl.results.gate import GateReport, gate
from lpfl.results.outputs import (
    conclusion,
    to_annotations,
    to_junit,
    to_markdown,
    to_text,
)
from tests.results.samples import claim_line, results

HOSTILE = 'a,b: 100%\r\n::error::x##[error]</failure>"\x00\x1b[31m|<img onerror>`_'


def report_with(detail: str, *, strict: bool = False) -> GateReport:
    baseline = make_baseline(results(*(claim_line(f"LR-0{i}") for i in range(1, 6))))
    worst = claim_line()["worst"] | {"detail": detail}
    new = results(
        claim_line("LR-01"),
        claim_line("LR-02", verdict="refuted", margin=-0.5, worst=worst),
        claim_line("LR-03", verdict="error", margin=None, worst=worst),
        claim_line("LR-04", verdict="inconclusive"),
        claim_line("LR-05", margin=0.1),
    )
    return gate(new, baseline, strict=strict)


def test_the_text_has_a_row_a_claim_and_the_rule() -> None:
    text = to_text(report_with("worst at d = 8"))
    statuses = [line.split()[1] for line in text.splitlines() if line.startswith("LR-")][:5]
    assert statuses == ["ok", "refuted", "error", "inconclusive", "regression"]
    assert "LR-02: one step: measured 0.6, predicted 0.8; worst at d = 8" in text
    assert "LR-05: margin fell from 0.25 to 0.1" in text
    assert "Gate: failed (exit 1). 5 claims, 3 failed, 1 inconclusive." in text
    assert "beyond 0.1 and beyond 4.11 standard errors" in text


@pytest.mark.parametrize(("strict", "failures", "skipped"), [(False, 2, 1), (True, 3, 0)])
def test_junit_counts_agree_with_its_cases(strict: bool, failures: int, skipped: int) -> None:
    root = ET.fromstring(to_junit(report_with("x", strict=strict)))
    suite = root.find("testsuite")
    assert suite is not None
    found = {tag: len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")}
    assert found == {"failure": failures, "error": 1, "skipped": skipped}
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert suite.get(attribute) == str(found[tag])
    assert suite.get("tests") == str(len(suite.findall("testcase"))) == "6"


def test_a_stale_baseline_is_a_failed_case() -> None:
    root = ET.fromstring(to_junit(gate(results(claim_line()), None)))
    case = root.find("testsuite/testcase[@name='baseline']/failure")
    assert case is not None
    assert case.get("message") == "there is no baseline"


@given(detail=st.text(st.characters(exclude_categories=("Cs",))))
def test_any_detail_gives_parsable_junit(detail: str) -> None:
    root = ET.fromstring(to_junit(report_with(detail)))
    assert len(root.findall("testsuite/testcase")) == 6


@given(detail=st.text() | st.just(HOSTILE))
def test_any_detail_stays_inside_its_annotation(detail: str) -> None:
    lines = to_annotations(report_with(detail)).split("\n")
    assert lines.pop() == ""
    assert [line.partition("::")[2].partition("::")[0] for line in lines] == [
        "error title=LR-02 refuted",
        "error title=LR-03 error",
        "warning title=LR-04 inconclusive",
        "error title=LR-05 regression",
    ]
    assert not any(one in line for line in lines for one in ("\r", "\x1b", "##["))


def test_annotations_escape_percent_and_newlines() -> None:
    assert "; 100%25 of%0Aall\n" in to_annotations(report_with("100% of\nall"))


@given(detail=st.text() | st.just(HOSTILE))
def test_any_detail_stays_on_its_markdown_line(detail: str) -> None:
    plain = to_markdown(report_with("plain")).split("\n")
    lines = to_markdown(report_with(detail)).split("\n")
    assert len(lines) == len(plain)
    assert [line for line in lines if line.startswith("|")] == [
        line for line in plain if line.startswith("|")
    ]


def test_markdown_and_text_carry_no_markup_or_control_characters() -> None:
    markdown = to_markdown(report_with(HOSTILE))
    assert "<img" not in markdown.replace(r"\<img", "")
    assert not set("\x00\x1b") & set(markdown + to_text(report_with(HOSTILE)))


def test_a_passing_gate_says_so() -> None:
    good = results(claim_line())
    report = gate(good, make_baseline(good))
    assert conclusion(report).startswith("Gate: passed (exit 0). 1 claims, 0 failed")
    assert to_annotations(report) == ""


def test_no_line_of_the_table_is_an_order_to_a_workflow() -> None:
    for text in (
        to_text(report_with(HOSTILE)),
        to_text(report_with("x\r::error::y\n::add-mask::z")),
    ):
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
