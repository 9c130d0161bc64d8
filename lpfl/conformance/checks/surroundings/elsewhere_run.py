"""The same run in memory that was not cleared, and in another thread."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory

UNFILLED, THREAD = "api.unfilled-memory", "api.thread"
SHAPES = ((6, 4), (5,), (4, 3, 2, 2))
STEPS = 8


@contextlib.contextmanager
def _filled() -> Iterator[None]:
    """Let torch fill what torch.empty and its like return with NaN."""
    before = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warns)


@check(UNFILLED, tags=("api",), cost=0.05)
def unfilled(subject: Subject) -> CheckResult:
    """No step reads memory that was not written: torch.empty() filled with NaN changes nothing."""
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, STEPS, UNFILLED)
    plain = subject.run(start, gradients)
    try:
        with _filled():
            other = subject.run(start, gradients)
    except Exception as error:  # what refuses NaN, or has no deterministic algorithm
        message = f"Not judged: a run with deterministic algorithms raises {told(error)}."
        return CheckResult(check=UNFILLED, outcome=Outcome.INCONCLUSIVE, message=message)
    if other.finite or not plain.finite:
        message = "A run in which torch.empty() is filled with NaN ends in numbers."
        return CheckResult(check=UNFILLED, outcome=Outcome.CONFORMS, message=message)
    body = """
b = run(start, gradients)
torch.use_deterministic_algorithms(True, warn_only=True)  # fills torch.empty() with NaN
a = run(start, gradients)
print('finite:', *[all(bool(v.isfinite().all()) for v in ends) for ends in (b, a)])
"""
    proof = "finite: True False"
    return CheckResult(
        check=UNFILLED,
        outcome=Outcome.DEVIATES,
        message="A run in which torch.empty() is filled with NaN is not finite: it reads memory "
        "that nobody wrote.",
        scenario={"torch.empty()": "filled with NaN", "steps": STEPS},
        **evidence(subject, body, proof, shapes=shapes, steps=STEPS, stream=(UNFILLED,)),
    )


@check(THREAD, tags=("api",), cost=0.05)
def in_a_thread(subject: Subject) -> CheckResult:
    """Steps in a thread other than the one in which it was built are the same."""

    def other(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)
        return _in_thread(lambda: session.follow(gradients))

    pair = Pair(
        check=THREAD,
        says="whose steps are taken in another thread",
        plain=subject.run,
        other=other,
        body="""
import threading

failed = []


def train():
    try:
        for g in gradients:
            step(optimizer, params, g)
    except Exception as error:
        failed.append(error)


optimizer, params = begin(start)
thread = threading.Thread(target=train)
thread.start()
thread.join()
if failed:
    raise failed[0]
a, b = read(optimizer, params), run(start, gradients)
""",
        differs=Outcome.LIMIT,
    )
    return agree(subject, pair, subject.shapes(*SHAPES), STEPS)


def _in_thread(work: Callable[[], Trajectory]) -> Trajectory:
    """Return what the work returns in a thread of its own; its error is raised here."""
    found: list[Trajectory] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]
