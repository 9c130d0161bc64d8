"""LR-28: the global law of KFAC in the Sigma inner product, and what it says of the distance."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Greater, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import metric, step
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Covariances, Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of, default_facts
from theory.linear_representation import global_sine, global_tangent

STEPS = 12
# With damping at least the largest eigenvalue of Sigma at most half the step arrives; the rest of
# the difference is of second order in this tangent.
DAMPED_TANGENT = 0.2


def global_facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the number of steps and the start's distance; the angle is in the Sigma metric."""
    known = {"num_steps": STEPS, "distance_covariance": math.sin(scenario.angle)}
    return {**default_facts(scenario), **known}


@check(
    "LR-28",
    (
        *setup.SIZES,
        setup.BATCH_SIZE,
        Covariances(max_log10_cond=6.0),
        Reals("head_log10_cond", 0.0, 1.0),
        setup.INPUT_LAW,
        setup.STEP_SIZE,
        Reals("angle", 0.05, 1.5),
    ),
    anchors=(
        setup.paper(
            batch_size=1024,
            input_law="rademacher",
            covariance=setup.paper_covariance(4.0),
            head_log10_cond=1.0,
            step_size=0.1,
            angle=1.2,
        ),
    ),
    facts=global_facts,
)
def global_law(trial: Trial) -> Iterator[Comparison]:
    """Every angle over one step and over the run, the Euclidean bound, and where the law fails."""
    yield from exact_parts(trial)
    problem = setup.draw_truth(trial, replicates=1)
    batch = setup.draw_batch(trial, problem)
    cases = {
        "population": (problem, model.population_batch(problem)),
        "noiseless batch": (
            metric.through(problem, batch.cov_x[0]),
            model.Batch(batch.cov_x, batch.cross),
        ),
    }
    for label, (seen_as, moments) in cases.items():
        start = metric.start_at(trial, seen_as, math.tan(trial.angle))
        course = metric.run(seen_as, start, moments, trial.step_size, STEPS)
        setup.admit(
            trial,
            seen_as,
            angle=math.asin(min(float(course.sines[0, 0]), 1.0)),
            distance_covariance=float(course.sines[0, 0]),
            num_steps=STEPS,
        )
        yield from law(trial, course, label)
        yield from failures(trial, course, label)


def law_rounding(trial: Trial, problem: model.LinearRepresentation) -> Tolerance:
    """Return the rounding of sines in the Sigma metric.

    F'F is inverted, with F = F_ls(G) = F* times an overlap in the Sigma metric: cosines of the
    start, as small as cos(angle). Later steps have smaller angles and forget earlier errors.
    """
    head = condition_of(problem.head_star) / math.cos(trial.angle)
    condition = condition_of(problem.cov_x) * head**2
    return rounding(trial.dtype, dim=trial.input_dim, condition=condition)


def law(trial: Trial, course: metric.Course, label: str) -> Iterator[Comparison]:
    """Confront a run with the law in the metric of the second moments that it sees."""
    eta, problem = trial.step_size, course.problem
    tolerance = law_rounding(trial, problem)
    angles = np.arcsin(np.minimum(course.sines[0], np.nextafter(1.0, 0.0)))
    yield Same(
        part="sine",
        label=f"{label}, one step",
        measured=course.sines[1],
        predicted=np.sort(trial.number("sine", angle=angles))[::-1],
        tolerance=tolerance,
        scale=1.0,
    )
    before = as_numpy(metric.tangents(problem, course.start)[0])
    yield Same(
        part="tangent",
        label=f"{label}, one step",
        measured=metric.tangents(problem, course.after_one)[0],
        predicted=np.sort([global_tangent(float(t), step_size=eta) for t in before])[::-1],
        tolerance=tolerance,
        scale=1.0 + float(before[0]) ** 2,  # the slope of the tangent
    )
    later = course.sines[0]
    for _ in range(STEPS):  # angles may swap order
        below_one = np.minimum(later, np.nextafter(1.0, 0.0))
        later = np.sort([global_sine(float(sine), step_size=eta) for sine in below_one])[::-1]
    yield Same(
        part="sine",
        label=f"{label}, {STEPS} steps",
        measured=course.sines[-1],
        predicted=later,
        tolerance=tolerance.times(2.0, "at the start and at the end"),
        scale=1.0,
    )
    G_star = problem.representation_star
    inner = G_star @ problem.cov_x @ G_star.mT
    after = course.after_one
    overlap = after @ problem.cov_x @ G_star.mT
    values = {
        "G": as_numpy(course.start),
        "G^*": as_numpy(G_star),
        "Sigma": as_numpy(problem.cov_x),
        "eta": eta,
    }
    yield Same(
        part="complement",
        label=label,
        measured=(inner @ torch.linalg.solve(overlap, after) - G_star) @ problem.root,
        predicted=step.printed(trial, "complement", values) @ as_numpy(problem.root),
        tolerance=tolerance,
        axes=2,
        scale=torch.linalg.matrix_norm(G_star @ problem.root) * (1.0 + float(before[0]) ** 2),
    )
    condition = condition_of(problem.cov_x)
    yield Below(
        part="distance",
        label=f"{label}, every time",
        measured=course.distances,
        limit=metric.distance_bounds(float(course.sines[0, 0]), condition, eta, STEPS),
        tolerance=tolerance.times(2.0, "at the start and at the end"),
    )


def failures(trial: Trial, course: metric.Course, label: str) -> Iterator[Comparison]:
    """Damp a step near the truth, and take a step with a head that was not refitted."""
    problem, moments, eta = course.problem, course.batch, trial.step_size
    tolerance = law_rounding(trial, problem)
    near = metric.start_at(trial, problem, min(DAMPED_TANGENT, math.tan(trial.angle)))
    strong = float(torch.linalg.eigvalsh(problem.cov_x)[..., -1].max())
    damped, _ = kfac.kfac(step_size=eta, damping=strong).step(
        model.Weights(problem.head_star, near), {}, moments
    )
    angle = math.atan(float(metric.tangents(problem, near)[0, 0]))
    yield Greater(
        part="damped",
        label=label,
        measured=metric.tangents(problem, damped.representation)[0, 0],
        limit=trial.number("damped", angle=angle),
        gap=eta * math.tan(angle) / 4.0,  # half of the step is left, less terms of second order
        tolerance=tolerance,
    )
    G, G_star = course.start, problem.representation_star
    half = eta / 2.0  # the head exists for step sizes below 1
    inner = G_star @ problem.cov_x @ G_star.mT
    overlap = G @ problem.cov_x @ G_star.mT
    head = (-half / (1.0 - half)) * torch.linalg.solve(
        overlap, problem.head_star @ inner, left=False
    )
    grad_G = model.gradients(model.Weights(head, G), moments).representation
    away = kfac.kfac_step(G, head, grad_G, moments.cov_x, step_size=half)
    norm = torch.linalg.matrix_norm
    yield Same(
        part="reused_head",
        label=label,
        measured=away @ problem.cov_x @ G_star.mT,
        predicted=step.printed(trial, "reused_head", {}),
        tolerance=tolerance,
        axes=2,
        scale=norm(G @ problem.root) * norm(G_star @ problem.root),
    )


@global_law.picture(on=global_law.space.anchors)
def delay(trial: Trial) -> Mapping[str, Any]:
    """Draw the distance against steps for several condition numbers."""
    return metric.distance_picture(trial)
