"""What a sweep runs at each point. KINDS: name -> the module of that kind of subject.

Such a module has ``read(document)``, the subjects that a spec asks for; ``fields_of(subject)``,
what its scenarios consist of; ``scenario_of(subject, values)``, the scenario at a point (it raises
ValueError outside the domain); and ``measure(subject, scenario, seed)``, a pure function of JSON
values that returns rows of COLUMNS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Row = dict[str, Any]
KINDS = {
    "claims": "lpfl.sweep.subjects.claims",
    "first_step": "lpfl.sweep.subjects.first_step",
    "training": "lpfl.sweep.subjects.training",
    "experiments": "lpfl.sweep.subjects.experiments",
}
COLUMNS = ("subject", "part", "measured", "predicted", "outcome", "margin", "detail")


@dataclass(frozen=True)
class Measure:
    """A measured quantity: its words, and how rows of one cell become a number.

    better: "higher" or "lower". pool: "mean", "median" (a row without a number counts as infinite)
    or "least". log: differences are ratios. column: where the number is.
    """

    label: str
    better: str = "higher"
    pool: str = "mean"
    log: bool = False
    column: str = "measured"


@dataclass(frozen=True)
class Subject:
    """One thing that runs at each point: its kind, and as JSON what ``measure`` needs.

    measures: what the parts of its rows are. title: its name, where a sweep has several.
    """

    kind: str
    settings: Mapping[str, Any]
    measures: Mapping[str, Measure]
    title: str = ""


def row(subject: str, part: str, measured: float | None, **more: Any) -> Row:
    """Return a row; what is not said is None."""
    known = dict.fromkeys(COLUMNS) | more
    return {**known, "subject": subject, "part": part, "measured": measured}


def module_of(kind: str) -> Any:
    """Return the module of a kind of subject."""
    return import_module(KINDS[kind])


def answer(
    number: int, kind: str, subject: Mapping[str, Any], scenario: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Return the rows of task ``number``, what it took in seconds, and the error that ended it."""
    from time import perf_counter

    import torch

    torch.set_num_threads(1)
    start = perf_counter()
    rows: Sequence[Row] = ()
    error = None
    try:
        rows = module_of(kind).measure(subject, scenario, seed)
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"
    return {"rows": list(rows), "error": error, "seconds": round(perf_counter() - start, 4)}
