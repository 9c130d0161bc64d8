"""A killed ``lpfl check-optimizer``: what was written stays, and no process is left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="reads processes from /proc"
)
HANGS = """
import time, torch


class Hangs(torch.optim.SGD):
    def step(self, closure=None):
        open("stepping", "w").close()
        time.sleep(3600)
"""
DEADLINE = 90.0


def children(process: int) -> list[int]:
    """Return the living children of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def living(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_for(true):
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_process_and_keeps_the_earlier_report(tmp_path, number):
    (tmp_path / "hanging.py").write_text(HANGS, encoding="utf-8")
    report = tmp_path / "report.json"
    report.write_text('{"earlier": true}\n', encoding="utf-8")
    command = ["-m", "lpfl", "check-optimizer", "hanging:Hangs", "--json", str(report)]
    run = subprocess.Popen(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for((tmp_path / "stepping").exists)
        started = children(run.pid)
        assert started
        run.send_signal(number)
        run.wait(DEADLINE)
        wait_for(lambda: not any(living(process) for process in started))
    finally:
        run.kill()
    assert json.loads(report.read_text(encoding="utf-8")) == {"earlier": True}
    left = {path.name for path in tmp_path.iterdir()} - {"__pycache__", ".hypothesis"}
    assert left == {"hanging.py", "report.json", "stepping"}
