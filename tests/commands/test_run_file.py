"""A command that reads a run takes its results file or its folder."""

from pathlib import Path

import pytest

from lpfl.cli import main
from lpfl.commands.parts.run_file import results_file
from tests.report.test_several import written
from tests.results.samples import claim_line, results


def test_a_folder_stands_for_its_results(tmp_path: Path) -> None:
    assert results_file(str(tmp_path)) == str(tmp_path / "results.jsonl")
    for other in ("", "reports/none.jsonl", str(tmp_path / "results.jsonl")):
        assert results_file(other) == other


def test_every_reader_takes_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(written(tmp_path / "run", results(claim_line("LR-03"))).parent)
    baseline, page = str(tmp_path / "baseline.json"), tmp_path / "page.html"
    assert main(["baseline", run, "--out", baseline]) == 0
    assert main(["gate", run, "--baseline", baseline]) == 0
    assert main(["compare", run, run]) == 0
    assert main(["report", run, "--out", str(page)]) == 0
    assert page.is_file()
    capsys.readouterr()
    (tmp_path / "empty").mkdir()
    assert main(["gate", str(tmp_path / "empty"), "--baseline", baseline]) == 2
    assert "results.jsonl" in capsys.readouterr().err
