"""The tasks of a sweep, by number: a subject, a point, a seed. Nothing else decides an answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lpfl.sweep.spec import Spec
from lpfl.sweep.subjects import module_of

Order = tuple[Any, ...]


@dataclass(frozen=True)
class Place:
    """Where in a sweep a task stands: the numbers of its subject and its point, and its seed."""

    subject: int
    point: int
    seed: int


class Plan:
    """What a spec asks for. A point outside the domain of a subject is not run, but kept as a row.

    Raises ValueError if every point lies outside.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        if not any(isinstance(one, dict) for one in self._scenarios.values()):
            reason = next(iter(self._scenarios.values()))
            raise ValueError(f"every point lies outside the domain, the first: {reason}")

    def __len__(self) -> int:
        return len(self.spec.subjects) * len(self.spec.points) * self.spec.replicates

    def place(self, number: int) -> Place:
        """Return where task ``number`` stands; the seed varies fastest."""
        rest, replicate = divmod(number, self.spec.replicates)
        subject, point = divmod(rest, len(self.spec.points))
        return Place(subject, point, self.spec.seed + replicate)

    def outside(self, place: Place) -> str:
        """Return why the point lies outside the domain of its subject, or ''."""
        found = self._scenarios[place.subject, place.point]
        return found if isinstance(found, str) else ""

    def inside(self) -> list[int]:
        """Return the numbers of the tasks that run."""
        return [n for n in range(len(self)) if not self.outside(self.place(n))]

    def orders(self, numbers: Iterable[int]) -> Iterator[Order]:
        """Yield the arguments of ``subjects.answer`` for each task."""
        for number in numbers:
            place = self.place(number)
            subject = self.spec.subjects[place.subject]
            scenario = self._scenarios[place.subject, place.point]
            yield number, subject.kind, dict(subject.settings), scenario, place.seed

    @cached_property
    def _scenarios(self) -> dict[tuple[int, int], dict[str, Any] | str]:
        """Per subject and point the scenario, or why there is none."""
        found: dict[tuple[int, int], dict[str, Any] | str] = {}
        for i, subject in enumerate(self.spec.subjects):
            module = module_of(subject.kind)
            for j, values in enumerate(self.spec.points):
                try:
                    found[i, j] = module.scenario_of(subject, {**self.spec.fixed, **values})
                except ValueError as error:
                    found[i, j] = str(error)
        return found
