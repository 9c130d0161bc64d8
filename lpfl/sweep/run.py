"""A sweep in a folder: what is answered is kept at once, and never asked again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lpfl.sweep.backends import Backend, Lost
from lpfl.sweep.plan import Plan
from lpfl.sweep.progress import Progress
from lpfl.sweep.subjects import KINDS, answer
from lpfl.trust.environment import settings_of
from lpfl.trust.journal import Journal

JOURNAL = "journal"
PRELOAD = ("lpfl.sweep.subjects",)
Answer = dict[str, Any]


class SweepRun:
    """The answers of a plan in ``folder``, which it holds until it is closed.

    Raises ValueError if the folder is in use, holds another sweep, or cannot be written.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self._journal = Journal(folder, JOURNAL, settings_of("sweep", spec=plan.spec.words))
        self.answers: dict[int, Answer] = {
            record["task"][0]: record for record in self._journal.records
        }

    def missing(self) -> list[int]:
        """Return the numbers of the tasks without an answer."""
        return [number for number in self.plan.inside() if number not in self.answers]

    def go_on(self, backend: Backend) -> None:
        """Answer what is missing."""
        missing = self.missing()
        total = len(self.plan.inside())
        progress = Progress(total, total - len(missing))
        kind = self.plan.spec.subjects[0].kind
        preload = (*PRELOAD, KINDS[kind])
        for task, got in backend.answers(answer, self.plan.orders(missing), preload=preload):
            known = _lost(got) if isinstance(got, Lost) else got
            self.answers[task[0]] = self._journal.write((task[0],), known)
            progress.note(known["error"] is not None)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a record per task in order, without what differs from run to run.

        A task outside the domain has the error that says why; one not yet answered is left out.
        """
        spec = self.plan.spec
        for number in range(len(self.plan)):
            place = self.plan.place(number)
            outside = self.plan.outside(place)
            if not outside and number not in self.answers:
                continue
            got = _outside(outside) if outside else self.answers[number]
            yield {
                "task": number,
                "subject": spec.subjects[place.subject].title or spec.name,
                "point": spec.points[place.point],
                "seed": place.seed,
                "status": "outside" if outside else "error" if got["error"] else "done",
                "error": got["error"],
                "rows": got["rows"],
            }

    def seconds(self) -> float:
        """Return the time that all answers took, summed over the processes."""
        return float(sum(got["seconds"] for got in self.answers.values()))

    def close(self) -> None:
        """Let go of the folder."""
        self._journal.__exit__(None, None, None)


@contextmanager
def sweep_in(plan: Plan, folder: Path) -> Iterator[SweepRun]:
    """Open the run of a plan in a folder and close it in the end."""
    run = SweepRun(plan, folder)
    try:
        yield run
    finally:
        run.close()


def _lost(lost: Lost) -> Answer:
    return {"rows": [], "error": lost.reason, "seconds": 0.0}


def _outside(reason: str) -> Answer:
    return {"rows": [], "error": reason, "seconds": 0.0}
