"""What an experiment is, and what it hands to the page: plain data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

SCALES = ("quick", "paper")
DEVICES = ("cpu", "cuda")

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
        if self.seeds is not None and not self.seeds >= 2:
            raise ValueError(f"seeds={self.seeds}, needs >= 2")
        if not self.seed >= 0:
            raise ValueError(f"seed={self.seed}, needs >= 0")
        if self.device.split(":")[0] not in DEVICES:
            raise ValueError(f"device={self.device!r}, needs one of {DEVICES}")


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
class ExperimentResult:
    """Everything the page shows. complete: no section is missing."""

    name: str
    title: str
    says: str
    settings: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    options: Options
    seconds: float
    complete: bool = True
    versions: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True)
class Experiment:
    """A figure of the paper, as data with the prediction on top.

    settings(options): (subject, what was chosen) for everything the paper does not say and for
    what a scale leaves out. sections(options, say): a generator of finished sections; ``say``
    reports progress in one line.
    """

    name: str
    title: str
    says: str
    settings: Callable[[Options], Sequence[tuple[str, str]]]
    sections: Callable[[Options, Say], Iterator[Section]]

    def run(
        self,
        options: Options,
        *,
        say: Say = lambda line: None,
        versions: Mapping[str, str] | None = None,
    ) -> ExperimentResult:
        """Run every section; an interrupt (Ctrl-C) keeps those that are finished."""
        start = perf_counter()
        done: list[Section] = []
        complete = True
        try:
            for section in self.sections(options, say):
                done.append(section)
                say(f"{section.title}: {perf_counter() - start:.1f} s")
        except KeyboardInterrupt:
            complete = False
        return ExperimentResult(
            self.name,
            self.title,
            self.says,
            tuple(self.settings(options)),
            tuple(done),
            options,
            perf_counter() - start,
            complete,
            dict(versions or {}),
        )


def result_from_json(fields: Mapping[str, Any]) -> ExperimentResult:
    """Return the result that ``as_json`` wrote.

    Raises: ValueError if a field is missing, unknown or of the wrong shape.
    """
    try:
        sections = [
            Section(**{**section, "tables": [Table(**table) for table in section["tables"]]})
            for section in fields["sections"]
        ]
        settings = [(str(subject), str(choice)) for subject, choice in fields["settings"]]
        options = Options(**fields["options"])
        known = {**fields, "sections": sections, "settings": settings, "options": options}
        return ExperimentResult(**known)
    except (KeyError, TypeError) as error:
        raise ValueError(f"experiment result does not fit: {error}") from None
