"""The paper's figures as points of a sweep: what each finished part found, in words."""

from collections.abc import Mapping
from typing import Any

from lpfl.experiments import EXPERIMENTS
from lpfl.experiments.core.experiment import SCALES, Options
from lpfl.sweep.fields import Field, Number, Word, filled
from lpfl.sweep.reading import Section, shown
from lpfl.sweep.subjects import Row, Subject, row

FIELDS: dict[str, Field] = {"scale": Word(SCALES, "quick"), "seeds": Number(2, 1000, 2, whole=True)}


def read(document: Section) -> list[Subject]:
    """Return one subject per experiment that ``experiments`` names."""
    names = document.take("experiments")
    if not isinstance(names, list) or not names:
        raise ValueError(f"experiments={shown(names)}, needs a list of {list(EXPERIMENTS)}")
    for name in names:
        if name not in EXPERIMENTS or names.count(name) > 1:
            need = f"each once of {list(EXPERIMENTS)}"
            raise ValueError(f"experiments has {shown(name)}, needs {need}")
    return [Subject("experiments", {"experiment": name}, {}, title=name) for name in names]


def fields_of(subject: Subject) -> Mapping[str, Field]:
    """Return the fields of a scenario."""
    return FIELDS


def scenario_of(subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario at a point."""
    return filled(FIELDS, values)


def measure(subject: Mapping[str, Any], scenario: Mapping[str, Any], seed: int) -> list[Row]:
    """Run the experiment; return a row with the finding of each part."""
    options = Options(scenario["scale"], scenario["seeds"], seed)
    result = EXPERIMENTS[subject["experiment"]].run(options)
    return [
        row(subject["experiment"], section.title, None, detail=section.finding)
        for section in result.sections
    ]
