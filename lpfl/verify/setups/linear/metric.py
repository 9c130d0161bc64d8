"""Principal angles in the Sigma inner product: starts, readings, runs, and their picture."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import global_distance_bound

PICTURE_CONDITIONS = (0.0, 2.0, 4.0, 6.0)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """A run of KFAC: its start, sines in the Sigma metric and Euclidean distances per time."""

    problem: model.LinearRepresentation
    batch: model.Batch
    start: Tensor
    after_one: Tensor
    sines: Array
    distances: Array


def rows(problem: model.LinearRepresentation, G: Tensor) -> Tensor:
    """Return orthonormal rows spanning those of G Sigma^{1/2}."""
    return linalg.orthonormal_rows(G @ problem.root)


def sines(problem: model.LinearRepresentation, G: Tensor) -> Tensor:
    """Return the sines of the principal angles in the Sigma inner product, descending (R, k)."""
    truth = rows(problem, problem.representation_star)
    own = rows(problem, G)
    return torch.linalg.svdvals(own - (own @ truth.mT) @ truth)


def tangents(problem: model.LinearRepresentation, G: Tensor) -> Tensor:
    """Return the tangents of the principal angles in the Sigma inner product, descending."""
    return linalg.principal_tangents(rows(problem, G), rows(problem, problem.representation_star))


def start_at(trial: Trial, problem: model.LinearRepresentation, tan_angle: float) -> Tensor:
    """Return a start in a random gauge whose largest angle in the Sigma metric is the given one."""
    truth = rows(problem, problem.representation_star)
    tilted = model.tilt(truth, tan_angle, trial.stream("start"))
    return torch.linalg.solve(problem.root, tilted, left=False)


def through(problem: model.LinearRepresentation, cov_x: Tensor) -> model.LinearRepresentation:
    """Return the problem with the second moments ``cov_x`` (d, d) for its covariance."""
    values, vectors = torch.linalg.eigh(cov_x)
    return replace(problem, cov_x=cov_x, root=(vectors * values.sqrt()) @ vectors.mT)


def run(
    problem: model.LinearRepresentation, G: Tensor, batch: model.Batch, eta: float, steps: int
) -> Course:
    """Run KFAC with the least-squares head on the same batch from ``G``."""
    method = kfac.kfac(step_size=eta)
    start = model.Weights(problem.head_star, G)
    _, seen = simulate(
        method,
        start,
        lambda t: batch,
        num_steps=steps,
        observe={
            "sines": lambda w: sines(problem, w.representation),
            "distance": lambda w: linalg.subspace_distance(
                w.representation, problem.representation_star
            ),
        },
    )
    after_one = method.step(start, method.init(start), batch)[0].representation
    return Course(
        problem,
        batch,
        G,
        after_one,
        as_numpy(seen["sines"][:, 0]),
        as_numpy(seen["distance"][:, 0]),
    )


def distance_bounds(start: float, condition: float, eta: float, steps: int) -> Array:
    """Return theory's bound on the Euclidean distance at times 0..steps."""
    below_one = min(start, float(np.nextafter(1.0, 0.0)))
    return np.array([
        global_distance_bound(
            below_one, condition_number=condition, step_size=eta, num_steps=t
        )
        for t in range(steps + 1)
    ])  # fmt: skip


def distance_picture(trial: Trial) -> Mapping[str, Any]:
    """Return distance against steps for several condition numbers, and their bounds."""
    eta, steps, dim, angle = 0.2, 60, 20, 1.3
    series = []
    for log10_cond in PICTURE_CONDITIONS:
        covariance = CovarianceSpec(dim, "geometric", log10_cond, "haar", 1)
        fields = {"input_dim": dim, "rank": 3, "output_dim": 5, "covariance": covariance}
        drawn = Scenario({**fields, "head_log10_cond": 1.0, "step_size": eta, "angle": angle})
        other = replace(trial, scenario=drawn, memory={})
        problem = setup.draw_truth(other, replicates=1)
        start = start_at(other, problem, math.tan(angle))
        course = run(problem, start, model.population_batch(problem), eta, steps)
        limits = distance_bounds(float(course.sines[0, 0]), 10**log10_cond, eta, steps)
        times = list(range(0, steps + 1, 2))
        name = f"κ = 1e{log10_cond:.0f}"
        series += [
            {"name": f"{name}, runs", "style": "points", "x": times,
             "y": course.distances[::2].tolist()},
            {"name": f"{name}, bound", "style": "line", "x": times,
             "y": np.minimum(limits[::2], 1.0).tolist()},
        ]  # fmt: skip
    return {
        "title": "KFAC pays for the condition number once, as a delay",
        "x_label": "step",
        "y_label": "subspace distance",
        "x_scale": "linear",
        "y_scale": "log",
        "series": series,
        "note": f"step size {eta}, largest angle {angle} in the Sigma metric at the start; a bound "
        "above 1 is drawn at 1",
    }
