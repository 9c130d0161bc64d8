"""Subjects judged on a cluster: a worker starts a program of its own for each few of them.

Whatever a subject does to its process, the worker of the cluster goes on.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from lpfl.conformance.peers.catalogue import catalogue
from lpfl.conformance.peers.package import Package
from lpfl.conformance.peers.survey import Task, judge_all
from lpfl.conformance.peers.worker import Settings, blank
from lpfl.sweep.backends import Backend, Lost


def judge_on(
    backend: Backend, tasks: Sequence[Task], *, settings: Settings
) -> Iterator[dict[str, Any]]:
    """Judge the subjects of all tasks on a backend and yield one line each, as they end.

    Raises ValueError where a worker has another version of a package.
    """
    packages = {task.package.distribution: task.package for task in tasks}
    orders = [
        (task.package.distribution, task.package.version(), list(task.names), asdict(settings))
        for task in tasks
    ]
    for (distribution, _, names, _), answer in backend.answers(judge_few, orders):
        if isinstance(answer, Lost) and answer.raised:
            raise ValueError(f"a worker cannot judge {distribution}: {answer.reason}")
        if isinstance(answer, Lost):
            package = packages[distribution]
            yield from (blank(package, name, "crashed", answer.reason) for name in names)
        else:
            yield from answer


def judge_few(
    distribution: str, version: str, names: Sequence[str], settings: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the lines of some subjects of one package, judged in a program of its own.

    Raises ValueError if the package has another version here, or the program fails.
    """
    found = _package(distribution).version()
    if found != version:
        raise ValueError(f"it has {distribution}={found}, the client has {version}")
    order = json.dumps({"distribution": distribution, "names": names, "settings": settings})
    program = subprocess.run(
        [sys.executable, "-m", __name__],
        input=order,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    if program.returncode:
        last = (program.stderr.strip().splitlines() or ["no word"])[-1]
        raise ValueError(f"the program that judges ended with {program.returncode}: {last}")
    return [json.loads(line) for line in program.stdout.splitlines()]


def main() -> None:
    """Judge what standard input orders, one line of JSON for each subject."""
    wanted = json.load(sys.stdin)
    checks = wanted["settings"]["checks"]
    settings = Settings(
        **{**wanted["settings"], "checks": None if checks is None else tuple(checks)}
    )
    task = Task(_package(wanted["distribution"]), deque(wanted["names"]))
    for line in judge_all([task], settings=settings):
        print(json.dumps(line, allow_nan=False))


def _package(distribution: str) -> Package:
    return next(one for one in catalogue() if one.distribution == distribution)


if __name__ == "__main__":
    main()
