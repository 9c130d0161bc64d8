"""Speed-up of a sweep from one to two processes, and what one task costs beyond its own work.

Run: ``python benchmarks/sweep.py [--tasks 48] [--cluster]``. The speed is that of the answers after
the first, so that the start of the processes does not count. Two free cores are needed for the
ratio; the load of the machine is printed beside it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lpfl.seeding import derive_seed
from lpfl.sweep.backends import Backend, Processes, Serial
from lpfl.sweep.plan import Plan
from lpfl.sweep.spec import read_spec
from lpfl.sweep.subjects import answer
from lpfl.trust.journal import Journal

SPEC = Path(__file__).parents[1] / "docs" / "sweeps" / "kappa_step_size.toml"
EMPTY_TASKS = 2000


def pace(answers: Iterator[Any]) -> float:
    """Return answers per second, after the first."""
    next(answers)
    start = time.perf_counter()
    count = sum(1 for _ in answers)
    return count / (time.perf_counter() - start)


def overhead(backend: Backend) -> float:
    """Return the seconds that an empty task takes."""
    tasks = [(number, "benchmark") for number in range(EMPTY_TASKS)]
    return 1.0 / pace(iter(backend.answers(derive_seed, tasks)))


def keeping() -> float:
    """Return the seconds that it takes to keep one answer on disk."""
    rows = [{"subject": "KFAC", "part": "steps", "measured": 12.0, "predicted": 12.0}] * 4
    with tempfile.TemporaryDirectory() as folder, Journal(folder, "b", {"kind": "b"}) as journal:
        start = time.perf_counter()
        for number in range(500):
            journal.write((number,), {"rows": rows, "error": None, "seconds": 0.1})
        return (time.perf_counter() - start) / 500


def cluster(stack: ExitStack) -> tuple[str, Backend]:
    """Return a Dask cluster of two processes of this machine."""
    from distributed import LocalCluster

    from lpfl.sweep.backends.cluster import Cluster

    local = stack.enter_context(
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    )
    return "cluster of 2", Cluster(local.scheduler_address)


def main() -> None:
    """Print the speed-up and the costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=48)
    parser.add_argument("--cluster", action="store_true", help="measure a local Dask cluster too")
    options = parser.parse_args()
    plan = Plan(read_spec(SPEC))
    numbers = plan.inside()[: options.tasks]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load {load:.1f}, {len(numbers)} tasks")
    found = {}
    for jobs in (1, 2):
        found[jobs] = pace(iter(Processes(jobs).answers(answer, plan.orders(numbers))))
        print(f"{jobs} processes: {found[jobs]:.2f} tasks/s")
    print(f"speed-up: {found[2] / found[1]:.2f}")
    with ExitStack() as stack:
        backends: list[tuple[str, Backend]] = [("this process", Serial())]
        backends += [("1 process", Processes(1)), ("2 processes", Processes(2))]
        if options.cluster:
            backends.append(cluster(stack))
        for name, backend in backends:
            print(f"empty task, {name}: {1e3 * overhead(backend):.3f} ms")
    print(f"keeping an answer on disk: {1e3 * keeping():.3f} ms")


if __name__ == "__main__":
    main()
