"""What happens in a survey's process: import one package, judge some of its subjects."""

import contextlib
import multiprocessing
import os
import time
import warnings
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

from lpfl.conformance.outcomes import CheckResult, Outcome, plain
from lpfl.conformance.peers.package import Package, Subject
from lpfl.conformance.peers.rules import JUDGED
from lpfl.lifeline import hold_on_to_parent


def blank(package: Package, name: str, status: str, reason: str = "") -> dict[str, Any]:
    """Return a subject's line without results."""
    return {
        "type": "subject",
        "subject": name,
        "package": package.distribution,
        "version": package.version(),
        "status": status,
        "reason": reason,
        "results": [],
    }


def names_of(package: Package, pipe: Connection) -> None:
    """Send the names of the package's subjects, or why it cannot be imported."""
    _lead()
    with _silence():
        try:
            pipe.send(("names", [subject.name for subject in package.subjects()]))
        except BaseException as error:
            pipe.send(("broken", f"{type(error).__name__}: {error}"))
    pipe.close()


@dataclass(frozen=True)
class Settings:
    """How every subject is judged; checks: ids or patterns, default all."""

    seed: int = 0
    quick: bool = False
    checks: tuple[str, ...] | None = None


def judge_some(
    package: Package, names: Collection[str], pipe: Connection, settings: Settings
) -> None:
    """Judge the named subjects, sending ("start", name) and ("done", line) for each.

    The process leads a session of its own, so that everything it starts can be ended with it.
    """
    _lead()
    with _silence():
        subjects = {subject.name: subject for subject in package.subjects()}
        for name in names:
            pipe.send(("start", name))
            pipe.send(("done", plain(_judged(subjects[name], settings))))
    pipe.close()


def _lead() -> None:
    """Lead a session of one's own, and end with the parent that forked this process."""
    parent = multiprocessing.parent_process()
    hold_on_to_parent(None if parent is None else parent.pid)
    os.setsid()


def _judged(subject: Subject, settings: Settings) -> dict[str, Any]:
    from lpfl.conformance.run import check_optimizer

    spec, package = subject.spec, subject.package
    if spec is None:
        return blank(package, subject.name, "cannot be driven here", subject.undrivable)
    start, cpu = time.perf_counter(), _cpu_seconds()
    try:
        report = check_optimizer(spec, on_fail=None, **asdict(settings))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:500]
        return blank(package, subject.name, "not judged", reason)
    return {
        **blank(package, subject.name, JUDGED),
        "source": spec.source,
        "claims": sorted(spec.claims),
        "needs": sorted(spec.needs),
        "options": {key: repr(value) for key, value in spec.options.items()},
        "guessed": report.guessed,
        "supports": list(report.supports),
        "seconds": round(time.perf_counter() - start, 3),
        "cpu_seconds": round(_cpu_seconds() - cpu, 3),
        "results": [slim(result) for result in report.results],
    }


def slim(result: CheckResult) -> dict[str, Any]:
    """Return an answer without what is empty; of one that says nothing amiss, only the number."""
    quiet = {Outcome.CONFORMS, Outcome.NOT_CLAIMED}
    values = result.as_dict()
    dropped = {"details", "seconds"}
    if result.outcome in quiet and not (result.feature or result.stale):
        dropped |= {"message", "scenario", "snippet"}
    kept = {k: v for k, v in values.items() if k not in dropped and v not in (None, "", {}, False)}
    return {"message": "", **kept}


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what the package prints nowhere, down to the file descriptors."""
    warnings.simplefilter("ignore")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        yield
