"""Two runs side by side."""

import json

import pytest

from lpfl.results.compare import compare, differences_of_origin, to_json, to_text
from lpfl.results.store import Results
from tests.results.samples import claim_line, results

A = results(
    claim_line("LR-01"),
    claim_line("LR-02", margin=0.5, margin_std_error=0.3),
    claim_line("LR-03"),
    claim_line("LR-04"),
)
B = results(
    claim_line("LR-01"),
    claim_line("LR-02", margin=0.0, margin_std_error=0.4),
    claim_line("LR-03", verdict="inconclusive"),
    claim_line("SI-01", verdict="error", margin=None, margin_std_error=None),
    seed=3,
)


def test_only_what_changed_is_listed_in_order() -> None:
    assert [row.claim for row in compare(A, B)] == ["LR-02", "LR-03", "LR-04", "SI-01"]
    assert compare(A, A) == []


def test_the_change_is_b_minus_a_in_standard_errors_of_both() -> None:
    row = compare(A, B)[0]
    assert row.change == -0.5
    assert row.z_score == pytest.approx(-1.0)
    back = compare(B, A)[0]
    assert (back.claim, back.change) == ("LR-02", 0.5)


def test_without_noise_there_is_no_z_score() -> None:
    better = results(claim_line("LR-01", margin=0.5))
    row = compare(results(claim_line("LR-01")), better)[0]
    assert (row.change, row.z_score) == (0.25, None)


def test_a_claim_of_one_run_only_is_not_run_in_the_other() -> None:
    rows = {row.claim: row for row in compare(A, B)}
    assert (rows["LR-04"].verdict_a, rows["LR-04"].verdict_b) == ("confirmed", "not run")
    assert (rows["SI-01"].verdict_a, rows["SI-01"].verdict_b) == ("not run", "error")
    assert rows["SI-01"].change is None


def test_text_and_json_carry_the_same_rows() -> None:
    rows = compare(A, B)
    assert [line.split()[0] for line in to_text(rows).splitlines()[2:]] == [r.claim for r in rows]
    assert [r["claim"] for r in json.loads(to_json(rows))] == [r.claim for r in rows]
    assert to_text([]) == "No claim changed its verdict or its margin."


def test_how_the_runs_were_made_differently() -> None:
    assert differences_of_origin(A, B) == ["seed: 0 against 3"]


@pytest.mark.parametrize(
    ("kind", "a", "b", "said"),
    [
        ("limit", {"margin_std_error": 0.01}, {"margin": 0.24, "margin_std_error": 0.01}, "within"),
        ("limit", {"margin_std_error": 0.01}, {"margin": 0.1, "margin_std_error": 0.01}, "signif"),
        ("bound", {"margin_std_error": 0.0}, {"margin": 0.2, "margin_std_error": 0.0}, "signif"),
        ("identity", {"margin_std_error": 0.0}, {"margin": 0.2, "margin_std_error": 0.0}, "round"),
    ],
)
def test_a_change_is_called_by_what_it_means(
    kind: str, a: dict[str, float], b: dict[str, float], said: str
) -> None:
    (row,) = compare(results(claim_line(kind=kind, **a)), results(claim_line(kind=kind, **b)))
    assert row.significance.startswith(said)


def test_a_header_cannot_send_escapes_to_the_terminal() -> None:
    a, b = results(claim_line()), results(claim_line())
    hostile = Results({**b.header, "lpfl_version": "0\x1b[31m\n::error::x"}, claims=b.claims)
    (line,) = differences_of_origin(a, hostile)
    assert "\x1b" not in line
    assert "\n" not in line
