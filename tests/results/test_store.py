"""The results file: what is written is read back, and nothing else is believed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpfl.results.store import encode_record, read_results, write_atomically
from lpfl.results.writer import ResultsWriter
from tests.results.samples import claim_line, header, observation

FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | FINITE | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "results.jsonl"
    with ResultsWriter(path, header(["LR-08", "SI-02"])) as writer:
        writer.write(observation(detail="a\nb ∇ \u2028"))
        writer.write(claim_line())
        writer.write(claim_line("SI-02", verdict="error", statistic=None, margin=None))
    results = read_results(path)
    assert results.complete
    assert results.problems == []
    assert results.header == header(["LR-08", "SI-02"])
    assert results.observations == [observation(detail="a\nb ∇ \u2028")]
    assert list(results.claims) == ["LR-08", "SI-02"]
    assert results.claims["LR-08"] == claim_line()


@given(scenario=st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4), predicted=FINITE)
def test_any_scenario_of_json_survives_the_file(scenario: dict[str, Any], predicted: float) -> None:
    record = observation(scenario=scenario, predicted=predicted)
    assert json.loads(encode_record(record)) == record


def test_the_writer_refuses_text_that_is_not_unicode() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode_record(observation(detail="\ud800"))


def test_each_line_is_on_disk_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    writer = ResultsWriter(path, header(["LR-08"]))
    assert read_results(path).missing == ["LR-08"]
    writer.write(observation())
    assert read_results(path).observations == [observation()]
    writer.close()


def test_no_part_file_remains(tmp_path: Path) -> None:
    ResultsWriter(tmp_path / "r.jsonl", header([])).close()
    assert [p.name for p in tmp_path.iterdir()] == ["r.jsonl"]


def test_an_existing_file_is_kept_unless_overwrite_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", header(["LR-08"]), claim_line())
    with pytest.raises(ValueError, match=r"out=.*exists"):
        ResultsWriter(path, header([]))
    assert read_results(path).complete
    ResultsWriter(path, header([]), overwrite=True).close()
    assert read_results(path).header["claims"] == []


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"out=.*file/r.jsonl cannot be written"):
        ResultsWriter(tmp_path / "file" / "r.jsonl", header([]))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["predicted", "measured", "margin", "margin_std_error"])
def test_the_writer_names_the_field_that_is_not_finite(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name}=.*finite"):
        encode_record(observation(**{name: value}))


def test_a_non_finite_number_deep_in_the_scenario_is_named() -> None:
    with pytest.raises(ValueError, match=r"scenario.a\[1\]=nan"):
        encode_record(observation(scenario={"a": [1, float("nan")]}))


def test_the_writer_refuses_a_claim_that_the_header_does_not_select(tmp_path: Path) -> None:
    with ResultsWriter(tmp_path / "r.jsonl", header(["LR-08"])) as writer:
        with pytest.raises(ValueError, match="claim='LR-09'"):
            writer.write(claim_line("LR-09"))
        with pytest.raises(ValueError, match="type='header'"):
            writer.write(header([]))


def test_every_cut_of_the_last_line_is_dropped_and_said(tmp_path: Path) -> None:
    text = "".join(
        json.dumps(r, ensure_ascii=False) + "\n"
        for r in (header(["LR-08"]), observation(), claim_line(worst={"detail": "∇∇∇"}))
    ).encode()
    start = text.rstrip(b"\n").rfind(b"\n") + 1
    path = tmp_path / "r.jsonl"
    for cut in range(start + 1, len(text) - 1):
        path.write_bytes(text[:cut])
        results = read_results(path)
        assert results.observations == [observation()]
        assert not results.complete
        assert results.problems[0] == "line 3 is cut off and was dropped"
        assert results.problems[1] == "incomplete: 0 of 1 claims, without LR-08"
    path.write_bytes(text[:-1])  # only the newline is missing
    assert read_results(path).complete


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"r.jsonl:1: expected a results file.*no header"),
        (b"hello\n", r"r.jsonl:1: expected.*not JSON"),
        (b"\xff\xfe\n", r"r.jsonl:1: expected.*not UTF-8"),
        (b"[1]\n", r"r.jsonl:1: expected an object"),
        (b"[" * 100_000 + b"\n", r"r.jsonl:1: expected.*nested too deep"),
        (b'{"a": NaN}\n', r"r.jsonl:1: expected.*NaN"),
        (b'{"type": "header", "schema_version": 3}\n', r"r.jsonl:1: schema_version=3, needs 2"),
        (b'{"type": "header", "schema_version": 1}\n', r"r.jsonl:1: schema_version=1, needs 2"),
        (b'{"type": "header", "schema_version": true}\n', r"schema_version=True, needs 2"),
        (b'{"type": "header", "schema_version": 2}\n', r"'lpfl_version' is missing"),
        (b'{"type": "header"', r"r.jsonl:1: expected.*no header"),
    ],
)
def test_a_foreign_file_is_refused_by_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_results(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"results=.*gone.jsonl cannot be read"):
        read_results(tmp_path / "gone.jsonl")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (observation(outcome="passed"), r":2: outcome='passed', needs one of"),
        (observation(outcome="error"), r"outcome='error'"),
        (observation(kind=["bound"]), r"kind="),
        (observation(measured="0.6"), r"measured='0.6', needs a finite number, or null"),
        (observation(measured=True), r"measured=True"),
        (observation(measured=10**400), r"measured="),
        (observation(replicates=1.5), r"replicates=1.5, needs a whole number >= 0"),
        (observation(replicates=-1), r"replicates=-1"),
        (observation(margin_std_error=-0.1), r"margin_std_error=-0.1, needs a finite number >= 0"),
        (observation(alpha=1.1), r"alpha=1.1"),
        (observation(scenario=[1]), r"scenario=\[1\], needs an object"),
        (observation(detail=None), r"detail=None"),
        (observation(claim="<b>"), r"claim='<b>', needs a claim id"),
        (observation(picture={"title": "t"}), r"picture=.*'x_label' is missing"),
        (claim_line(verdict="ok"), r"verdict='ok'"),
        (claim_line(margin=None), r"margin=None"),
        (claim_line(worst=None), r"worst=None"),
        (claim_line(worst={"predicted": "x"}), r"predicted='x'"),
        (claim_line("SI-02"), r"claim='SI-02', needs one of the header's claims"),
        (header(["LR-08"]), r"a second header"),
        ({"type": "note"}, r"type='note'"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(tmp_path: Path, bad: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "r.jsonl", header(["LR-08"]), bad, claim_line())
    with pytest.raises(ValueError, match=said):
        read_results(path)


def test_an_overflowing_number_and_a_lone_surrogate_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for text, said in (('"d": 1e999', "1e999.*not finite"), (r'"d": "\ud800"', "not UTF-8")):
        line = json.dumps(observation()).replace('"d": 8', text)
        path.write_text(json.dumps(header(["LR-08"])) + "\n" + line + "\n")
        with pytest.raises(ValueError, match=f":2: .*{said}"):
            read_results(path)


def test_two_lines_for_one_claim_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", header(["LR-08"]), claim_line(), claim_line())
    with pytest.raises(ValueError, match=r":3: a second claim line for LR-08"):
        read_results(path)


def test_a_picture_needs_lists_of_one_length() -> None:
    series = {"name": "a", "style": "line", "x": [1, 2], "y": [1.0, 2.0]}
    picture = {"title": "t", "x_label": "x", "y_label": "y", "series": [series]}
    encode_record(observation(picture=picture))
    encode_record(observation(picture=None))
    for change in ({"y": [1.0]}, {"low": [0, 1]}, {"style": "bars"}, {"x": [1, None]}):
        with pytest.raises(ValueError, match="picture="):
            encode_record(observation(picture=picture | {"series": [series | change]}))


def test_a_link_stays_and_leads_to_the_new_text(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loop").symlink_to("loop")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    with pytest.raises(ValueError, match="a link to itself"):
        write_atomically(tmp_path / "loop", "new")
    assert (tmp_path / "loop").is_symlink()
