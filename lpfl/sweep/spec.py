"""A sweep as a TOML file: what runs, over which points, with how many seeds."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lpfl.sweep.design import Design, read_design
from lpfl.sweep.fields import require_fields
from lpfl.sweep.reading import Section
from lpfl.sweep.subjects import KINDS, Subject, module_of

MOST_BYTES = 1_000_000
MOST_REPLICATES = 10_000
MOST_TASKS = 10_000_000
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Map:
    """A picture: axes ``x`` and ``y``, the measure ``part``; ``compare``: two names of rows."""

    x: str
    y: str
    part: str
    compare: tuple[str, str] | None = None
    title: str = ""


@dataclass(frozen=True)
class Spec:
    """A sweep that was read and checked. words: the file as JSON, what a folder remembers."""

    name: str
    title: str
    says: str
    seed: int
    replicates: int
    subjects: tuple[Subject, ...]
    fixed: Mapping[str, Any]
    design: Design
    maps: tuple[Map, ...]
    words: Mapping[str, Any]

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        """The values of every point by axis."""
        return self.design.all_points(self.seed)


def read_spec(path: Path) -> Spec:
    """Read and check a spec. Raises ValueError that names a value and its bound."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"spec={path} has {path.stat().st_size} bytes, needs <= {MOST_BYTES}")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ValueError(f"spec={path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"spec={path} is not UTF-8 text") from None
    try:
        return spec_of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"spec={path} is not TOML: {error}") from None
    except RecursionError:
        raise ValueError(f"spec={path} is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"spec={path}: {error}") from None


def spec_of(document: Mapping[str, Any]) -> Spec:
    """Check a spec that was read from TOML."""
    top = Section("spec", document)
    kind = top.word("kind", tuple(KINDS))
    name = top.text("name")
    if not NAME.fullmatch(name):
        raise top.error("name", name, "1 to 63 of a-z, 0-9, - and _, the first no sign")
    title, says = top.text("title", name), top.text("says", "")
    seed = top.whole("seed", 0, 2**53, 0)
    replicates = top.whole("replicates", 1, MOST_REPLICATES, 1)
    subjects = tuple(module_of(kind).read(top))
    fixed = top.take("fixed", {})
    Section("fixed", fixed)
    fields = [module_of(kind).fields_of(subject) for subject in subjects]
    whole = {name: one.whole for known in fields for name, one in known.items()}
    design = read_design(
        Section("design", top.take("design", {})), Section("axes", top.take("axes")), whole
    )
    tried = {axis.name: axis.listed or (axis.low, axis.high) for axis in design.axes}
    for known in fields:
        require_fields(known, fixed, _whole_ends(design, tried))
    maps = _maps(top, subjects, design)
    top.done()
    tasks = len(design) * replicates * len(subjects)
    if tasks > MOST_TASKS:
        raise ValueError(f"the sweep has {tasks} tasks, needs <= {MOST_TASKS}")
    words = json.loads(json.dumps(document, allow_nan=False, default=str))
    return Spec(name, title, says, seed, replicates, subjects, fixed, design, maps, words)


def _whole_ends(design: Design, tried: Mapping[str, Any]) -> dict[str, Any]:
    """Return values to try per axis; the ends of a range of integers are integers."""
    return {
        axis.name: (axis.at(0.0), axis.at(1.0)) if not axis.values else tried[axis.name]
        for axis in design.axes
    }


def _maps(top: Section, subjects: tuple[Subject, ...], design: Design) -> tuple[Map, ...]:
    axes = [axis.name for axis in design.axes]
    measures = list(subjects[0].measures)
    labels = tuple(one["label"] for one in subjects[0].settings.get("entrants", ()))
    tables = top.take("map", None)
    if tables is None:
        return _usual_maps(axes, measures, labels)
    if not isinstance(tables, list):
        raise top.error("map", tables, "[[map]] tables")
    found = []
    for number, table in enumerate(tables, 1):
        section = Section(f"map {number}", table)
        x, y = section.word("x", axes), section.word("y", axes)
        if x == y:
            raise section.error("y", y, "another axis than x")
        pair = section.take("compare", None)
        if pair is not None and not (
            isinstance(pair, list)
            and len(pair) == 2
            and set(pair) <= set(labels)
            and pair[0] != pair[1]
        ):
            raise section.error("compare", pair, f"two of {list(labels)}")
        part = section.word("part", measures)
        found.append(Map(x, y, part, tuple(pair) if pair else None, section.text("title", "")))
        section.done()
    return tuple(found)


def _usual_maps(axes: list[str], measures: list[str], labels: tuple[str, ...]) -> tuple[Map, ...]:
    """Return a map of the first measure over the first two axes, and of the first two rivals."""
    if len(axes) < 2 or not measures:
        return ()
    x, y, part = axes[0], axes[1], measures[0]
    rivals = [Map(x, y, part, (labels[0], labels[1]))] if len(labels) > 1 else []
    return (*rivals, Map(x, y, part))
