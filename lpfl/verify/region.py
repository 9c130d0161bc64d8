"""Where a claim was looked at: the ranges of its scenarios, and how firm a verdict of each kind is.

The same green is not given to dimension 3 and to dimension 1000, nor to an identity and to a mean.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.verify.scenario import Scenario
from lpfl.verify.trial import default_facts

STRENGTH = {
    "identity": "exact identity",
    "law": "exact law",
    "bound": "searched bound",
    "bound_whp": "statistical",
    "limit": "statistical",
    "rate": "measured rate",
    "ordering": "statistical",
}


def region_of(scenarios: Iterable[Scenario]) -> dict[str, Any]:
    """Return per field of the scenarios its range [low, high], or the list of its words.

    The condition number of the covariance and of the head stand beside the fields.
    """
    numbers: dict[str, list[float]] = {}
    words: dict[str, set[str]] = {}
    for scenario in scenarios:
        for name, value in _facts(scenario).items():
            if isinstance(value, str):
                words.setdefault(name, set()).add(value)
            else:
                numbers.setdefault(name, []).append(float(value))
    ranges: dict[str, Any] = {name: [min(seen), max(seen)] for name, seen in numbers.items()}
    return ranges | {name: sorted(seen) for name, seen in words.items()}


def _facts(scenario: Scenario) -> Mapping[str, Any]:
    """Return numbers and words of a scenario; its flags and seeds say nothing about a region."""
    facts = default_facts(scenario)
    stated = {"damping", "noise_std"} - set(scenario)
    if not isinstance(scenario.get("covariance"), CovarianceSpec):
        stated |= {"condition_number"} - set(scenario)
    return {
        name: value
        for name, value in facts.items()
        if name not in stated
        and not isinstance(value, bool)
        and isinstance(value, int | float | str)
        and not name.endswith(("seed", "log10_cond"))
    }
