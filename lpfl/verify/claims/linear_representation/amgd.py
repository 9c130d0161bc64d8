"""LR-13, LR-14: alternating minimisation-descent on isotropic inputs."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim import amgd
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of, default_facts
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Integers, Reals, ScenarioSpace
from theory.linear_representation import (
    amgd_lower_bound,
    amgd_sine_step,
    amgd_two_cycle,
    tangent_step,
)

STEPS = 40
CYCLE_STEPS = 6


def head_modes(problem: model.LinearRepresentation) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues (R, k), ascending, and eigenvectors (R, k, k) of F*'F*."""
    values, vectors = torch.linalg.eigh(problem.head_star.mT @ problem.head_star)
    return values, vectors


def start_along(problem: model.LinearRepresentation, direction: Tensor, tangent: Tensor) -> Tensor:
    """Return orthonormal rows whose tangent matrix is ``tangent direction w'`` (R, k, d).

    direction (R, k) is a unit vector in the row space of G*, w the first complement row.
    """
    T = tangent[:, None, None] * direction[:, :, None] * problem.complement[:, :1]
    return linalg.orthonormal_rows(problem.representation_star + T)


def measure_dynamics(trial: Trial) -> list[Finding]:
    """LR-13: tangents after one AMGD step, along an eigenvector of H, and from another gauge."""
    scenario = trial.scenario
    eta = scenario.step_size
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    G_star, B = problem.representation_star, problem.complement
    G = linalg.orthonormal_rows(model.tilt(G_star, scenario.tan_angle, trial.stream("start")))
    T = linalg.tangent_matrix(G, G_star, B)
    after = amgd.amgd_step(G, batch, step_size=eta)
    H = problem.head_star.mT @ problem.head_star
    H = (H + H.mT) / 2
    predicted = trial.tensor(
        tangent_step("amgd", as_numpy(T[0]), step_size=eta, head_gram=as_numpy(H[0]))
    )
    measured = linalg.tangent_matrix(after.representation, G_star, B)
    norm = torch.linalg.matrix_norm
    overlap = after.representation @ G_star.mT
    tolerance = linalg.machine_tolerance(
        trial.dtype, dim=scenario.input_dim, condition=condition_of(overlap, G @ G_star.mT)
    )
    error = norm(measured - predicted) / (norm(T) * (1.0 + eta * norm(H)))

    values, vectors = head_modes(problem)
    sines = []
    for mode in range(scenario.rank):
        start = start_along(problem, vectors[..., mode], trial.tensor([scenario.tan_angle]))
        moved = amgd.amgd_step(start, batch, step_size=eta).representation
        seen = linalg.subspace_distance(moved, G_star)
        sine = linalg.subspace_distance(start, G_star)
        want = amgd_sine_step(float(sine), scaled_step=float(eta * values[0, mode]))
        sines.append(abs(float(seen) - want) / float(sine))
    return [
        *setup.exact_findings(trial),
        Finding("run: tangents", decide.identity(as_numpy(error), tolerance=tolerance)),
        Finding(
            "run: along eigenvectors",
            decide.identity(sines, tolerance=tolerance * (1.0 + 1.0 / scenario.tan_angle)),
        ),
    ]


DYNAMICS = Check(
    claim_id="LR-13",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            setup.HEAD_COND,
            Reals("step_size", 0.01, 2.5),
            Reals("tan_angle", 0.05, 2.0),
        ),
        anchors=(setup.paper(head_log10_cond=1.0, step_size=0.5, tan_angle=0.5),),
    ),
    measure=measure_dynamics,
)


def trajectory_picture(
    trial: Trial, distances: NDArray[np.float64], floor: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the slow trajectory beside the lower bound."""
    steps = list(range(len(floor)))
    return {
        "title": "AMGD cannot be faster than its lower bound",
        "x_label": "step",
        "y_label": "subspace distance",
        "x_scale": "linear",
        "y_scale": "log",
        "series": [
            {"name": "lower bound", "style": "line", "x": steps, "y": floor.tolist()},
            {
                "name": "AMGD, worst start",
                "style": "points",
                "x": steps,
                "y": distances.tolist(),
            },
        ],
        "note": f"head condition number {10**trial.scenario.head_log10_cond:.3g}",
    }


def lower_bound_facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the number of steps."""
    return {**default_facts(scenario), "num_steps": STEPS}


def measure_lower_bound(trial: Trial) -> list[Finding]:
    """LR-14: the slow start stays above the bound for every step size; the exact 2-cycle."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    values, vectors = head_modes(problem)
    smallest, largest = float(values[0, 0]), float(values[0, -1])
    eta = scenario.step_size / largest  # the largest eigenvalue of H is 1
    cycling = scenario.step_size > 2.0
    if cycling:
        sine = amgd_two_cycle(step_size=eta, head_max=largest)
        direction = vectors[..., -1]
    else:
        sine = scenario.distance
        direction = vectors[..., 0]
    tangent = trial.tensor([sine / math.sqrt(1.0 - sine**2)])
    _, seen = simulate(
        amgd.amgd(step_size=eta),
        model.Weights(problem.head_star, start_along(problem, direction, tangent)),
        lambda t: batch,
        num_steps=STEPS,
        observe={
            "distance": lambda w: linalg.subspace_distance(
                w.representation, problem.representation_star
            )
        },
    )
    distances = as_numpy(seen["distance"][:, 0])
    kappa = max(largest / smallest, 1.0)
    floor = np.array(
        [amgd_lower_bound(sine, head_condition_number=kappa, num_steps=t) for t in range(STEPS + 1)]
    )
    rounding = linalg.machine_tolerance(trial.dtype, dim=scenario.input_dim)
    # floor <= distance is read as floor / distance <= 1, so that late, small distances count
    # too; a distance carries an absolute error that grows linearly with the steps.
    above = distances > 10 * rounding * (1.0 + np.arange(STEPS + 1))
    error = rounding * (1.0 + np.arange(STEPS + 1)) / np.maximum(distances, rounding)
    findings = [
        Finding(
            "slow start",
            decide.bound((floor / np.maximum(distances, rounding))[above], 1.0,
                         rounding=error[above]),
            picture=trajectory_picture(trial, distances, floor),
        )
    ]  # fmt: skip
    if cycling:
        drift = np.abs(distances[:CYCLE_STEPS] - distances[0]) / distances[0]
        # The cycle repels: rounding grows by at most this factor per step.
        tolerance = rounding * (1.0 + 2.0 * scenario.step_size) ** CYCLE_STEPS
        findings.append(Finding("2-cycle", decide.identity(drift, tolerance=tolerance)))
    return findings


LOWER_BOUND = Check(
    claim_id="LR-14",
    space=ScenarioSpace(
        axes=(
            setup.INPUT_DIM,
            Integers("rank", 2, lambda v: max(2, min(6, v["input_dim"] - 1))),
            setup.OUTPUT_DIM,
            Reals("head_log10_cond", 0.05, 2.0),
            Reals("step_size", 0.05, 4.0),
            Reals("distance", 0.05, 0.95),
        ),
        anchors=(
            setup.paper(head_log10_cond=1.0, step_size=1.0, distance=0.5),
            setup.paper(head_log10_cond=1.0, step_size=3.0, distance=0.5),
        ),
    ),
    measure=measure_lower_bound,
    facts=lower_bound_facts,
)
