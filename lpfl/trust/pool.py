"""Tasks answered on processes, and kept as they come."""

from collections.abc import Callable, Sequence
from typing import Any

from lpfl.sweep.backends import Backend, Lost
from lpfl.trust.journal import Journal, Task
from lpfl.verify.running.workers import ATTEMPTS, on_processes

Record = dict[str, Any]


def answer_missing(
    function: Callable[..., Record],
    journal: Journal,
    tasks: Sequence[Task],
    *,
    jobs: int,
    say: Callable[[Record, int, int], None],
    fresh: bool = False,
    backend: Backend | None = None,
) -> list[Record]:
    """Answer the tasks that ``journal`` lacks; return the records of all ``tasks``, in order.

    A task whose process ends again and again, or whose function raises, is answered too:
    ``{"lost": reason}``. fresh: a process of its own for every task, which is tried twice at most:
    what it does may end its process.
    backend: runs the tasks instead of ``jobs`` processes. say(record, number, total) is called as
    each answer is kept.
    """
    if jobs < 1:
        raise ValueError(f"jobs={jobs}, needs >= 1")
    missing = journal.missing(tasks)
    kept_before = len(tasks) - len(missing)
    preload = ["lpfl.verify.registry"]
    if backend is not None:
        answers = backend.answers(function, missing, preload=preload)
    else:
        attempts = 2 if fresh else ATTEMPTS
        answers = on_processes(
            function, missing, jobs=jobs, preload=preload, fresh=fresh, attempts=attempts
        )
    for number, (task, answer) in enumerate(answers, kept_before + 1):
        kept = {"lost": answer.reason} if isinstance(answer, Lost) else answer
        say(journal.write(task, kept), number, len(tasks))
    place = {tuple(record["task"]): record for record in journal.records}
    return [place[task] for task in tasks]
