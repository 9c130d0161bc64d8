"""Optimizers that train the linear representation y = F G x: steps to a subspace distance.

The steps that the rows call predicted are KFAC's on infinite data, by its global law (LR-28).
"""

import math
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import torch

from lpfl.experiments.core.curves import first_below
from lpfl.experiments.core.race import race
from lpfl.experiments.fig1.global_law import distance, predicted_rows
from lpfl.experiments.fig1.tasks import head_eigenvalues
from lpfl.linalg import haar, subspace_distance
from lpfl.linalg.covariance import FAMILIES, CovarianceSpec
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.hyper import bounds_of
from lpfl.optim.core.method import Method
from lpfl.problems.linear_representation import (
    Batch,
    LinearRepresentation,
    Weights,
    draw_head,
    draw_representation,
    least_squares_head,
    population_batch,
    sample,
    tilt,
)
from lpfl.seeding import generator
from lpfl.sweep.fields import Field, Number, Word, filled
from lpfl.sweep.reading import Section
from lpfl.sweep.subjects import Measure, Row, Subject, row
from lpfl.sweep.subjects.entrants import entrants

FIELDS: dict[str, Field] = {
    "input_dim": Number(2, 1000, 30, whole=True),
    "output_dim": Number(1, 500, 8, whole=True),
    "rank": Number(1, 200, 3, whole=True),
    "batch_size": Number(0, 100_000, 0, whole=True),
    "noise_std": Number(0.0, 100.0, 0.0),
    "log10_cond": Number(0.0, 6.0, 1.0),
    "family": Word(FAMILIES, "geometric"),
    "head_cond": Number(1.0, 1000.0, 3.0),
    "start_tangent": Number(1e-6, 1e3, 0.5),
    "step_size": Number(1e-9, 1e3, 0.1),
    "num_steps": Number(1, 100_000, 500, whole=True),
    "level": Number(1e-8, 0.99, 1e-3),
}
"""batch_size 0: infinite data. log10_cond, family: of the covariance of the inputs. head_cond: the
condition number of F*. level: the subspace distance at which steps are counted."""
_NOT_DRAWN = {"step_size", "num_steps", "level"}  # runs that differ in these see the same data
MEASURES = {
    "steps": Measure("steps to the level", better="lower", pool="median", log=True),
    "distance": Measure("subspace distance in the end", better="lower", pool="median", log=True),
}


def read(document: Section) -> list[Subject]:
    """Return the one subject: all optimizers, from the same starts on the same batches."""
    return [Subject("training", {"entrants": entrants(document, _entrant)}, MEASURES)]


def fields_of(subject: Subject) -> Mapping[str, Field]:
    """Return the fields of a scenario."""
    return FIELDS


def scenario_of(subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario at a point; raise ValueError if its sizes do not fit together."""
    scenario = filled(FIELDS, values)
    d, m, k = (scenario[name] for name in ("input_dim", "output_dim", "rank"))
    if not k < d:
        raise ValueError(f"rank={k}, needs < input_dim={d}")
    if not k <= m:
        raise ValueError(f"rank={k}, needs <= output_dim={m}")
    return scenario


def measure(subject: Mapping[str, Any], scenario: Mapping[str, Any], seed: int) -> list[Row]:
    """Train every optimizer on one drawn problem, each until it is within the level.

    A diverged one has no steps and no distance.
    """
    path = ("sweep", *(f"{name}={scenario[name]}" for name in sorted(set(scenario) - _NOT_DRAWN)))
    problem, start = _drawn(scenario, seed, path)
    methods = {one["label"]: _method(one, scenario) for one in subject["entrants"]}
    num_steps = scenario["num_steps"]

    def apart(weights: Weights) -> torch.Tensor:
        return subspace_distance(weights.representation, problem.representation_star)

    outcome = race(
        list(methods.values()),
        start,
        _batches(problem, scenario["batch_size"], seed, path),
        num_steps=num_steps,
        observe={"distance": apart},
        arrived=lambda weights: apart(weights) <= scenario["level"],
    )
    distances = outcome.seen["distance"][:, :, 0].numpy()
    first = first_below(distances, scenario["level"])
    rows = []
    for i, one in enumerate(subject["entrants"]):
        diverged = int(outcome.lasted[i, 0]) < num_steps
        steps = None if diverged or math.isinf(first[i]) else float(first[i])
        final = None if diverged else float(distances[-1, i])
        word = "diverged" if diverged else "arrived" if steps is not None else "on the way"
        predicted = _kfac_steps(problem, start, scenario) if _lawful(one, scenario) else None
        rows.append(row(one["label"], "steps", steps, outcome=word, predicted=predicted))
        rows.append(row(one["label"], "distance", final, outcome=word))
    return rows


def _entrant(section: Section) -> dict[str, Any]:
    name = section.word("name", sorted(OPTIMIZERS))
    kind = OPTIMIZERS[name].optimizer  # type: ignore[attr-defined]
    options = {}
    for option in section.names():
        if option in ("name", "label"):
            continue
        bound = bounds_of(kind).get(option)
        value = section.take(option)
        if bound is None and option != "head":
            known = [*bounds_of(kind), "head"]
            raise ValueError(f"{section.path}: {name} has no {option!r}, needs one of {known}")
        if bound is not None and not bound.allows(value):
            raise section.error(option, value, bound.text)
        options[option] = value
    one = {"name": name, "options": options}
    try:
        _method(one, filled(FIELDS, {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{section.path}: {error}") from None
    return one


def _method(one: Mapping[str, Any], scenario: Mapping[str, Any]) -> Method:
    return OPTIMIZERS[one["name"]](**{"step_size": scenario["step_size"], **one["options"]})


def _drawn(
    scenario: Mapping[str, Any], seed: int, path: tuple[str, ...]
) -> tuple[LinearRepresentation, Weights]:
    """Return a problem and a start at the given angle, with the least-squares head."""
    d, m, k = (scenario[name] for name in ("input_dim", "output_dim", "rank"))
    stream = generator(seed, *path, "problem")
    values = torch.from_numpy(
        CovarianceSpec(d, scenario["family"], scenario["log10_cond"]).spectrum()
    )
    basis = haar(1, d, stream)
    Sigma, root = ((basis * v) @ basis.mT for v in (values, values.sqrt()))
    G_star = draw_representation(1, k, d, stream)
    F_star = draw_head(1, head_eigenvalues(k, scenario["head_cond"]), m, stream)
    problem = LinearRepresentation(
        F_star, G_star, (Sigma + Sigma.mT) / 2, (root + root.mT) / 2, scenario["noise_std"]
    )
    G = tilt(G_star, scenario["start_tangent"], stream, gauge=False)
    G = torch.linalg.qr(G.mT)[0].mT
    return problem, Weights(least_squares_head(G, population_batch(problem)), G)


def _batches(
    problem: LinearRepresentation, size: int, seed: int, path: tuple[str, ...]
) -> Callable[[int], Batch]:
    infinite = population_batch(problem)
    if size == 0:
        return lambda step: infinite
    return lambda step: sample(problem, size, generator(seed, *path, "batch", step))


def _lawful(one: Mapping[str, Any], scenario: Mapping[str, Any]) -> bool:
    """Say whether LR-28 speaks of this run: KFAC as in the paper, infinite data, steps up to 1."""
    plain = one["name"] == "kfac" and not one["options"]
    return plain and not scenario["batch_size"] and scenario["step_size"] <= 1


def _kfac_steps(
    problem: LinearRepresentation, start: Weights, scenario: Mapping[str, Any]
) -> float | None:
    root, G_star, G = (
        x[0].numpy() for x in (problem.root, problem.representation_star, start.representation)
    )
    laws = predicted_rows(root, G_star, G, step_size=scenario["step_size"])
    path = islice(laws, scenario["num_steps"] + 1)
    near = (t for t, rows in enumerate(path) if distance(rows, G_star) <= scenario["level"])
    return next(map(float, near), None)
