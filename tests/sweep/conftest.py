"""A Dask cluster of this machine: a scheduler and two worker processes, started for the tests."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two worker processes; one that dies is started again."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("cluster")
    with started(folder, workers=2) as address:
        wait_for_workers(address, 2)
        yield address


def wait_for_workers(address: str, count: int) -> None:
    """Return once the cluster has so many workers."""
    from distributed import Client

    with Client(address, timeout=PATIENCE, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=PATIENCE)


class started:  # noqa: N801
    """A scheduler and its workers as processes; ``scheduler`` is the first of them."""

    def __init__(self, folder: Path, *, workers: int) -> None:
        self.file = folder / "scheduler.json"
        known = os.environ.get("PYTHONPATH", "")
        path = os.pathsep.join(filter(None, [str(ROOT), known]))
        self.environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self.folder = folder
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        self.processes = [self.scheduler]
        self.processes.append(self._start("worker", "--nworkers", str(workers), "--nthreads", "1"))

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        words = ["-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(self.file)]
        return subprocess.Popen(
            [sys.executable, *words, "--no-dashboard", *options],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                return str(json.loads(self.file.read_text())["address"])
            except (OSError, ValueError):
                time.sleep(0.1)
        raise TimeoutError("the scheduler did not start")

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
