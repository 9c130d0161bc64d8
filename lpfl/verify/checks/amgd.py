"""LR-13, LR-14: alternating minimisation-descent on isotropic inputs."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim import amgd
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.checks import linear_setup as setup
from lpfl.verify.space import Integers, Reals, ScenarioSpace
from theory.linear_representation import amgd_lower_bound, amgd_sine_ratio, tangent_step

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
        want = amgd_sine_ratio(float(eta * values[0, mode]), sine=float(sine))
        sines.append(float((seen / sine - want).abs().max()))
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


def trajectory_picture(trial: Trial, distances: Tensor, floor: np.ndarray) -> dict[str, Any]:
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
                "y": as_numpy(distances[:, 0]).tolist(),
            },
        ],
        "note": f"head condition number {10**trial.scenario.head_log10_cond:.3g}",
    }


def measure_lower_bound(trial: Trial) -> list[Finding]:
    """LR-14: the slow start stays above the bound for every step size; the exact 2-cycle."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=2)
    batch = model.population_batch(problem)
    values, vectors = head_modes(problem)
    kappa = float(values[0, -1] / values[0, 0])
    eta = scenario.scaled_step / float(values[0, -1])
    cycling = scenario.scaled_step > 2.0
    if cycling:
        square = 0.5 - 1.0 / scenario.scaled_step
        direction = vectors[..., -1]
    else:
        square = scenario.sine**2
        direction = vectors[..., 0]
    tangent = trial.tensor([math.sqrt(square / (1.0 - square))] * 2)
    start = start_along(problem, direction, tangent)
    _, seen = simulate(
        amgd.amgd(step_size=eta),
        model.Weights(problem.head_star, start),
        lambda t: batch,
        num_steps=STEPS,
        observe={
            "distance": lambda w: linalg.subspace_distance(
                w.representation, problem.representation_star
            )
        },
    )
    distances = seen["distance"]
    floor = amgd_lower_bound(
        np.arange(STEPS + 1), head_condition_number=kappa, distance=math.sqrt(square)
    )
    rounding = linalg.machine_tolerance(trial.dtype, dim=scenario.input_dim)
    limits = as_numpy(distances)
    # floor <= distance, read as floor / distance <= 1 so that late, small distances count too
    growth = 1.0 + np.arange(STEPS + 1)[:, None]
    ratio = floor[:, None] / np.maximum(limits, 1e-300)
    findings = [
        Finding(
            "slow start",
            decide.bound(
                ratio.ravel(),
                1.0,
                rounding=(rounding * growth / np.maximum(limits, rounding)).ravel().repeat(2)
                if limits.shape[1] == 1
                else np.broadcast_to(
                    rounding * growth / np.maximum(limits, rounding), ratio.shape
                ).ravel(),
            ),
            picture=trajectory_picture(trial, distances, floor),
        )
    ]
    if cycling:
        drift = (distances[:CYCLE_STEPS] - distances[0]).abs() / distances[0]
        # The cycle repels: a rounding error grows by a bounded factor per step.
        growth_per_step = 1.0 + 2.0 * scenario.scaled_step
        tolerance = rounding * growth_per_step**CYCLE_STEPS
        findings.append(
            Finding("2-cycle", decide.identity(as_numpy(drift).ravel(), tolerance=tolerance))
        )
    return findings


LOWER_BOUND = Check(
    claim_id="LR-14",
    space=ScenarioSpace(
        axes=(
            setup.INPUT_DIM,
            Integers("rank", 2, lambda v: max(2, min(6, v["input_dim"] - 1))),
            setup.OUTPUT_DIM,
            Reals("head_log10_cond", 0.05, 2.0),
            Reals("scaled_step", 0.05, 4.0),
            Reals("sine", 0.05, 0.95),
        ),
        anchors=(
            setup.paper(head_log10_cond=1.0, scaled_step=1.0, sine=0.5),
            setup.paper(head_log10_cond=1.0, scaled_step=3.0, sine=0.5),
        ),
    ),
    measure=measure_lower_bound,
)
