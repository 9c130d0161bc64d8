"""Runs are never lost: folders of their own, the pointer, the lock, and what is kept aside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lpfl.cli import main
from lpfl.results.lock import NAME, FolderLock
from lpfl.results.output_path import output_path
from lpfl.results.runs import followed, keep_aside, new_run_folder, point, pointed
from lpfl.results.store import read_results

QUICK = ("verify", "--claims", "LR-06", "--jobs", "1")


@pytest.fixture(name="project")
def run_in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in whose folder one claim was verified."""
    monkeypatch.chdir(tmp_path)
    assert main([*QUICK]) == 0
    return tmp_path


def test_each_run_has_a_folder_and_latest_is_the_newest(project: Path) -> None:
    latest = project / "reports" / "latest"
    first = latest.resolve()
    assert first.parent == project / "reports" / "runs"
    assert main([*QUICK, "--seed", "1"]) == 0
    assert latest.resolve() != first
    assert read_results(first / "results.jsonl").header["seed"] == 0
    assert read_results(latest / "results.jsonl").header["seed"] == 1
    assert main([*QUICK, "--seed", "2", "--out", "reports/latest"]) == 0
    assert sum(one.is_dir() for one in (project / "reports" / "runs").iterdir()) == 3


def test_the_command_of_the_page_replaces_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Typed twice, in the folder of the run, by default and with the folder of the run as out."""
    path = project / "reports" / "latest" / "results.jsonl"
    before = path.read_bytes()
    scenario = json.dumps(read_results(path).claims["LR-06"]["worst"]["scenario"])
    for _ in range(2):
        assert main([*QUICK, "--scenario", scenario]) == 0
    assert main([*QUICK, "--scenario", scenario, "--out", "reports/latest"]) == 0
    assert len(list((project / "reports" / "reproduced").iterdir())) == 3
    run = str(path.resolve().parent)
    assert main([*QUICK, "--scenario", scenario, "--out", run]) == 2
    assert "holds a run" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_one_scenario_is_no_baseline(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    anchor = read_results(project / "reports/latest/results.jsonl").observations[0]["scenario"]
    assert main([*QUICK, "--scenario", json.dumps(anchor), "--out", "one"]) == 0
    assert main(["baseline", "one/results.jsonl", "--out", "b.json"]) == 2
    assert "one scenario picked by hand" in capsys.readouterr().err
    assert not Path("b.json").exists()
    assert "picked by hand" in Path("one/index.html").read_text()


def test_a_pointer_file_serves_where_links_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refused)
    monkeypatch.chdir(tmp_path)
    for seed in ("0", "1"):
        assert main([*QUICK, "--seed", seed]) == 0
        assert Path("reports/latest").is_file()
        assert read_results("reports/latest/results.jsonl").header["seed"] == int(seed)
    assert main(["baseline", "reports/latest/results.jsonl", "--out", "b.json"]) == 0
    assert main(["gate", "reports/latest/results.jsonl", "--baseline", "b.json"]) == 0
    assert pointed(Path("reports/latest")).parent == Path("reports/runs")


def test_a_folder_called_latest_is_kept(tmp_path: Path) -> None:
    latest = tmp_path / "latest"
    latest.mkdir()
    (latest / "results.jsonl").write_text("old")
    folder = new_run_folder(tmp_path / "runs")
    point(latest, folder)
    assert latest.resolve() == folder
    assert [p.read_text() for p in tmp_path.glob("runs/*/earlier/results.jsonl")] == ["old"]


def test_a_pointer_that_is_no_pointer_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("x" * 10_000)
    assert followed(tmp_path / "latest" / "r.jsonl") == tmp_path / "latest" / "r.jsonl"


def test_an_earlier_run_is_moved_with_its_page(tmp_path: Path) -> None:
    """A run killed at once does not stand beside the page of the run before it."""
    (tmp_path / "results.jsonl").write_text("results")
    (tmp_path / "index.html").write_text("all confirmed")
    aside = keep_aside(tmp_path)
    assert aside is not None
    assert sorted(p.name for p in aside.iterdir()) == ["index.html", "results.jsonl"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["earlier"]
    assert keep_aside(tmp_path) is None


def test_the_second_run_into_a_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FolderLock(tmp_path):
        assert main([*QUICK, "--out", str(tmp_path)]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert f"is in use by process {os.getpid()}" in line
        assert [p.name for p in tmp_path.iterdir()] == [NAME]
    assert main([*QUICK, "--out", str(tmp_path)]) == 0
    assert not (tmp_path / NAME).exists()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from lpfl.results.lock import FolderLock;"
        "lock = FolderLock(Path(sys.argv[1])); print('locked', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(ValueError, match=f"in use by process {holder.pid}"):
            FolderLock(tmp_path)
        holder.kill()
        holder.wait()
    assert (tmp_path / NAME).exists()
    FolderLock(tmp_path).release()
    assert not (tmp_path / NAME).exists()


def test_folders_made_in_the_same_second_differ(tmp_path: Path) -> None:
    made = {new_run_folder(tmp_path) for _ in range(20)}
    assert len(made) == 20


@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_out_is_refused(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--out", path]) == 2
    assert f"out={path!r}, needs the path of a folder" in capsys.readouterr().err


def test_an_output_is_no_input_no_folder_and_no_run(tmp_path: Path) -> None:
    source, link = tmp_path / "a.json", tmp_path / "link.json"
    source.write_text("{}")
    link.symlink_to(source)
    run = tmp_path / "r.jsonl"
    run.write_text('{"type": "header", ')
    for path in (source, link):
        with pytest.raises(ValueError, match="is an input of this command"):
            output_path("junit", str(path), (str(source),))
    with pytest.raises(ValueError, match="is a folder"):
        output_path("junit", str(tmp_path))
    with pytest.raises(ValueError, match="holds the results of a run"):
        output_path("junit", str(run))
    assert output_path("junit", str(tmp_path / "new")) == tmp_path / "new"
