"""Optimizers after one step on a single-index problem: alignment with the teacher's direction.

The limits that the rows call predicted are those of ``theory.single_index.alignment``.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lpfl.experiments.core.experiment import Options
from lpfl.experiments.core.single_index_methods import Method, best_damping
from lpfl.experiments.core.single_index_runs import direction_alignments
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.linalg.covariance import FAMILIES, CovarianceSpec
from lpfl.problems.links import LINKS
from lpfl.sweep.fields import Field, Number, Word, filled
from lpfl.sweep.reading import Section, is_number
from lpfl.sweep.subjects import Measure, Row, Subject, row
from lpfl.sweep.subjects.entrants import entrants
from theory.core.gauss.links import NAMED_LINKS

FIELDS: dict[str, Field] = {
    "input_dim": Number(8, 2000, 64, whole=True),
    "aspect": Number(0.005, 50.0, 0.25),
    "noise_std": Number(0.0, 100.0, 0.3),
    "log10_cond": Number(0.0, 6.0, 1.0),
    "family": Word(FAMILIES, "geometric"),
    "link": Word(tuple(name for name in LINKS if name in NAMED_LINKS), "relu"),
}
"""aspect: d/n. noise_std: of the labels. log10_cond, family: of the covariance of the inputs."""
METHODS = ("sgd", "kfac", "batch_norm")
BEST = "best"
MEASURES = {
    "alignment": Measure("squared cosine with the teacher"),
    "correlation": Measure("squared correlation with the teacher"),
}
_WEIGHTS = {"alignment": "identity", "correlation": "covariance"}


def read(document: Section) -> list[Subject]:
    """Return the one subject: all optimizers, on the same batches."""
    return [Subject("first_step", {"entrants": entrants(document, _entrant)}, MEASURES)]


def fields_of(subject: Subject) -> Mapping[str, Field]:
    """Return the fields of a scenario."""
    return FIELDS


def scenario_of(subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario at a point; raise ValueError if its fields do not fit together."""
    scenario = filled(FIELDS, values)
    n = round(scenario["input_dim"] / scenario["aspect"])
    if n < 2:
        raise ValueError(f"aspect={scenario['aspect']:g} leaves {n} samples, needs >= 2")
    return scenario


def _entrant(section: Section) -> dict[str, Any]:
    name = section.word("name", METHODS)
    damping: Any = None
    if name == "kfac":
        damping = section.take("damping", 0.0)
        if damping != BEST and not (is_number(damping) and damping >= 0):
            raise section.error("damping", damping, f"a number >= 0 or {BEST!r}")
    return {"name": name, "damping": damping}


def measure(subject: Mapping[str, Any], scenario: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the alignments of every entrant, on the same batch, beside the limits."""
    setting = _setting(**scenario)
    methods = {one["label"]: _method(setting, **one) for one in subject["entrants"]}
    samples = direction_alignments(
        setting,
        Options(seed=seed),
        methods={label: (one.run, one.damping_at(setting)) for label, one in methods.items()},
        replicates=1,
        tag=f"sweep {sorted(scenario.items())}",
    )
    return [
        row(
            label,
            part,
            float(samples[label][weight][0]),
            predicted=_predicted(method, setting, weight),
        )
        for label, method in methods.items()
        for part, weight in _WEIGHTS.items()
    ]


@lru_cache(maxsize=4)
def _setting(
    input_dim: int, aspect: float, noise_std: float, log10_cond: float, family: str, link: str
) -> Setting:
    covariance = CovarianceSpec(input_dim, family, log10_cond)
    samples = max(2, round(input_dim / aspect))
    return Setting(covariance, samples, width=input_dim, link=link, noise_std=noise_std)


def _method(setting: Setting, name: str, damping: Any, label: str) -> Method:
    number = best_damping(setting) if damping == BEST else damping
    return Method(label, name, name, 0, number)


@lru_cache(maxsize=64)
def _predicted(method: Method, setting: Setting, weight: str) -> float:
    return float(method.predicted(setting, weight))
