"""What the command line says when something is odd: one line, exit code 2, nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lpfl.cli import main
from lpfl.results.store import read_results
from lpfl.results.writer import ResultsWriter
from lpfl.verify.registry import CHECKS
from tests.results.samples import claim_line, header, observation

ROOT = Path(__file__).resolve().parents[2]
DEEP = "[" * 50_000


def lpfl(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lpfl", *words]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **more)  # type: ignore[call-overload,no-any-return]


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.fixture(name="results")
def results_file(tmp_path: Path) -> Path:
    path = tmp_path / "results.jsonl"
    with ResultsWriter(path, header(["LR-08"])) as writer:
        writer.write(observation(), claim_line())
    return path


@pytest.mark.parametrize(
    ("field", "literal", "said"),
    [
        ("step_size", "NaN", "step_size=nan, needs a number in [0.01, 0.9]"),
        ("step_size", "Infinity", "step_size=inf, needs a number in [0.01, 0.9]"),
        ("step_size", "1e999", "step_size=inf, needs a number in [0.01, 0.9]"),
        ("rank", "1e999", "rank=inf, needs an integer in"),
    ],
)
def test_a_number_that_is_none_names_field_and_bound(
    field: str, literal: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    anchor = CHECKS["LR-04"].space.sobol(1, 0)[0].as_json() | {field: "HERE"}
    text = json.dumps(anchor).replace('"HERE"', literal)
    out = str(tmp_path / "out")
    assert main(["verify", "--claims", "LR-04", "--scenario", text, "--out", out]) == 2
    assert said in one_line(capsys)
    assert not Path(out).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEEP, "nested too deep"),
        ('{"rank": 1, "rank": 2}', "the field 'rank' twice"),
        ("[1]", "needs a JSON object"),
    ],
)
def test_an_odd_scenario_is_one_line(
    text: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    assert main(["verify", "--claims", "LR-04", "--scenario", text, "--out", out]) == 2
    assert said in one_line(capsys)


@pytest.mark.parametrize(
    "words",
    [
        ["report", "{r}", "--out", "{r}"],
        ["baseline", "{r}", "--out", "{r}"],
        ["gate", "{r}", "--junit", "{r}"],
        ["gate", "{r}", "--summary", "{r}"],
        ["gate", "{r}", "--baseline", "{b}", "--junit", "{b}"],
        ["gate", "{r}", "--baseline", "{b}", "--summary", "{b}"],
        ["gate", "{r}", "--baseline", "{r}", "--update-baseline"],
        ["report", "{r}", "--out", "."],
        ["report", "{r}", "--out", ""],
    ],
)
def test_no_command_overwrites_its_input(
    words: list[str], results: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    baseline = tmp_path / "baseline.json"
    assert main(["baseline", str(results), "--out", str(baseline)]) == 0
    before = results.read_bytes(), baseline.read_bytes()
    capsys.readouterr()
    assert main([w.format(r=results, b=baseline) for w in words]) == 2
    line = one_line(capsys)
    assert any(said in line for said in ("is an input", "is a folder", "needs the path"))
    assert (results.read_bytes(), baseline.read_bytes()) == before


def test_a_gate_without_a_baseline_names_path_and_remedy(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gate", str(results), "--baseline", "none/b.json"]) == 4
    said = capsys.readouterr().out
    assert "no baseline at none/b.json; make it: lpfl baseline RESULTS --out none/b.json" in said


def test_a_baseline_of_another_device_or_version_is_said(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "b.json"
    assert main(["baseline", str(results), "--out", str(path)]) == 0
    made = json.loads(path.read_text()) | {"device": "cuda", "lpfl_version": "0.0.9"}
    path.write_text(json.dumps(made))
    assert main(["gate", str(results), "--baseline", str(path)]) == 0
    said = capsys.readouterr().out
    assert "made with device='cuda'" in said
    assert "made with lpfl_version='0.0.9'" in said


def test_a_claim_twice_in_a_baseline_is_refused(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "b.json"
    assert main(["baseline", str(results), "--out", str(path)]) == 0
    text = path.read_text().replace('"claims": {', '"claims": {"LR-08": {}, ')
    path.write_text(text)
    capsys.readouterr()
    assert main(["gate", str(results), "--baseline", str(path)]) == 2
    assert "'LR-08' twice" in one_line(capsys)


def test_the_gate_judges_some_claims_and_updates_the_baseline(tmp_path: Path) -> None:
    path, baseline = tmp_path / "r.jsonl", tmp_path / "b.json"
    with ResultsWriter(path, header(["LR-08", "SI-02"])) as writer:
        writer.write(claim_line(), claim_line("SI-02", verdict="refuted", margin=-1.0))
    one = ["gate", str(path), "--baseline", str(baseline)]
    assert main([*one, "--claims", "lr-*"]) == 4
    assert main([*one, "--claims", "SI-*"]) == 1
    assert main([*one, "--update-baseline"]) == 1
    assert not baseline.exists()
    assert main([*one, "--claims", "LR-*", "--update-baseline"]) == 2
    path.unlink()
    with ResultsWriter(path, header(["LR-08"])) as writer:
        writer.write(claim_line())
    assert main([*one, "--update-baseline"]) == 0
    assert main(one) == 0


def test_claims_are_found_by_id_pattern_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "lr-08"]) == 0
    assert capsys.readouterr().out.startswith("LR-08  ")
    assert main(["claims", "damping"]) == 0
    assert "LR-" in capsys.readouterr().out
    assert main(["claims", "LR-03", "--latex"]) == 0
    assert r"\eta F^{+}" in capsys.readouterr().out
    assert main(["claims", "LR-488"]) == 2
    assert "did you mean LR-48" in one_line(capsys)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_or_closed_output_is_no_traceback() -> None:
    with Path("/dev/full").open("w") as full:
        done = lpfl("claims", stdout=full)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == ["lpfl: error: output: No space left on device"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = lpfl("claims", "LR-08", stdout=subprocess.PIPE, env=ascii_only)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_size_limit_keeps_what_was_written(tmp_path: Path) -> None:
    """As on a full disk: one line, exit code 2, and a file that can be read and resumed."""
    import resource

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))

    out = tmp_path / "out"
    words = ("verify", "--claims", "LR-04,LR-06", "--jobs", "1", "--out", str(out))
    done = lpfl(*words, stdout=subprocess.DEVNULL, preexec_fn=limited)
    assert done.returncode == 2
    assert "cannot be written: File too large" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    left = read_results(out / "results.jsonl")
    assert not left.complete
    assert main(["verify", "--resume", "--out", str(out), "--jobs", "1"]) == 0
    assert read_results(out / "results.jsonl").complete


def test_a_foreign_theory_is_named(tmp_path: Path) -> None:
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory" / "__init__.py").write_text("")
    for words in (("claims",), ("doctor",)):
        path = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
        done = lpfl(*words, stdout=subprocess.PIPE, env=path, cwd=tmp_path)
        assert done.returncode == (2 if words == ("claims",) else 1)
        assert "which shadows the package that lpfl brings" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_history_is_an_index_that_can_be_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, margin in enumerate((0.5, 0.2, 0.4)):
        path = tmp_path / str(number) / "results.jsonl"
        started = f"2026-01-0{number + 1}T00:00:00+00:00"
        with ResultsWriter(path, header(["LR-08"]) | {"started": started}) as writer:
            writer.write(claim_line(margin=margin))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "results.jsonl").write_text("\x1b[31m")
    shown = []
    for damage in (None, b"", b"no database" * 999):
        if damage is not None:
            (tmp_path / ".index.sqlite").write_bytes(damage)
        assert main(["history", "--runs", str(tmp_path)]) == 0
        out, err = capsys.readouterr()
        shown.append(out)
        assert "broken/results.jsonl:1" in err
        assert "\x1b" not in err
    assert len(set(shown)) == 1
    assert "█▁▆" in shown[0]
    assert main(["history", "lr-08", "--runs", str(tmp_path), "--json"]) == 0
    assert [entry["margin"] for entry in json.loads(capsys.readouterr().out)] == [0.5, 0.2, 0.4]
    assert main(["history", "--runs", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check-optimizer", "torch.optim:SGD", "--json", ""], "json='', needs the path of a file"),
        (["check-optimizer", "torch.optim:SGD", "--html", "."], "html=. is a folder"),
        (["check-optimizer", "torch.optim:SGD", "--junit", "no/x"], "needs a folder that exists"),
        (["check-optimizer", "torch.optim:SGD", "--junit", "x", "--html", "x"], "name one file"),
        (["check-optimizer", "a:b", "c:d", "--html", "x"], "holds one optimizer, 2 are given"),
        (["survey", "--out", ""], "out='', needs the path of a folder"),
        (["experiment", "fig2", "--out", " "], "out=' ', needs the path of a folder"),
    ],
)
def test_an_output_is_asked_for_before_anything_runs(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert said in one_line(capsys)


def test_a_statement_in_full_has_letters_with_domains_and_the_last_verdict(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "--claims", "LR-06", "--jobs", "1"]) == 0
    table = capsys.readouterr().out
    assert "margin: how far inside its limit" in table
    assert "quantity" in table
    assert main(["claims", "LR-06"]) == 0
    said = capsys.readouterr().out
    assert "(head)" in said
    assert "last verdict: confirmed, quick, " in said
    assert main(["claims", "--paper"]) == 0
    rows = capsys.readouterr().out
    assert "eq. (5) and its factors" in rows
    assert "not seen: attributed" in rows


def test_a_run_that_decides_nothing_does_not_pass(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    words = ["verify", "--claims", "LR-04", "--dtype", "float32", "--jobs", "1", "--out", out]
    assert main(words) == 3
    assert "nothing was decided: every claim is inconclusive" in capsys.readouterr().err
    assert main(["compare", out, out]) == 0
    assert "No claim changed" in capsys.readouterr().out
