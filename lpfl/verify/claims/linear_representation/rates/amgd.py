"""LR-13, LR-14: alternating minimisation-descent on isotropic inputs."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import amgd
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Decided, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.isotropic import head_modes, sine, start_along, tangent_along
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding, truncation
from lpfl.verify.trial import Trial, as_numpy, condition_of, default_facts
from theory.linear_representation import (
    amgd_lower_bound,
    amgd_sine_step,
    amgd_two_cycle,
    tangent_step,
)

STEPS = 40
CYCLE_STEPS = 6
NEAR = 1e-4  # sine of a start near the solution
SECOND_ORDER = truncation(4.0 * NEAR**2, "sine 1e-4: the next order is its square, times h <= 2")


ANGLE_ANCHOR = setup.paper(head_log10_cond=1.0, step_size=0.5, tan_angle=0.5)


@check(
    "LR-13",
    (
        *setup.SIZES,
        setup.HEAD_COND,
        Reals("step_size", 0.01, 2.5),
        Reals("tan_angle", 0.05, 2.0),
    ),
    anchors=(ANGLE_ANCHOR,),
)
def angle_dynamics(trial: Trial) -> Iterator[Comparison]:
    """Tangents after one AMGD step: from any start, from another gauge, along eigenvectors."""
    yield from exact_parts(trial)
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    G_star, B = problem.representation_star, problem.complement
    G = linalg.orthonormal_rows(model.tilt(G_star, trial.tan_angle, trial.stream("start")))
    turned = model.tilt(G_star, 0.0, trial.stream("gauge")) @ G_star.mT
    values = {
        "G_o": as_numpy(G),
        "R": as_numpy(turned),
        "F^*": as_numpy(problem.head_star),
        "G^*": as_numpy(G_star),
        "B": as_numpy(B),
        "eta": trial.step_size,
    }
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
    growth = 1.0 + trial.step_size * torch.linalg.matrix_norm(problem.head_star) ** 2
    for part, start in (("tangent", G), ("rescaled", turned @ G)):
        after = amgd.amgd_step(start, model.population_batch(problem), step_size=trial.step_size)
        stated = trial.tensor(trial.claim[part].matrix(values, sizes=sizes))
        if part == "rescaled":  # the rows of the step: only their span is seen
            stated = linalg.tangent_matrix(stated, G_star, B)
        overlap = after.representation @ G_star.mT
        T = linalg.tangent_matrix(start, G_star, B)
        yield Same(
            part=part,
            label="run",
            measured=linalg.tangent_matrix(after.representation, G_star, B),
            predicted=stated,
            axes=2,
            scale=torch.linalg.matrix_norm(T) * growth,
            tolerance=rounding(
                trial.dtype,
                dim=trial.input_dim,
                condition=condition_of(overlap, start @ G_star.mT) * condition_of(turned) ** 2,
            ),
        )
    yield along_eigenvectors(trial, problem)


@angle_dynamics.extra("any covariance", on=(ANGLE_ANCHOR,))
def any_covariance(trial: Trial) -> Iterator[Comparison]:
    """Inputs that are not isotropic: the step of the function against a run, with its own H."""
    spec = CovarianceSpec(trial.input_dim, "geometric", 1.0, "haar", 0)
    scenario = Scenario({**trial.scenario, "covariance": spec})
    problem = setup.draw_truth(replace(trial, scenario=scenario, memory={}), replicates=1)
    G_star, B = problem.representation_star, problem.complement
    start = linalg.orthonormal_rows(model.tilt(G_star, trial.tan_angle, trial.stream("oblique")))
    after = amgd.amgd_step(start, model.population_batch(problem), step_size=trial.step_size)
    T = linalg.tangent_matrix(start, G_star, B)
    F, frame = problem.head_star[0], torch.cat([G_star, B], dim=-2)[0]
    turned = frame @ problem.cov_x @ frame.mT
    overlap = after.representation @ G_star.mT
    growth = 1.0 + trial.step_size * torch.linalg.matrix_norm(F) ** 2
    yield Same(
        part="any covariance",
        measured=linalg.tangent_matrix(after.representation, G_star, B),
        predicted=tangent_step(
            "amgd",
            as_numpy(T[0]),
            step_size=trial.step_size,
            cov_x=as_numpy((turned + turned.mT) / 2),
            head_gram=as_numpy(F.mT @ F),
        ),
        axes=2,
        scale=torch.linalg.matrix_norm(T) * growth,
        tolerance=rounding(
            trial.dtype,
            dim=trial.input_dim,
            condition=condition_of(overlap, start @ G_star.mT, problem.cov_x),
        ),
    )


def along_eigenvectors(trial: Trial, problem: model.LinearRepresentation) -> Same:
    """Compare the sines after a step from a start along each eigenvector of H."""
    values, vectors = head_modes(problem)
    k = trial.rank
    wide = setup.repeated(problem, k)
    tangents = trial.tensor([trial.tan_angle]).expand(k)
    start = start_along(wide, vectors[0].mT, tangents)
    moved = amgd.amgd_step(start, model.population_batch(wide), step_size=trial.step_size)
    before = linalg.subspace_distance(start, wide.representation_star)
    after = linalg.subspace_distance(moved.representation, wide.representation_star)
    pairs = zip(as_numpy(before), trial.step_size * as_numpy(values[0]), strict=True)
    stated = np.array([amgd_sine_step(float(s), scaled_step=float(h)) for s, h in pairs])
    overlap = start @ wide.representation_star.mT
    return Same(
        part="sine",
        label="run",
        measured=after,
        predicted=stated,
        scale=before,
        tolerance=rounding(
            trial.dtype,
            dim=trial.input_dim,
            condition=(1.0 + 1.0 / trial.tan_angle) * condition_of(overlap),
        ),
    )


def scaled_facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the number of steps; the largest eigenvalue of H is 1."""
    return {**default_facts(scenario), "num_steps": STEPS, "head_max": 1.0}


@check(
    "LR-14",
    (
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
    facts=scaled_facts,
)
def lower_bound(trial: Trial) -> Iterator[Comparison]:
    """The slow start stays above the bound at this step size; the 2-cycle; the best step."""
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    values, vectors = head_modes(problem)
    smallest, largest = values[0, 0], float(values[0, -1])
    kappa = max(largest / float(smallest), 1.0)
    cycling = trial.step_size * largest > 2.0
    if cycling:
        start = amgd_two_cycle(step_size=trial.step_size, head_max=largest)
        direction = vectors[..., -1]
    else:
        start, direction = trial.distance, vectors[..., 0]
    sines = as_numpy(signed_sines(trial, problem, direction, start, trial.step_size, STEPS))
    trial.memory["distances"] = np.abs(sines), stated_floor(start, kappa)
    yield above(trial, *trial.memory["distances"])
    if cycling:
        signs = (-1.0) ** np.arange(CYCLE_STEPS)
        yield Same(
            part="cycle",
            measured=signs * sines[:CYCLE_STEPS],
            predicted=math.sqrt(trial.number("cycle", head_max=largest)),
            tolerance=rounding(
                trial.dtype,
                dim=trial.input_dim,
                condition=(1.0 + 2.0 * trial.step_size) ** CYCLE_STEPS,
                why="the cycle repels: rounding grows by at most 1 + 2 eta lambda per step",
            ),
        )
    best = 2.0 / (float(smallest) + largest)
    after = [
        as_numpy(signed_sines(trial, problem, vectors[..., mode], NEAR, best, 1))
        for mode in range(trial.rank)
    ]
    yield Same(
        part="optimal",
        measured=max(float(abs(end / begin)) for begin, end in after),
        predicted=trial.number("optimal", head_condition_number=kappa),
        scale=1.0,
        tolerance=SECOND_ORDER + rounding(trial.dtype, dim=trial.input_dim, condition=1.0 / NEAR),
    )


def signed_sines(
    trial: Trial,
    problem: model.LinearRepresentation,
    direction: Tensor,
    start: float,
    step_size: float,
    num_steps: int,
) -> Tensor:
    """Run AMGD from a sine along ``direction``; return the signed sines (num_steps + 1,)."""
    tangent = trial.tensor([start / math.sqrt(1.0 - start**2)])
    batch = model.population_batch(problem)
    _, seen = simulate(
        amgd.amgd(step_size=step_size),
        model.Weights(problem.head_star, start_along(problem, direction, tangent)),
        lambda t: batch,
        num_steps=num_steps,
        observe={"sine": lambda w: sine(tangent_along(w.representation, problem, direction))},
    )
    return seen["sine"][:, 0]


def stated_floor(start: float, kappa: float) -> NDArray[np.float64]:
    """Return the lower bound at times 0..STEPS."""
    times = range(STEPS + 1)
    return np.array(
        [amgd_lower_bound(start, head_condition_number=kappa, num_steps=t) for t in times]
    )


def above(trial: Trial, distances: Any, floor: Any) -> Decided:
    """Decide floor <= distance as floor / distance <= 1, so that late, small distances count too.

    A distance carries an absolute error that grows linearly with the steps; those within ten times
    their error are left out.
    """
    solve = linalg.machine_tolerance(trial.dtype, dim=trial.input_dim)
    error = solve * (1.0 + np.arange(STEPS + 1))
    seen = distances > 10.0 * error
    seen[0] = not seen[1:].any()  # at the start both are the same
    measured, limit = distances[seen], floor[seen]
    verdict = decide.bound(limit / measured, 1.0, rounding=error[seen] / measured)
    tightest = int(np.argmax(limit / (measured + error[seen])))
    return Decided(
        part="lower",
        verdict=replace(
            verdict, predicted=float(limit[tightest]), measured=float(measured[tightest])
        ),
    )


@lower_bound.picture(on=lower_bound.space.anchors[:1])
def slow_trajectory(trial: Trial) -> dict[str, Any]:
    """The slow trajectory beside the lower bound."""
    distances, floor = trial.memory["distances"]
    steps = list(range(len(floor)))
    return {
        "title": "AMGD cannot be faster than its lower bound",
        "x_label": "step",
        "y_label": "subspace distance",
        "x_scale": "linear",
        "y_scale": "log",
        "series": [
            {"name": "lower bound", "style": "line", "x": steps, "y": floor.tolist()},
            {"name": "AMGD, worst start", "style": "points", "x": steps, "y": distances.tolist()},
        ],
        "note": f"head condition number {10**trial.head_log10_cond:.3g}",
    }
