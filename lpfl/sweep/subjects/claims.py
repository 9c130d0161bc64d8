"""Claims on scenarios of one's own choice: every part decided as ``lpfl verify`` decides it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lpfl.linalg.covariance import covariance_from_json
from lpfl.sweep.fields import Field
from lpfl.sweep.reading import Section, is_number, shown
from lpfl.sweep.subjects import Measure, Row, Subject, row
from lpfl.verify.registry import CHECKS, CLAIMS
from lpfl.verify.running.claim_run import observation
from lpfl.verify.running.looks import look
from lpfl.verify.running.runner import make_trial
from lpfl.verify.scenario import Scenario
from lpfl.verify.selection import select_claims
from lpfl.verify.space import Integers, ScenarioSpace

MEASURES = {"margin": Measure("margin to the limit", pool="least", column="margin")}
COVARIANCE = "covariance."


@dataclass(frozen=True)
class Free:
    """A field that the space of the claim bounds: its bound may depend on the other fields."""

    default: Any
    whole: bool

    def require(self, name: str, value: Any) -> None:
        """Raise ValueError unless ``value`` is a number or a word."""
        if not is_number(value) and not isinstance(value, str):
            raise ValueError(f"{name}={shown(value)}, needs a finite number or a word")


def read(document: Section) -> list[Subject]:
    """Return one subject per claim that ``claims`` names, patterns as of ``lpfl verify``."""
    chosen = select_claims(document.text("claims"), list(CHECKS))
    return [Subject("claims", {"claim": name}, MEASURES, title=name) for name in chosen]


def fields_of(subject: Subject) -> Mapping[str, Field | Free]:
    """Return the fields of the claim's scenarios; those of a covariance are ``covariance.*``.

    What a spec leaves out is taken from the middle of the claim's space.
    """
    space = CHECKS[subject.settings["claim"]].space
    usual = _flat(_middle(space))
    whole = {axis.name for axis in space.axes if isinstance(axis, Integers)}
    whole |= {COVARIANCE + "dim", COVARIANCE + "seed"}
    return {name: Free(value, name in whole) for name, value in usual.items()}


def scenario_of(subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario at a point; raise ValueError outside the claim's space or domain.

    A covariance has the size of the inputs unless the spec says otherwise.
    """
    claim_id = subject.settings["claim"]
    known = {name: field.default for name, field in fields_of(subject).items()} | dict(values)
    if COVARIANCE + "dim" in known and COVARIANCE + "dim" not in values:
        known[COVARIANCE + "dim"] = known.get("input_dim", known[COVARIANCE + "dim"])
    nested = {name: value for name, value in known.items() if not name.startswith(COVARIANCE)}
    parts = {n.removeprefix(COVARIANCE): v for n, v in known.items() if n.startswith(COVARIANCE)}
    scenario = _scenario(nested | ({"covariance": parts} if parts else {}))
    CHECKS[claim_id].space.require(scenario)
    CHECKS[claim_id].require_domain(CLAIMS[claim_id], scenario)
    return scenario.as_json()


def measure(subject: Mapping[str, Any], scenario: Mapping[str, Any], seed: int) -> list[Row]:
    """Decide every part of the claim in one scenario."""
    claim_id = subject["claim"]
    trial = make_trial(claim_id, _scenario(scenario), seed=seed)
    rows = []
    for finding in look(CHECKS[claim_id], trial):
        seen = observation(trial, finding)
        kept = {name: seen[name] for name in ("predicted", "outcome", "margin", "detail")}
        rows.append(row(claim_id, seen["part"], seen["measured"], **kept))
    return rows


def _scenario(fields: Mapping[str, Any]) -> Scenario:
    values = dict(fields)
    if "covariance" in values:
        values["covariance"] = covariance_from_json(dict(values["covariance"]))
    return Scenario(values)


def _middle(space: ScenarioSpace) -> Scenario:
    values: dict[str, Any] = {}
    for axis in space.axes:
        values[axis.name] = axis.from_unit([0.5] * axis.width, values)
    return Scenario(values)


def _flat(scenario: Scenario) -> dict[str, Any]:
    values = scenario.as_json()
    covariance = values.pop("covariance", {})
    return values | {COVARIANCE + name: value for name, value in covariance.items()}
