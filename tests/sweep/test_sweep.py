"""``lpfl sweep``: the same records wherever it runs and whatever interrupts it; exit codes."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lpfl.cli import main
from lpfl.results.lock import FolderLock
from lpfl.sweep.backends import Processes, Serial
from lpfl.sweep.data import to_lines
from lpfl.sweep.plan import Plan
from lpfl.sweep.run import sweep_in
from lpfl.sweep.spec import spec_of
from tests.sweep.samples import CLAIMS, FIRST_STEP, TRAINING, as_toml, changed

SPECS = Path(__file__).parents[2] / "docs" / "sweeps"
FILES = ("records.jsonl", "data.csv", "maps.csv")


def run(*words):
    return main([str(word) for word in words])


def spec_file(tmp_path, document=FIRST_STEP):
    path = tmp_path / "spec.toml"
    path.write_text(as_toml(document))
    return path


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> str:
    """The records of the small sweep, made in this process."""
    plan = Plan(spec_of(FIRST_STEP))
    with sweep_in(plan, tmp_path_factory.mktemp("serial")) as sweep:
        sweep.go_on(Serial())
        return to_lines(sweep.records())


@pytest.mark.parametrize("where", ["1", "2", "cluster"])
def test_the_same_records_wherever_it_runs(where, serial, tmp_path, request):
    place = ("--jobs", where)
    if where == "cluster":
        place = ("--scheduler", request.getfixturevalue("cluster"))
    assert run("sweep", spec_file(tmp_path), "--out", tmp_path / "out", *place) == 0
    assert (tmp_path / "out" / "records.jsonl").read_text() == serial


def test_a_killed_run_goes_on_elsewhere(serial, tmp_path, cluster):
    """Killed at once in the middle, resumed on a cluster: nothing is redone, nothing differs."""
    plan = Plan(spec_of(FIRST_STEP))
    out = tmp_path / "out"
    with sweep_in(plan, out) as sweep:
        answers = Processes(1).answers(*order(plan, [0, 1, 2]))
        for task, got in answers:
            sweep._journal.write((task[0],), got)
    journal = out / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-7])  # the end came inside a line
    kept = whole.splitlines()[:3]
    assert run("sweep", spec_file(tmp_path), "--out", out, "--scheduler", cluster) == 0
    assert (out / "records.jsonl").read_text() == serial
    assert [json.loads(line) for line in journal.read_bytes().splitlines()[:3]] == [
        json.loads(line) for line in kept
    ]


def order(plan, numbers):
    from lpfl.sweep.subjects import answer

    return answer, plan.orders(numbers)


def test_a_run_killed_by_a_signal_is_gone_on_with(serial, tmp_path):
    document = changed(FIRST_STEP, "replicates", 200)
    words = [sys.executable, "-m", "lpfl", "sweep", str(spec_file(tmp_path, document))]
    words += ["--out", str(tmp_path / "out"), "--jobs", "1"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stderr is not None
    assert "left" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, err
    assert "the same command goes on" in err
    kept = (tmp_path / "out" / "journal.jsonl").read_text().splitlines()
    assert 1 < len(kept) < 1201
    plan = Plan(spec_of(document))
    with sweep_in(plan, tmp_path / "out") as sweep:
        assert len(sweep.missing()) == 1201 - len(kept)


def test_a_folder_in_use_is_refused(tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    with FolderLock(out):
        assert run("sweep", spec_file(tmp_path), "--out", out) == 2
    assert f"out={out} is in use by process {os.getpid()}" in capsys.readouterr().err


def test_another_sweep_does_not_overwrite(tmp_path, capsys):
    out = tmp_path / "out"
    assert run("sweep", spec_file(tmp_path), "--out", out, "--jobs", 1) == 0
    before = contents(out)
    other = spec_file(tmp_path, changed(FIRST_STEP, "seed", 5))
    assert run("sweep", other, "--out", out) == 2
    assert "needs another folder" in capsys.readouterr().err
    assert contents(out) == before
    assert run("sweep", spec_file(tmp_path), "--out", out) == 0
    assert contents(out) == before


def test_the_table_has_a_line_per_row(tmp_path):
    assert run("sweep", spec_file(tmp_path), "--out", tmp_path / "out", "--jobs", 1) == 0
    with (tmp_path / "out" / "data.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 * 2 * 2 * 2
    assert {row["subject"] for row in rows} == {"KFAC", "SGD"}
    for row in rows:
        assert 0 <= float(row["measured"]) <= 1
        assert abs(float(row["measured"]) - float(row["predicted"])) < 0.9


def test_training_counts_steps_as_predicted(tmp_path):
    plan = Plan(spec_of(TRAINING))
    with sweep_in(plan, tmp_path) as sweep:
        sweep.go_on(Serial())
        records = list(sweep.records())
    rows = {(r["point"]["log10_cond"], r["point"]["step_size"]): r["rows"] for r in records}
    kfac = {at: row for at, found in rows.items() for row in found
            if row["subject"] == "kfac" and row["part"] == "steps"}  # fmt: skip
    for (_, step_size), row in kfac.items():
        if step_size <= 1:
            assert row["measured"] == row["predicted"] > 0
    assert kfac[2.0, 5.0]["measured"] is None
    assert any(row["outcome"] == "diverged" for found in rows.values() for row in found)


def test_claims_are_decided_and_points_outside_are_rows(tmp_path):
    plan = Plan(spec_of(CLAIMS))
    with sweep_in(plan, tmp_path) as sweep:
        sweep.go_on(Serial())
        records = list(sweep.records())
    assert [record["status"] for record in records] == ["done", "done", "outside"]
    assert "step_size=70.0" in records[2]["error"]
    rows = records[0]["rows"]
    assert rows
    assert all(row["outcome"] == "confirmed" and row["margin"] > 0 for row in rows)


def test_a_task_that_fails_is_a_row_and_exit_code_1(tmp_path, monkeypatch, capsys):
    import lpfl.sweep.subjects.first_step as subject

    real = subject.measure

    def measure(settings, scenario, seed):
        if scenario["aspect"] == 0.4:
            raise RuntimeError("<b>no</b>")
        return real(settings, scenario, seed)

    monkeypatch.setattr(subject, "measure", measure)
    monkeypatch.setattr("lpfl.sweep.backends.backend_for", lambda address, jobs: Serial())
    assert run("sweep", spec_file(tmp_path), "--out", tmp_path / "out") == 1
    assert "RuntimeError: <b>no</b>" in capsys.readouterr().err
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Some tasks failed" in page
    assert "<b>no" not in page
    lines = (tmp_path / "out" / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [r["status"] for r in records].count("error") == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--jobs", "0"), "jobs=0, needs >= 1"),
        (("--jobs", "3", "--scheduler", "tcp://a:1"), "needs one of the two"),
        (("--scheduler", "somewhere"), "scheduler='somewhere', needs an address"),
        (("--out", " "), "out=' ', needs the path of a folder"),
    ],
)
def test_options_that_do_not_fit(words, message, tmp_path, capsys):
    assert run("sweep", spec_file(tmp_path), *words) == 2
    assert message in capsys.readouterr().err


def test_list_says_what_would_run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("sweep", spec_file(tmp_path), "--list") == 0
    assert "12 tasks to run, 0 outside the domain" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["spec.toml"]


def test_progress_says_the_time_left(monkeypatch):
    from lpfl.sweep.progress import Progress

    progress = Progress(10, 2)
    progress._start = time.monotonic() - 4
    for _ in range(4):
        progress.note(failed=False)
    line = progress.line(progress._start + 4)
    assert line == "[ 6/10] 60 %, 1 tasks/s, 4 s left"


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.toml")), ids=lambda path: path.stem)
def test_committed_specs_can_be_read(path, capsys):
    assert run("sweep", path, "--list") == 0
    assert " 0 outside the domain" in capsys.readouterr().out
