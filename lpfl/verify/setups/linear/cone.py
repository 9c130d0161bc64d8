"""One KFAC step seen by the largest Euclidean angle: random starts, and an adversary in a plane.

The adversary has k = 1 and d = 2: G* = (1, 0), G = (1, t), and a covariance of given condition
number whose eigenvectors it turns.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import differential_evolution
from torch import Tensor

from lpfl import linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.tolerance import Tolerance, judgement, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import cone_angle, cone_defect

STARTS = 64
GENERATIONS = 60
GRID = 1000  # covariances on each side of G*
BISECTIONS = 20
ATTAINED = judgement(1e-7, "the search over eigenvectors came within 1e-14 wherever it was tried")

Array = NDArray[np.float64]


def anchors(common: Mapping[str, Any], extreme: Mapping[str, Any]) -> tuple[Scenario, ...]:
    """Return a scenario with the paper's sizes, and one with two levels of eigenvalues."""
    two_levels = CovarianceSpec(100, "two_level", 4.0, "haar", 1)
    return (
        setup.paper(covariance=setup.paper_covariance(), head_log10_cond=1.0, **common),
        setup.paper(covariance=two_levels, head_log10_cond=1.0, **extreme),
    )


def largest_tangent(G: Tensor, G_star: Tensor) -> Tensor:
    """Return the tangent of the largest principal angle per replicate."""
    return linalg.principal_tangents(G, G_star)[..., 0]


def step_tangents(problem: model.LinearRepresentation, G: Tensor, step_size: float) -> Array:
    """Return tan theta+ (R,) after one population KFAC step with F = F_ls(G)."""
    after = population_step(problem, G, step_size)
    return as_numpy(largest_tangent(after, problem.representation_star))


def population_step(problem: model.LinearRepresentation, G: Tensor, step_size: float) -> Tensor:
    """Return the representation after one population KFAC step with F = F_ls(G)."""
    start = model.Weights(problem.head_star, G)
    after, _ = kfac.kfac(step_size=step_size).step(start, {}, model.population_batch(problem))
    return after.representation


def random_tangents(trial: Trial, tan_angle: float) -> Array:
    """Return tan theta+ (R,) from random starts at ``tan_angle``; admits the run."""
    problem = setup.draw_truth(trial, replicates=STARTS)
    G = model.tilt(problem.representation_star, tan_angle, trial.stream("starts"))
    largest = float(largest_tangent(G, problem.representation_star).max())
    setup.admit(trial, problem, angle=math.atan(largest))
    return step_tangents(problem, G, trial.step_size)


def plane_tangents(trial: Trial, covariances: Tensor, tan_angles: Array) -> Array:
    """Return tan theta+ (R,) in the plane for covariances (R, 2, 2) and starts (R,).

    A step that ends orthogonal to G* up to rounding reads as 1/epsilon.
    """
    count = covariances.shape[0]
    values, vectors = torch.linalg.eigh(covariances)
    problem = model.LinearRepresentation(
        head_star=torch.ones(count, 1, 1, dtype=trial.dtype, device=trial.device),
        representation_star=trial.tensor([[1.0, 0.0]]).expand(count, 1, 2),
        cov_x=covariances,
        root=(vectors * values.clamp(min=0.0).sqrt().unsqueeze(-2)) @ vectors.mT,
        noise_std=0.0,
    )
    tangents = trial.tensor(np.broadcast_to(tan_angles, (count,)).copy())
    G = torch.stack([torch.ones_like(tangents), tangents], dim=-1).unsqueeze(-2)
    row = population_step(problem, G, trial.step_size)[:, 0].abs()
    least = torch.finfo(trial.dtype).eps * torch.linalg.vector_norm(row, dim=-1)
    return as_numpy(row[:, 1] / torch.maximum(row[:, 0], least))


def turned(trial: Trial, axes: Array, condition: float) -> Tensor:
    """Return 2 x 2 covariances of the condition number, first eigenvector at each angle (R,)."""
    angles = trial.tensor(np.atleast_1d(axes))
    cosine, sine = angles.cos(), angles.sin()
    basis = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)
    return (basis * trial.tensor([condition, 1.0])) @ basis.mT


def axis_at(position: Array, condition: float) -> Array:
    """Return the angle of the first eigenvector for a position in [-1, 1].

    The worst angle lies at 1/sqrt(condition) from the complement: the tangent is spaced
    geometrically, between 1/condition and condition, on both sides of G*.
    """
    width = max(math.log(condition), 1.0)
    exponent = (2.0 * np.abs(position) - 1.0) * width
    return np.copysign(np.arctan(np.exp(exponent)), position)


def attack(trial: Trial, tan_angle: float, condition: float) -> float:
    """Return the largest tan theta+ that a search over the eigenvectors of Sigma finds."""

    def after(points: Array) -> Array:
        return plane_tangents(
            trial, turned(trial, axis_at(points[0], condition), condition), np.array(tan_angle)
        )

    return search(trial, "attack", after, [(-1.0, 1.0)])


def slowest_defect(trial: Trial, condition: float) -> float:
    """Return the largest defect that a search over the cone and the eigenvectors finds."""
    opening = math.pi / 2 - cone_angle(condition)

    def defects(points: Array) -> Array:
        tangents = np.tan(points[1] * opening)
        after = plane_tangents(trial, turned(trial, axis_at(points[0], condition), condition),
                               tangents)  # fmt: skip
        return defect_of(after / tangents, trial.step_size)

    return search(trial, "slowest", defects, [(-1.0, 1.0), (1e-4, 1.0 - 1e-6)])


def search(trial: Trial, name: str, function: Any, bounds: list[tuple[float, float]]) -> float:
    """Return the largest value of ``function`` that differential evolution finds."""
    result = differential_evolution(
        lambda points: -function(points),
        bounds=bounds,
        rng=trial.integer_seed(name) % 2**32,
        vectorized=True,
        updating="deferred",
        popsize=24,
        maxiter=GENERATIONS,
        tol=1e-12,
        polish=False,
    )
    return float(-result.fun)


def defect_of(ratio: Array, step_size: float) -> Array:
    """Return the b of a measured contraction (1 - eta)/(1 - eta b), for a step below 1."""
    return (1.0 - (1.0 - step_size) / np.asarray(ratio)) / step_size


def drawn_rounding(trial: Trial, condition: float) -> Tolerance:
    """Return the relative rounding of a step at the drawn sizes."""
    return rounding(
        trial.dtype, dim=trial.input_dim, condition=condition * 10**trial.head_log10_cond
    )


def plane_rounding(trial: Trial, condition: float) -> Tolerance:
    """Return the relative rounding of a step in the plane."""
    return rounding(trial.dtype, dim=2, condition=condition)


def searched_edge(trial: Trial, condition: float, factor: float) -> float:
    """Return the tangent up to which a grid of covariances in the plane stays below ``factor``."""
    positions = np.concatenate([np.linspace(-1.0, -1e-9, GRID), np.linspace(1e-9, 1.0, GRID)])
    covariances = turned(trial, axis_at(positions, condition), condition)
    high = math.tan(cone_angle(condition) / 2)
    low = high / (10.0 * condition)
    slack = plane_rounding(trial, condition).value
    for _ in range(BISECTIONS):
        middle = math.sqrt(low * high)
        after = plane_tangents(trial, covariances, np.array(middle))
        low, high = (middle, high) if after.max() <= (factor + slack) * middle else (low, middle)
    return math.sqrt(low * high)


def searched_rounding(trial: Trial, condition: float, edge: float) -> Tolerance:
    """Return the relative error of :func:`searched_edge` near the edge that theory names.

    A grid angle lies within half a step h of the worst one in log tan, and misses h^2/2 of the
    turn there. The defect b at the edge loses at most h^2 of itself (twice that for the change of
    coordinates). Rounding, and the slack for it, move b by 2 rounding/eta. The slope t db/dt
    carries both over to the tangent, to first order.
    """
    half_step = max(math.log(condition), 1.0) / GRID
    width = 1e-4
    low, here, high = (
        cone_defect(edge * (1.0 + shift), condition_number=condition)
        for shift in (-width, 0.0, width)
    )
    slope = (high - low) / (2.0 * width)
    slack = 2.0 * plane_rounding(trial, condition).value
    missed = 2.0 * half_step**2 * here + slack / trial.step_size
    bisected = math.log(10.0 * condition) * 2.0**-BISECTIONS
    return truncation(missed / slope + bisected, "grid of eigenvectors, bisection, rounding")


def contraction_picture(
    condition: float, step_size: float, bound: Mapping[float, float], reached: tuple[float, float]
) -> Mapping[str, Any]:
    """Return the picture of worst contractions by starting angle in rad, and what was reached."""
    opening = math.degrees(math.pi / 2 - cone_angle(condition))
    degrees = [math.degrees(angle) for angle in bound]
    return {
        "title": f"Worst one-step contraction inside the cone, condition number {condition:.3g}",
        "x_label": "largest principal angle before the step (degrees)",
        "y_label": "tan after / tan before",
        "x_scale": "linear",
        "y_scale": "linear",
        "series": [
            {"name": "sharp bound", "style": "line", "x": degrees, "y": list(bound.values())},
            {"name": "1 - step size", "style": "line", "x": degrees,
             "y": [1 - step_size] * len(degrees)},
            {"name": "adversary", "style": "points", "x": [math.degrees(reached[0])],
             "y": [reached[1]]},
        ],
        "note": f"step size {step_size}; beyond {opening:.2f} degrees no bound holds",
    }  # fmt: skip
