"""What an experiment is, and what it hands to the page: plain data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from types import MappingProxyType
from typing import Any

from lpfl.choices import require_device_word, require_seed
from lpfl.guards import count

SCALES = ("quick", "paper")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a person chooses.

    scale: "quick" or "paper". seeds: number of replicates (None: the scale's own). seed: of every
    random stream. device: "cpu", "cuda" or "cuda:N".
    """

    scale: str = "quick"
    seeds: int | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"scale={self.scale!r}, needs one of {SCALES}")
        if self.seeds is not None:
            count("seeds", self.seeds, least=2)
        require_seed(self.seed)
        require_device_word(self.device)


@dataclass(frozen=True)
class Table:
    """Rows of text or numbers; a number is rounded by the page, None is a dash."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | int | float | None]]
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One finished part: a finding in one or two sentences, paragraphs, pictures, tables.

    A picture is the dict that ``lpfl.report.pictures.picture`` draws.
    """

    title: str
    finding: str = ""
    text: Sequence[str] = ()
    pictures: Sequence[Mapping[str, Any]] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Part:
    """What is run, and kept, as a whole: run() returns finished sections.

    name: unique in its experiment. share: of the time, in any unit that the parts have in common.
    """

    name: str
    run: Callable[[], Sequence[Section]]
    share: float = 1.0


@dataclass(frozen=True)
class Done:
    """A finished part: its name, its sections, and the seconds that it took."""

    part: str
    sections: Sequence[Section]
    seconds: float


@dataclass(frozen=True)
class ExperimentResult:
    """Everything the page shows.

    complete: no section is missing. paper: subject of a setting -> what the paper says of it.
    """

    name: str
    title: str
    says: str
    settings: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    options: Options
    seconds: float
    complete: bool = True
    versions: Mapping[str, str] = field(default_factory=dict)
    paper: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True)
class Experiment:
    """A figure as data with the prediction on top.

    settings(options): (subject, what was chosen) for everything the paper does not say and for
    what a scale leaves out. parts(options, say): what is to be run, in order; nothing runs before
    a part is asked to. ``say`` reports progress in one line. paper: subject of a setting -> what
    the paper says of it; empty if the experiment is none of the paper's.
    """

    name: str
    title: str
    says: str
    settings: Callable[[Options], Sequence[tuple[str, str]]]
    parts: Callable[[Options, Say], Sequence[Part]]
    paper: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        options: Options,
        *,
        say: Say = lambda line: None,
        versions: Mapping[str, str] | None = None,
        kept: Mapping[str, Done] = MappingProxyType({}),
        keep: Callable[[Done], None] = lambda done: None,
        interrupted: Callable[[KeyboardInterrupt], None] = lambda error: None,
    ) -> ExperimentResult:
        """Run every part that is not ``kept``; each finished one goes to ``keep`` at once.

        An interrupt (Ctrl-C) ends the run, keeps the finished parts, and goes to ``interrupted``.
        """
        parts = self.parts(options, say)
        done: list[Done] = []
        try:
            for number, part in enumerate(parts, 1):
                one = kept.get(part.name)
                if one is None:
                    say(f"part {number} of {len(parts)}, {part.name}{_time_left(parts, done)}")
                    start = perf_counter()
                    sections = tuple(part.run())
                    one = Done(part.name, sections, perf_counter() - start)
                    keep(one)
                    say(f"{part.name}: {one.seconds:.1f} s")
                done.append(one)
        except KeyboardInterrupt as error:
            say("interrupted")
            interrupted(error)
        return ExperimentResult(
            self.name,
            self.title,
            self.says,
            tuple(self.settings(options)),
            tuple(section for one in done for section in one.sections),
            options,
            sum(one.seconds for one in done),
            len(done) == len(parts),
            dict(versions or {}),
            dict(self.paper),
        )


def _time_left(parts: Sequence[Part], done: Sequence[Done]) -> str:
    """Say how long the parts that are left take, if those that are done tell the pace."""
    shares = [part.share for part in parts]
    spent, finished = sum(one.seconds for one in done), sum(shares[: len(done)])
    if not finished:
        return ""
    return f"; about {duration(spent / finished * sum(shares[len(done) :]))} left"


def duration(seconds: float) -> str:
    """Return seconds in words: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
