"""Tasks answered on processes, and kept as they come."""

from collections.abc import Callable, Sequence
from typing import Any

from lpfl.trust.journal import Journal, Task
from lpfl.verify.workers import Lost, on_processes

Record = dict[str, Any]


def answer_missing(
    function: Callable[..., Record],
    journal: Journal,
    tasks: Sequence[Task],
    *,
    jobs: int,
    say: Callable[[Record, int, int], None],
    fresh: bool = False,
) -> list[Record]:
    """Answer the tasks that ``journal`` lacks; return the records of all ``tasks``, in order.

    A process that ends before it answers is an answer too: ``{"lost": reason}``. fresh: a process
    of its own for every task. say(record, number, total) is called as each answer is kept.
    """
    if jobs < 1:
        raise ValueError(f"jobs={jobs}, needs >= 1")
    missing = journal.missing(tasks)
    kept_before = len(tasks) - len(missing)
    answers = on_processes(
        function, missing, jobs=jobs, preload=["lpfl.verify.registry"], fresh=fresh
    )
    for number, (task, answer) in enumerate(answers, kept_before + 1):
        kept = {"lost": answer.reason} if isinstance(answer, Lost) else answer
        say(journal.write(task, kept), number, len(tasks))
    place = {tuple(record["task"]): record for record in journal.records}
    return [place[task] for task in tasks]
