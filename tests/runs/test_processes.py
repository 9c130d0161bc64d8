"""Processes of a run: none is left behind, none can end the run, signals keep what is done."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lpfl.results.store import read_results
from lpfl.verify.running import workers

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads processes from /proc"
)
LONG = "LR-06,LR-12,LR-16,LR-17"
SHORT = "LR-06,LR-11,LR-26,LR-43"


def start(out: Path, *arguments: str, claims: str = LONG) -> subprocess.Popen[str]:
    """Start a run whose first claim ends soon and whose others take long."""

    def usual_signals() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, "-m", "lpfl", "verify", "--claims", claims, "--out", str(out), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=usual_signals,
        start_new_session=True,
    )


def of_session(leader: int) -> dict[int, str]:
    """Return the living processes of a session and how each was started."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        process = int(folder.name)
        fields = status(process)
        if fields is None or int(fields[3]) != leader or fields[0] == "Z":
            continue
        with contextlib.suppress(OSError):
            found[process] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def busiest(session: int) -> int:
    """Return the process that has used most time, of those that are neither leader nor server.

    Processes come and go while they are read: one that is gone is left out, and while there is
    none, for instance between the end of a worker and the start of the next, we wait.
    """
    deadline = time.monotonic() + 20
    while True:
        seen = {p: fields for p in of_session(session) if (fields := status(p)) is not None}
        parents = {int(fields[1]) for fields in seen.values()}
        used = {
            p: int(fields[11]) + int(fields[12])
            for p, fields in seen.items()
            if p not in parents and p != session
        }
        if used:
            return max(used, key=lambda process: used[process])
        assert time.monotonic() < deadline, "no worker"
        time.sleep(0.05)


def status(process: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name, or None if the process is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def require_none_left(session: int) -> None:
    deadline = time.monotonic() + 20
    while left := of_session(session):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


def first_claim(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    assert "LR-06" in process.stderr.readline()


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_is_done(number: signal.Signals, jobs: str, tmp_path: Path) -> None:
    """To the whole group, as a terminal that closes and a supervisor send it."""
    process = start(tmp_path, "--jobs", jobs)
    first_claim(process)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "interrupted: 1 of 4 claims kept; go on with" in err
    assert f"lpfl verify --resume --out {tmp_path}" in err
    assert list(read_results(tmp_path / "results.jsonl").claims) == ["LR-06"]
    assert "incomplete" in (tmp_path / "index.html").read_text()
    require_none_left(process.pid)


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    process = start(tmp_path, "--jobs", "2")
    first_claim(process)
    assert len(of_session(process.pid)) >= 3
    process.kill()
    process.communicate(timeout=60)
    require_none_left(process.pid)
    assert list(read_results(tmp_path / "results.jsonl").claims) == ["LR-06"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_worker_starts_leaves_none(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that nobody ends would keep the command waiting for ever as it ends.

    A second thread is there to take the signal, as beside torch or a cluster's client.
    """
    start_one = workers._started
    enough = threading.Event()
    threading.Thread(target=enough.wait, daemon=True).start()

    def interrupted(*arguments: Any) -> workers.Worker:
        worker = start_one(*arguments)
        os.kill(os.getpid(), number)
        time.sleep(0.1)
        return worker

    monkeypatch.setattr(workers, "_started", interrupted)
    before = signal.signal(number, signal.default_int_handler)  # SIGINT: ignored in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            list(workers.on_processes(time.sleep, [(0.0,)], jobs=1))
    finally:
        signal.signal(number, before)
        enough.set()
    assert multiprocessing.active_children() == []


def rows(out: Path) -> list[dict[str, Any]]:
    """Return the records of a run without how long they took."""
    results = read_results(out / "results.jsonl")
    assert results.complete
    claims = [{**results.claims[name], "seconds": 0.0} for name in sorted(results.claims)]
    return [*results.observations, *claims]


def test_workers_are_forked_from_the_one_that_imported(tmp_path: Path) -> None:
    """No second process imports and builds everything; no worker holds the lock of the folder."""
    process = start(tmp_path, "--jobs", "2")
    first_claim(process)
    forked = {p: fields for p in of_session(process.pid) if (fields := status(p)) is not None}
    del forked[process.pid]
    assert forked
    assert {int(fields[1]) for fields in forked.values()} == {process.pid}
    for worker in forked:
        with contextlib.suppress(OSError):
            held = [one.resolve() for one in Path(f"/proc/{worker}/fd").iterdir()]
            assert tmp_path / ".lock" not in held
    process.kill()
    process.communicate(timeout=60)
    require_none_left(process.pid)


def test_killed_workers_change_nothing(tmp_path: Path) -> None:
    """Their claims are run again: the rows are those of a run without a kill, in every bit."""
    quiet = start(tmp_path / "quiet", "--jobs", "2", claims=SHORT)
    out, err = quiet.communicate(timeout=200)
    assert quiet.returncode == 0, err
    process = start(tmp_path / "killed", "--jobs", "2", claims=SHORT)
    first_claim(process)
    for pause in (0.4, 0.9):
        time.sleep(pause)
        os.kill(busiest(process.pid), signal.SIGKILL)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert "error" not in out
    assert rows(tmp_path / "killed") == rows(tmp_path / "quiet")
    require_none_left(process.pid)
