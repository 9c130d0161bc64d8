"""LR-08: the sharp cone of KFAC's Euclidean angles, from random starts and from an adversary."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import differential_evolution
from torch import Tensor

from lpfl import decide, linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, default_facts
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Covariances, Reals, ScenarioSpace
from theory.linear_representation import cone_angle, cone_contraction

STARTS = 64
ATTAINED = 1e-4


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the angle, a stated fraction of the cone's opening."""
    values = default_facts(scenario)
    values["cone_angle"] = cone_angle(values["condition_number"])
    values["angle"] = scenario.cone_fraction * (math.pi / 2 - values["cone_angle"])
    return values


def largest_tangent(G: Tensor, G_star: Tensor) -> Tensor:
    """Return the tangent of the largest principal angle per replicate."""
    return linalg.principal_tangents(G, G_star)[..., 0]


def step_ratios(problem: model.LinearRepresentation, G: Tensor, step_size: float) -> Tensor:
    """Return tan theta+ / tan theta for one population KFAC step with F = F_ls(G)."""
    G_star = problem.representation_star
    start = model.Weights(problem.head_star, G)
    after, _ = kfac.kfac(step_size=step_size).step(start, {}, model.population_batch(problem))
    return largest_tangent(after.representation, G_star) / largest_tangent(G, G_star)


def plane_ratios(
    trial: Trial, eigenvector_angles: NDArray[np.float64], tan_angle: float, condition: float
) -> NDArray[np.float64]:
    """Return the ratios in the plane (k = 1, d = 2) for Sigma turned by each angle."""
    angles = trial.tensor(np.atleast_1d(eigenvector_angles))
    cosine, sine = angles.cos(), angles.sin()
    basis = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)
    values = trial.tensor([condition, 1.0])
    count = angles.shape[0]
    ones = torch.ones(count, 1, 1, dtype=trial.dtype, device=trial.device)
    problem = model.LinearRepresentation(
        head_star=ones,
        representation_star=trial.tensor([[1.0, 0.0]]).expand(count, 1, 2),
        cov_x=(basis * values) @ basis.mT,
        root=(basis * values.sqrt()) @ basis.mT,
        noise_std=0.0,
    )
    G = trial.tensor([[1.0, tan_angle]]).expand(count, 1, 2)
    return as_numpy(step_ratios(problem, G, trial.scenario.step_size))


def attack(trial: Trial, tan_angle: float, condition: float) -> float:
    """Return the largest ratio a search over the eigenvectors of Sigma in the plane finds."""

    def negative(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return -plane_ratios(trial, points[0], tan_angle, condition)

    result = differential_evolution(
        negative,
        bounds=[(0.0, math.pi)],
        rng=trial.integer_seed("attack") % 2**32,
        vectorized=True,
        updating="deferred",
        popsize=24,
        maxiter=60,
        tol=1e-12,
        polish=False,
    )
    return float(-result.fun)


def contraction_picture(trial: Trial, condition: float, attained: float) -> dict[str, Any]:
    """Return theory's worst contraction against the starting angle, and what was reached."""
    opening = math.pi / 2 - cone_angle(condition)
    fractions = np.linspace(0.02, 0.98, 49)
    eta = trial.scenario.step_size
    worst = [
        float(cone_contraction(math.tan(f * opening), condition_number=condition, step_size=eta))
        for f in fractions
    ]
    degrees = [math.degrees(f * opening) for f in fractions]
    at = math.degrees(trial.scenario.cone_fraction * opening)
    return {
        "title": f"Worst one-step contraction inside the cone, condition number {condition:.3g}",
        "x_label": "largest principal angle before the step (degrees)",
        "y_label": "tan after / tan before",
        "x_scale": "linear",
        "y_scale": "linear",
        "series": [
            {"name": "sharp bound", "style": "line", "x": degrees, "y": worst},
            {"name": "1 - step size", "style": "line", "x": degrees, "y": [1 - eta] * 49},
            {"name": "adversary", "style": "points", "x": [at], "y": [attained]},
        ],
        "note": f"step size {eta}; beyond {math.degrees(opening):.2f} degrees no bound holds",
    }


def measure_cone(trial: Trial) -> list[Finding]:
    """Random starts and covariances never exceed the bound; the adversary attains it."""
    scenario = trial.scenario
    known = facts(scenario)
    condition = float(known["condition_number"])
    tan_angle = math.tan(known["angle"])
    eta = scenario.step_size
    problem = setup.draw_truth(trial, replicates=STARTS)
    G = model.tilt(problem.representation_star, tan_angle, trial.stream("starts"))
    ratios = as_numpy(step_ratios(problem, G, eta))
    limit = float(cone_contraction(tan_angle, condition_number=condition, step_size=eta))
    rounding = linalg.machine_tolerance(
        trial.dtype,
        dim=scenario.input_dim,
        condition=condition * 10**scenario.head_log10_cond,
    )
    found = attack(trial, tan_angle, condition)
    plane_rounding = linalg.machine_tolerance(trial.dtype, dim=2, condition=condition)
    findings = [
        Finding("random starts", decide.bound(ratios, limit, rounding=rounding)),
        Finding(
            "adversary",
            decide.bound(found, limit, rounding=plane_rounding),
            picture=contraction_picture(trial, condition, found),
        ),
    ]
    if known["angle"] <= known["cone_angle"]:  # beyond phi the bound is not sharp
        gap = abs(found - limit) / limit
        verdict = decide.identity(gap, tolerance=ATTAINED + plane_rounding)
        findings.append(Finding("attained", verdict))
    return findings


CONE = Check(
    claim_id="LR-08",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            Covariances(max_log10_cond=6.0),
            setup.HEAD_COND,
            Reals("step_size", 0.01, 0.95),
            Reals("cone_fraction", 0.05, 0.95),
        ),
        anchors=(
            setup.paper(
                covariance=setup.paper_covariance(),
                head_log10_cond=1.0,
                step_size=0.1,
                cone_fraction=0.5,
            ),
            setup.paper(
                covariance=CovarianceSpec(100, "two_level", 4.0, "haar", 1),
                head_log10_cond=1.0,
                step_size=0.5,
                cone_fraction=0.9,
            ),
        ),
    ),
    measure=measure_cone,
    facts=facts,
)
