"""A subject runs in a process of its own: nothing it does can end or colour another's run.

The process is forked from one that has imported torch. It writes one JSON line per event to a
pipe; a crash, a hang or an overflow of memory becomes the answer of the check it was in.
"""

import contextlib
import faulthandler
import fcntl
import functools
import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.pulse import HANGS, SLOW, events, share
from lpfl.conformance.registry import Check
from lpfl.conformance.signatures import told
from lpfl.conformance.spec import OptimizerSpec
from lpfl.lifeline import end_with, was_killed

GIBIBYTE = 2**30
MAX_LOSSES = 2
"""After this many crashes or hangs the remaining checks are not asked."""
FAILED = "is not judged: before or after its checks lpfl raised"
KILLED = "was killed with its process, from outside or because memory ran out"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a subject may use.

    seconds: of wall time per check without a finished step. memory: bytes beyond what the parent
    holds.
    """

    seconds: float = 40.0
    memory: int = 4 * GIBIBYTE

    def __post_init__(self) -> None:
        for name in ("seconds", "memory"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}, needs > 0")


@dataclass
class Judgement:
    """What came back: answers in the order of the checks, and the guessed needs."""

    results: list[CheckResult] = field(default_factory=list)
    guessed: dict[str, str] = field(default_factory=dict)


def judge_here(
    spec: OptimizerSpec, checks: Sequence[Check], *, seed: int, device: str, quick: bool
) -> Judgement:
    """Run the checks in this process."""
    preload()
    from lpfl.conformance.drives.eager import eager
    from lpfl.conformance.running import run_check
    from lpfl.conformance.subject import Subject

    with eager():
        subject = Subject(spec, seed=seed, device=device, quick=quick)
        results = [result for check in checks for result in run_check(check, subject)]
    return Judgement(results, dict(subject.guessed))


def judge_apart(
    spec: OptimizerSpec,
    checks: Sequence[Check],
    *,
    seed: int,
    device: str,
    quick: bool,
    limits: Limits,
) -> Judgement:
    """Run the checks in processes of their own: one for most, one for each that is ``alone``."""
    prepare(checks)
    judged, lost = Judgement(), 0
    again: set[str] = set()
    waiting = [[c for c in checks if not c.alone], *([c] for c in checks if c.alone)]
    options = {"seed": seed, "device": device, "quick": quick}
    while waiting:
        batch = waiting.pop(0)
        if not batch:
            continue
        if lost >= MAX_LOSSES:
            judged.results += [_not_asked(check) for check in batch]
            continue
        done, trouble = _one_process(spec, batch, options, limits, judged)
        if trouble == KILLED and batch[done].check_id not in again:
            again.add(batch[done].check_id)
            waiting.insert(0, batch[done:])
        elif trouble:
            lost += 1
            judged.results.append(_lost(batch[done], trouble))
            waiting.insert(0, batch[done + 1 :])
    return judged


@functools.cache
def preload() -> None:
    """Import torch with what its optimizers import at their first step (about a second)."""
    import torch

    from lpfl.conformance import running  # noqa: F401

    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=0.0)
    optimizer.zero_grad()
    optimizer.step()


def prepare(checks: Sequence[Check]) -> None:
    """Compute once, before processes are forked, what the checks have in common."""
    preload()
    for check in checks:
        if check.prepare is not None:
            check.prepare()


def _one_process(
    spec: OptimizerSpec,
    batch: Sequence[Check],
    options: dict[str, Any],
    limits: Limits,
    judged: Judgement,
) -> tuple[int, str]:
    """Fork, read events until the end; return (number of checks done, what went wrong)."""
    share()
    read, write = os.pipe()
    for stream in filter(None, (sys.stdout, sys.stderr)):  # none of a process without a terminal
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forking where threads exist
        parent, child = os.getpid(), os.fork()
    if child == 0:
        end_with(parent)
        os.close(read)
        _child(spec, batch, options, limits, write)
    os.close(write)
    done, status = 0, 0
    try:
        for event in events(read, [_seconds(check, limits) for check in batch]):
            if isinstance(event, str):
                return done, event
            if "raised" in event:
                return done, f"{FAILED} {event['raised']}"
            judged.guessed.update(event.get("guessed", {}))
            if "results" in event:
                judged.results += [CheckResult.from_dict(r) for r in event["results"]]
                done += 1
        if done < len(batch) and was_killed(child):
            return done, KILLED
    finally:
        os.close(read)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return done, "" if done == len(batch) else _how_it_ended(status)


def _seconds(check: Check, limits: Limits) -> float:
    return max(limits.seconds, 20.0 * check.cost)


def _how_it_ended(status: int) -> str:
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
        return f"ended the process with signal {signal.Signals(os.WTERMSIG(status)).name}"
    return "ended the process"


def _child(
    spec: OptimizerSpec,
    batch: Sequence[Check],
    options: dict[str, Any],
    limits: Limits,
    write: int,
) -> None:
    """Run the checks in the forked process and leave it, whatever happens."""
    try:
        os.setsid()
        faulthandler.disable()
        write = fcntl.fcntl(write, fcntl.F_DUPFD, 3)  # the caller may have closed 0, 1 or 2
        _quiet(write)
        _limit_memory(limits.memory)
        _run_batch(spec, batch, options, write)
    except Exception as error:  # of the subject's those are answers of its checks: this is ours
        with contextlib.suppress(BaseException):
            _send(write, {"raised": told(error).rstrip(".")})
    finally:
        os._exit(0)


def _run_batch(
    spec: OptimizerSpec, batch: Sequence[Check], options: dict[str, Any], write: int
) -> None:
    import torch

    from lpfl.conformance.drives.eager import eager
    from lpfl.conformance.drives.marks import marks
    from lpfl.conformance.running import run_check
    from lpfl.conformance.subject import Subject

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with eager(), marks(False):
        subject = Subject(spec, **options)
        _send(write, {"guessed": dict(subject.guessed)})
        for check in batch:
            results = run_check(check, subject)
            _send(write, {"results": [result.as_dict() for result in results]})


def _send(write: int, event: dict[str, Any]) -> None:
    left = json.dumps(event, allow_nan=False).encode() + b"\n"
    while left:
        left = left[os.write(write, left) :]


def _quiet(kept: int) -> None:
    """Send what the subject prints nowhere, below Python's streams too; close what is open."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.closerange(3, kept)
    os.closerange(kept + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115


def _limit_memory(extra: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        pages = int(open("/proc/self/statm").read().split()[0])  # noqa: PTH123, SIM115
        most = pages * os.sysconf("SC_PAGE_SIZE") + extra
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _lost(check: Check, trouble: str) -> CheckResult:
    open_ = Outcome.INCONCLUSIVE
    kinds = {
        HANGS: (Outcome.LIMIT, "hang"),
        SLOW: (open_, "slow"),
        KILLED: (open_, "killed"),
        FAILED: (open_, "failed"),
    }
    begins = next((words for words in kinds if trouble.startswith(words)), None)
    outcome, kind = kinds[begins] if begins else (Outcome.DEVIATES, "crash")
    return CheckResult(
        check=check.check_id,
        outcome=outcome,
        message=f"The optimizer {trouble} ({check.check_id}: {check.says[:-1]}).",
        scenario={"process": kind},
    )


def _not_asked(check: Check) -> CheckResult:
    return CheckResult(
        check=check.check_id,
        outcome=Outcome.UNDRIVABLE,
        message=f"Not asked after {MAX_LOSSES} crashes or hangs.",
    )
