"""Tables of a claim: what a record may hold, and what the page shows."""

from typing import Any

import pytest

from lpfl.report import build_page
from lpfl.report.evidence import MOST_TABLES
from lpfl.results.store import Results, encode_record
from tests.report.samples import CATALOGUE
from tests.results.samples import claim_line, header, observation

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
    start = html.index("<article class=claim id=LR-08")
    section = html[start : html.index("</article>", start)]
    for markup in (
        '<div class="scroll data" role=region aria-label="Who keeps what" tabindex=0>',
        "<caption>Who keeps what</caption>",
        "<th scope=col>optimizer<th scope=col>rotation<th scope=col>gauge",
        "<tr><th scope=row>adam<td>fails as it must<td>—",
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
    assert html.count("<script") == plain.count("<script") == 1
    assert html.count("</table>") == plain.count("</table>")
    assert html.count("{{ 7*7 }}") == 5  # title, its name for readers, header, cell, note


def test_a_claim_shows_a_few_tables() -> None:
    assert page_of(*[TABLE] * (MOST_TABLES + 2)).count("scroll data") == MOST_TABLES


def test_a_table_of_invariances_is_a_coloured_matrix() -> None:
    cells = ["kfac", "commutes (1e−16)", "does not commute (0.4)"]
    wrong = ["adam", "not stated (0.1)", "stated, does NOT commute (0.3)"]
    html = page_of(TABLE | {"rows": [cells, wrong]})
    for shade in ("yes", "no", "open", "wrong"):
        assert html.count(f"<td class=shade-{shade}>") == 1
    assert "<td class=shade" not in page_of(TABLE)
