"""The gate on planted results: what must fail fails, and noise does not."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lpfl.results.baseline import make_baseline, read_baseline, write_baseline
from lpfl.results.gate import DEFAULT_EFFECT, GateReport, gate
from lpfl.results.schema import KINDS
from lpfl.results.store import Results
from tests.results.samples import claim_line, header, results

MARGINS = st.floats(0.0, 2.0)
ERRORS = st.floats(1e-6, 1.0)


def one(margin: float, std_error: float = 0.0, **changes: Any) -> Results:
    return results(claim_line(margin=margin, margin_std_error=std_error, **changes))


def against(new: Results, old: Results, **options: Any) -> GateReport:
    return gate(new, make_baseline(old), **options)


@given(margin=MARGINS, std_error=st.just(0.0) | ERRORS)
def test_a_run_passes_against_its_own_baseline(margin: float, std_error: float) -> None:
    report = against(one(margin, std_error), one(margin, std_error))
    assert (report.exit_code, report.rows[0].status) == (0, "ok")


@given(old=MARGINS, gain=st.floats(0.0, 2.0), std_error=st.just(0.0) | ERRORS)
def test_a_better_margin_is_never_a_regression(old: float, gain: float, std_error: float) -> None:
    assert against(one(old + gain, std_error), one(old, std_error)).exit_code == 0


@given(old=MARGINS, loss=st.floats(0.0, 3.0))
def test_without_noise_the_effect_alone_decides(old: float, loss: float) -> None:
    report = against(one(old - loss), one(old))
    lost = old - (old - loss)
    assert report.exit_code == (1 if lost > DEFAULT_EFFECT else 0)


@given(old=MARGINS, s1=ERRORS, s2=ERRORS, z=st.floats(0.0, 3.7))
def test_a_worse_margin_within_noise_passes(old: float, s1: float, s2: float, z: float) -> None:
    report = against(one(old - z * math.hypot(s1, s2), s1), one(old, s2))
    assert report.z_limit == pytest.approx(3.719, abs=1e-3)
    assert report.exit_code == 0


@given(old=MARGINS, s1=ERRORS, s2=ERRORS, z=st.floats(3.8, 50.0))
def test_a_worse_margin_beyond_noise_and_effect_fails(
    old: float, s1: float, s2: float, z: float
) -> None:
    loss = z * math.hypot(s1, s2)
    assume(loss > DEFAULT_EFFECT + 1e-9)
    report = against(one(old - loss, s1), one(old, s2))
    assert (report.exit_code, report.rows[0].status) == (1, "regression")


@given(old=MARGINS, z=st.floats(3.8, 1e3))
def test_a_significant_loss_smaller_than_the_effect_passes(old: float, z: float) -> None:
    loss = 0.9 * DEFAULT_EFFECT
    assert against(one(old - loss, loss / z), one(old)).exit_code == 0


@given(count=st.integers(1, 60))
def test_the_level_is_shared_among_the_compared_claims(count: int) -> None:
    lines = [claim_line(f"LR-{i:02d}") for i in range(count)]
    z_limit = against(results(*lines), results(*lines)).z_limit
    assert math.erfc(z_limit / math.sqrt(2)) / 2 == pytest.approx(1e-4 / count, rel=1e-6)


@given(kind=st.sampled_from(KINDS), margin=MARGINS, strict=st.booleans())
@pytest.mark.parametrize("verdict", ["refuted", "error"])
def test_a_refuted_or_broken_claim_fails_whatever_its_margin(
    verdict: str, kind: str, margin: float, strict: bool
) -> None:
    report = against(one(margin, verdict=verdict, kind=kind), one(margin), strict=strict)
    assert (report.exit_code, report.rows[0].status) == (1, verdict)
    assert gate(one(margin, verdict=verdict), None).exit_code == 1


def test_an_error_without_numbers_fails() -> None:
    report = against(broken(), one(0.3))
    assert (report.exit_code, report.rows[0].status) == (1, "error")


def broken() -> Results:
    return results(claim_line(verdict="error", margin=None, margin_std_error=None, statistic=None))


def test_inconclusive_passes_unless_strict() -> None:
    new = one(0.2, verdict="inconclusive")
    assert against(new, one(0.2)).exit_code == 0
    assert against(new, one(0.2), strict=True).exit_code == 3
    assert against(new, one(0.9), strict=True).exit_code == 1  # a regression weighs more


def test_an_incomplete_run_fails() -> None:
    new = results(claim_line(), selected=["LR-08", "LR-09"])
    old = results(claim_line(), claim_line("LR-09"))
    report = against(new, old)
    assert report.exit_code == 1
    assert [row.status for row in report.rows] == ["ok", "not run"]
    assert report.notes == ("incomplete: ['LR-09']",)


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (results(claim_line(), profile="ci"), results(claim_line()), "profile='quick'"),
        (results(claim_line(), dtype="float32"), results(claim_line()), "dtype='float64'"),
        (results(claim_line(), claim_line("SI-02")), results(claim_line()), "SI-02 is not in"),
        (results(claim_line()), results(claim_line(), claim_line("SI-02")), "SI-02 is in the"),
    ],
)
def test_a_stale_baseline_is_named(new: Results, old: Results, said: str) -> None:
    report = against(new, old)
    assert report.exit_code == 4
    assert said in report.stale[0]


def test_no_baseline_and_another_schema() -> None:
    assert gate(one(0.5), None).exit_code == 4
    other = make_baseline(one(0.5)) | {"schema_version": 1}
    report = gate(one(0.5), other)
    assert (report.exit_code, report.rows[0].status) == (4, "not compared")


def test_margins_of_another_profile_are_not_compared() -> None:
    new = results(claim_line(margin=0.0), profile="ci")
    assert against(new, one(0.9)).rows[0].status == "not compared"


def test_a_regression_outweighs_a_stale_claim_list() -> None:
    new = results(claim_line(margin=0.0), claim_line("SI-02"))
    assert against(new, one(0.9)).exit_code == 1


def test_another_seed_is_remarked_but_compared() -> None:
    report = against(results(claim_line(), seed=7), one(0.25))
    assert report.exit_code == 0
    assert "seeds differ (baseline 0, results 7)" in report.notes[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"effect": -0.1}, "effect=-0.1"),
        ({"effect": math.nan}, "effect=nan"),
        ({"significance": 0.0}, "significance=0.0"),
        ({"significance": 1.0}, "significance=1.0"),
    ],
)
def test_bad_options_are_named(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        gate(one(0.5), None, **options)  # type: ignore[arg-type]


def test_a_baseline_survives_the_file(tmp_path: Path) -> None:
    baseline = make_baseline(results(claim_line("SI-02", margin=1 / 3), claim_line("LR-08")))
    path = tmp_path / "baseline.json"
    write_baseline(path, baseline)
    assert read_baseline(path) == baseline
    assert list(json.loads(path.read_text())["claims"]) == ["LR-08", "SI-02"]
    assert [p.name for p in tmp_path.iterdir()] == ["baseline.json"]
    assert read_baseline(tmp_path / "gone.json") is None


def test_no_baseline_of_a_run_that_is_incomplete_or_red() -> None:
    with pytest.raises(ValueError, match="results lack LR-09"):
        make_baseline(results(claim_line(), selected=["LR-08", "LR-09"]))
    for verdict in ("refuted", "error"):
        with pytest.raises(ValueError, match=f"LR-08 is {verdict}"):
            make_baseline(one(0.1, verdict=verdict))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": "1"}, "schema_version"),
        ({"seed": "0"}, "seed='0'"),
        ({"claims": []}, "claims="),
        ({"claims": {"LR-08": 1}}, "LR-08: needs an object"),
        ({"claims": {"LR-08": {"verdict": "confirmed"}}}, "LR-08: field 'margin' is missing"),
    ],
)
def test_a_foreign_baseline_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(make_baseline(one(0.5)) | change))
    with pytest.raises(ValueError, match=said):
        read_baseline(path)


def test_a_non_finite_margin_in_a_baseline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(make_baseline(one(0.5))).replace("0.5", "NaN"))
    with pytest.raises(ValueError, match="margin=nan"):
        read_baseline(path)


def test_a_baseline_that_is_not_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    for content in (b"{", b"\xff", b"[]", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"baseline=.*baseline.json"):
            read_baseline(path)


def test_the_gate_needs_neither_torch_nor_theory() -> None:
    code = (
        "import lpfl.results.gate, lpfl.results.outputs, lpfl.results.compare, sys;"
        "print({'torch', 'theory', 'sympy', 'hypothesis'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_header_sample_is_of_the_schema() -> None:
    assert header([])["schema_version"] == make_baseline(one(0.5))["schema_version"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_significant_loss_is_seen_whatever_the_kind_of_the_claim(kind: str) -> None:
    """0.80 to 0.01 at standard error 0.01: noise makes it no matter of rounding."""
    old = one(0.80, 0.01, kind=kind, statistic=0.2)
    new = one(0.01, 0.01, kind=kind, statistic=0.99)
    assert against(new, old).rows[0].status == "regression"


def part(margin: float, std_error: float = 0.0, kind: str = "limit") -> dict[str, Any]:
    numbers = {"statistic": 1 - margin, "margin": margin, "margin_std_error": std_error}
    return {"kind": kind, "outcome": "confirmed", "scenarios": 1, **numbers}


def test_a_part_that_loses_fails_although_the_claim_keeps_its_margin() -> None:
    old = one(0.2, parts={"deciding": part(0.2), "other": part(0.9, 0.01)})
    new = one(0.2, parts={"deciding": part(0.2), "other": part(0.3, 0.01)})
    row = against(new, old).rows[0]
    assert row.status == "regression"
    assert row.message == "part 'other': margin fell from 0.9 to 0.3"


def test_a_part_is_compared_by_its_own_kind() -> None:
    """An identity within a limit: rounding may grow tenfold, a limit may not lose its margin."""
    old = one(0.2, kind="limit", parts={"exact": part(0.99, kind="identity")})
    new = one(0.2, kind="limit", parts={"exact": part(0.91, kind="identity")})
    assert against(new, old, effect=0.01).rows[0].status == "ok"
    as_limit = one(0.2, kind="limit", parts={"exact": part(0.91)})
    assert against(as_limit, one(0.2, parts={"exact": part(0.99)}), effect=0.01).exit_code == 1


def test_a_part_that_is_no_longer_confronted_is_a_regression() -> None:
    gone = {"kind": "limit", "outcome": "not confronted"}
    old = one(0.2, parts={"a": part(0.2), "b": part(0.9)})
    row = against(one(0.2, parts={"a": part(0.2), "b": gone}), old).rows[0]
    assert (row.status, row.message) == ("regression", "part 'b' is no longer confronted")
