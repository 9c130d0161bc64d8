"""Tables of a claim: what a record may hold, what the page shows, and LR-27's own."""

from dataclasses import replace
from typing import Any

import pytest

from lpfl import decide
from lpfl.report import build_page
from lpfl.report.view import MOST_TABLES
from lpfl.results.store import Results, encode_record
from lpfl.verify import runner
from lpfl.verify.check import Finding, Trial
from lpfl.verify.claim_run import ClaimRun
from lpfl.verify.claim_run import observation as record_of
from lpfl.verify.claims.linear_representation import invariance as invariances
from lpfl.verify.registry import CHECKS, CLAIMS
from tests.report_samples import CATALOGUE
from tests.results_samples import claim_line, header, observation

TABLE: dict[str, Any] = {
    "title": "Who keeps what",
    "header": ["optimizer", "rotation", "gauge"],
    "rows": [["kfac", "invariant", "invariant"], ["adam", "fails as it must", "—"]],
}
HOSTILE = "</td></table><script>alert(1)</script>'\"&{{ 7*7 }}"


def page_of(*tables: dict[str, Any]) -> str:
    records = [observation(table=table) for table in tables]
    return build_page(
        Results(header(["LR-08"]), records, {"LR-08": claim_line()}, True, []), CATALOGUE
    )


def test_a_table_of_texts_is_a_record() -> None:
    widest = {"header": ["x"] * 12, "rows": [["y"] * 12] * 60, "note": "why"}
    for table in (
        None,
        TABLE,
        TABLE | {"note": None},
        TABLE | widest,
        TABLE | {"rows": [["", HOSTILE, ""]]},
    ):
        encode_record(observation(table=table))


@pytest.mark.parametrize(
    "change",
    [
        {"title": 3},
        {"title": None},
        {"note": 1.5},
        {"header": []},
        {"header": "abc"},
        {"header": ["optimizer", "rotation"]},
        {"header": ["optimizer", "rotation", 3]},
        {"rows": []},
        {"rows": ["abc"]},
        {"rows": {"kfac": "a"}},
        {"rows": [["kfac", "invariant", 0.5]]},
        {"rows": [["kfac", "invariant", None]]},
        {"rows": [["kfac", "invariant", "a"], ["adam", "b"]]},
        {"rows": [["kfac", "a", "b"]] * 61},
        {"header": ["x"] * 13, "rows": [["y"] * 13]},
    ],
)
def test_a_table_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="table="):
        encode_record(observation(table=TABLE | change))


@pytest.mark.parametrize(
    "table", [[], "t", {"title": "t"}, {k: TABLE[k] for k in ("title", "rows")}]
)
def test_a_table_lacks_no_field(table: Any) -> None:
    with pytest.raises(ValueError, match="table="):
        encode_record(observation(table=table))


def test_the_page_shows_the_table_in_the_claim_s_section() -> None:
    html = page_of(TABLE | {"note": "Compared after 4 steps."})
    start = html.index('<article class="claim" id="LR-08"')
    section = html[start : html.index("</article>", start)]
    for markup in (
        '<div class="scroll data" role="region" aria-label="Who keeps what" tabindex="0">',
        "<caption>Who keeps what</caption>",
        '<th scope="col">optimizer</th><th scope="col">rotation</th><th scope="col">gauge</th>',
        '<tr><th scope="row">adam</th><td>fails as it must</td><td>—</td></tr>',
        '<p class="quiet data-note">Compared after 4 steps.</p>',
    ):
        assert section.count(markup) == 1


def test_a_table_without_a_title_still_has_a_name() -> None:
    html = page_of(TABLE | {"title": ""})
    assert 'aria-label="Table of LR-08"' in html
    assert "<caption></caption>" not in html


def test_hostile_text_stays_in_its_cell() -> None:
    hostile = {"title": HOSTILE, "header": [HOSTILE], "rows": [[HOSTILE]], "note": HOSTILE}
    html = page_of(hostile)
    plain = page_of({"title": "t", "header": ["h"], "rows": [["c"]], "note": "n"})
    assert "<script" not in html
    assert html.count("</table>") == plain.count("</table>")
    assert html.count("{{ 7*7 }}") == 5  # title, its name for readers, header, cell, note


def test_a_claim_shows_a_few_tables() -> None:
    assert page_of(*[TABLE] * (MOST_TABLES + 2)).count("scroll data") == MOST_TABLES


def trial_of(index: int) -> Trial:
    scenario = CHECKS["LR-27"].space.sobol(2, 0)[index]
    return runner.make_trial("LR-27", scenario, seed=0)


def test_only_the_first_scenario_keeps_its_table() -> None:
    run = ClaimRun(CLAIMS["LR-27"])
    verdict = decide.identity([0.1], tolerance=1.0, coarsest=2.0)
    for index in range(2):
        run.add(trial_of(index), [Finding("a", verdict, table=TABLE), Finding("b", verdict)])
    tables = [record.get("table") for record in run.records()]
    assert tables == [TABLE, None, None, None, None]


@pytest.fixture(scope="module")
def invariance_findings() -> list[Finding]:
    return invariances.measure_invariances(trial_of(0))


def test_the_invariances_fill_one_table(invariance_findings: list[Finding]) -> None:
    (table,) = [f.table for f in invariance_findings if f.table is not None]
    assert table["header"] == [
        "optimizer", "signed permutation", "rotation", "general", "gauge rotation", "gauge",
    ]  # fmt: skip
    words = {row[0]: [cell.partition(" (")[0] for cell in row[1:]] for row in table["rows"]}
    assert len(words) == len(table["rows"]) == 20
    kept, must = "invariant", "fails as it must"
    assert words["adam"] == [kept, must, must, must, must]
    assert words["kfac"] == [kept] * 5
    assert words["muon"] == [kept, kept, must, kept, must]
    assert words["amgd"] == [kept, kept, must, "—", "—"]
    assert {name for name, row in words.items() if row[1] == must} == {"adam", "adamw", "sign sgd"}
    record = record_of(
        trial_of(0), next(f for f in invariance_findings if f.table), illustrated=True
    )
    encode_record(record)
    assert record["table"] == table


def test_every_cell_says_what_its_finding_measured(invariance_findings: list[Finding]) -> None:
    (table,) = [f.table for f in invariance_findings if f.table is not None]
    measured = {f.part: f.verdict.measured for f in invariance_findings}
    assert not [part for part in measured if "_" in part]
    for name, *cells in table["rows"]:
        for transform, cell in zip(table["header"][1:], cells, strict=True):
            part = f"{name}: {transform}"
            assert (part in measured) == (cell != "—")
            if part in measured:
                assert cell.endswith(f" ({measured[part]:.2g})".replace("-", "−"))


def test_a_cell_that_is_not_as_required_stands_out() -> None:
    broken = decide.bound(2.0, 1.0, rounding=0.0)
    wrong = decide.identity(0.3, tolerance=1e-9)
    verdicts = {
        ("adam", "rotation"): replace(broken, measured=1e-16),
        ("kfac", "rotation"): replace(wrong, measured=0.3),
    }
    table = invariances.table_of(verdicts, trial_of(0).scenario)
    words = {row[0]: row[2] for row in table["rows"]}
    assert words["adam"] == "does NOT fail (1e−16)"
    assert words["kfac"] == "NOT invariant (0.3)"
    assert words["sgd"] == "—"
