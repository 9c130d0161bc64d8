"""LR-07: the principal angles after one KFAC step with a least-squares head."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import linalg
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import step
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of, default_facts
from theory.linear_representation import tangent_step


def tangent_facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the largest angle of the start."""
    return {**default_facts(scenario), "angle": math.atan(scenario.tan_angle)}


@check(
    "LR-07",
    (
        *setup.SIZES,
        setup.BATCH_SIZE,
        setup.COVARIANCE,
        setup.HEAD_COND,
        setup.STEP_SIZE,
        setup.INPUT_LAW,
        Reals("tan_angle", 0.05, 2.0),
    ),
    anchors=setup.paper_batches(step_size=0.1, tan_angle=0.5),
    facts=tangent_facts,
)
def tangents_after_a_step(trial: Trial) -> Iterator[Comparison]:
    """Tangent matrix and gauge after one step: population, noiseless batch, isotropic input."""
    yield from exact_parts(trial)
    problem = setup.draw_truth(trial, replicates=1)
    batch = setup.draw_batch(trial, problem)
    G = model.tilt(problem.representation_star, trial.tan_angle, trial.stream("start"))
    unit = torch.eye(trial.input_dim, dtype=trial.dtype, device=trial.device)
    white = replace(problem, cov_x=unit, root=unit)
    cases = {
        "population": model.population_batch(problem),
        "noiseless batch": model.Batch(batch.cov_x, batch.cross),
    }
    for label, moments in cases.items():
        yield from one_step(trial, problem, G, moments, "tangent", label)
    isotropic = model.population_batch(white)
    yield from one_step(trial, white, G, isotropic, "isotropic", "run")
    start = linalg.principal_tangents(G, problem.representation_star)
    G_next = kfac_step(trial, problem, G, isotropic)
    angles = np.arctan(as_numpy(start))
    angles[:, 0] = math.atan(trial.tan_angle)  # the largest angle is the one asked for
    yield Same(
        part="isotropic_angle",
        measured=linalg.principal_tangents(G_next, problem.representation_star),
        predicted=np.sort(trial.number("isotropic_angle", angle=angles))[..., ::-1],
        tolerance=step_rounding(trial, problem, G, isotropic),
        axes=1,
        scale=torch.linalg.vector_norm(start, dim=-1),
    )


def kfac_step(
    trial: Trial, problem: model.LinearRepresentation, G: Tensor, moments: model.Batch
) -> Tensor:
    """Return the representation after one step with the least-squares head."""
    start = model.Weights(problem.head_star, G)
    return kfac.kfac(step_size=trial.step_size).step(start, {}, moments)[0].representation


def step_rounding(
    trial: Trial, problem: model.LinearRepresentation, G: Tensor, moments: model.Batch
) -> Tolerance:
    """Return the rounding of one step: Sigma, the head and the overlap with G* are inverted."""
    overlap = kfac_step(trial, problem, G, moments) @ problem.representation_star.mT
    F = model.least_squares_head(G, moments)
    condition = condition_of(moments.cov_x) * condition_of(F, overlap)
    return rounding(trial.dtype, dim=trial.input_dim, condition=condition)


def one_step(
    trial: Trial,
    problem: model.LinearRepresentation,
    G: Tensor,
    moments: model.Batch,
    part: str,
    label: str,
) -> Iterator[Comparison]:
    """Compare the tangent matrix after the step, and the step in another gauge."""
    G_star, B = problem.representation_star, problem.complement
    T = linalg.tangent_matrix(G, G_star, B)
    G_next = kfac_step(trial, problem, G, moments)
    tolerance = step_rounding(trial, problem, G, moments)
    if part == "tangent":
        frame = torch.cat([G_star, B], dim=-2)
        turned = frame @ moments.cov_x @ frame.mT
        predicted = tangent_step(
            "kfac",
            as_numpy(T[0]),
            step_size=trial.step_size,
            cov_x=as_numpy((turned + turned.mT)[0] / 2),
        )
    else:
        predicted = step.printed(trial, part, {"T": as_numpy(T), "eta": trial.step_size})
    yield Same(
        part=part,
        label=label,
        measured=linalg.tangent_matrix(G_next, G_star, B),
        predicted=predicted,
        tolerance=tolerance,
        axes=2,
        # With step 1 the tangents vanish: errors are relative to the tangents before the step.
        scale=torch.linalg.matrix_norm(T),
    )
    R = model.tilt(G_star, 0.0, trial.stream("gauge")) @ G_star.mT
    values = {
        "R": as_numpy(R),
        "G": as_numpy(G),
        "F^*": as_numpy(problem.head_star),
        "G^*": as_numpy(G_star),
        "Sigma": as_numpy(moments.cov_x),
        "eta": trial.step_size,
    }
    yield Same(
        part="gauge",
        label=label if part == "tangent" else "isotropic input",
        measured=kfac_step(trial, problem, R @ G, moments),
        predicted=step.printed(trial, "gauge", values),
        tolerance=tolerance.times(condition_of(R), "times the condition number of the gauge"),
        axes=2,
        scale=torch.linalg.matrix_norm(R @ G),
    )
