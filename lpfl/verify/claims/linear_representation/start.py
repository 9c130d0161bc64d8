"""LR-09: from which starts one KFAC step contracts by 1 - 0.9 eta, and from which it need not."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lpfl import decide, linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, default_facts
from lpfl.verify.claims.linear_representation.cone import attack, plane_ratios, step_ratios
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Covariances, Reals, ScenarioSpace
from theory.core.formula import right_side
from theory.linear_representation import admissible_tangent, cone_angle

STARTS = 64
LARGEST_TANGENT = 10.0  # without any condition number every start is admissible
ABOVE = 1.05
ROOM = 1.1  # nearer to the largest defect the violation drowns in rounding
SEARCH_CONDITIONS = (10.0, 30.0, 100.0, 300.0, 1000.0)
SEARCH_GRID = 4000
BISECTIONS = 16


def edge(condition: float, step_size: float) -> float:
    """Return the largest admissible tangent, at most LARGEST_TANGENT."""
    return min(LARGEST_TANGENT, admissible_tangent(condition_number=condition, step_size=step_size))


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the angle, whose tangent is a stated fraction of the admissible one."""
    values = default_facts(scenario)
    values["cone_angle"] = cone_angle(values["condition_number"])
    values["angle"] = math.atan(
        scenario.start_fraction * edge(values["condition_number"], scenario.step_size)
    )
    return values


def measure_start(trial: Trial) -> list[Finding]:
    """Random starts and an adversary below the edge, the adversary above it."""
    scenario = trial.scenario
    known = facts(scenario)
    condition, eta = float(known["condition_number"]), scenario.step_size
    tan_angle = math.tan(known["angle"])
    # The claim bounds tan(theta+); per unit of tan(theta) it is a bound on the ratio.
    factor = float(
        right_side(trial.claim.relations()["contraction"])(step_size=eta, angle=known["angle"])
    ) / math.tan(known["angle"])
    problem = setup.draw_truth(trial, replicates=STARTS)
    G = model.tilt(problem.representation_star, tan_angle, trial.stream("starts"))
    rounding = linalg.machine_tolerance(
        trial.dtype,
        dim=scenario.input_dim,
        condition=condition * 10**scenario.head_log10_cond,
    )
    plane_rounding = linalg.machine_tolerance(trial.dtype, dim=2, condition=condition)
    ratios = as_numpy(step_ratios(problem, G, eta))
    found = attack(trial, tan_angle, condition)
    findings = [
        Finding("random starts", decide.bound(ratios, factor, rounding=rounding)),
        Finding("adversary below", decide.bound(found, factor, rounding=plane_rounding)),
    ]
    limit = admissible_tangent(condition_number=condition, step_size=eta)
    # The worst contraction is slowest at phi/2, and the cone ends at pi/2 - phi.
    phi = float(known["cone_angle"])
    room = min(math.tan(phi / 2), math.tan(math.pi / 2 - phi)) / limit
    if room > ROOM:
        above = limit * min(ABOVE, math.sqrt(room))
        beyond = attack(trial, above, condition)
        verdict = decide.bound(factor, beyond, rounding=plane_rounding).with_detail(
            f"at {above / limit:.3g} of the admissible tangent a start contracts by {beyond:.6g} "
            f"only, against {factor:.6g}"
        )
        findings.append(Finding("violated above", verdict))
    if scenario in START.space.anchors:
        findings.append(edge_finding(trial, factor))
    return findings


def searched_edge(trial: Trial, condition: float, factor: float) -> float:
    """Return the tangent up to which a grid of covariances in the plane stays below ``factor``."""
    angles = np.arange(SEARCH_GRID, dtype=np.float64) * (math.pi / SEARCH_GRID)
    low, high = 0.0, math.tan(cone_angle(condition) / 2)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        holds = bool(plane_ratios(trial, angles, middle, condition).max() <= factor)
        low, high = (middle, high) if holds else (low, middle)
    return (low + high) / 2


def edge_finding(trial: Trial, factor: float) -> Finding:
    """Compare the searched edge with theory's over condition numbers."""
    eta = trial.scenario.step_size
    found = [searched_edge(trial, kappa, factor) for kappa in SEARCH_CONDITIONS]
    predicted = [edge(kappa, eta) for kappa in SEARCH_CONDITIONS]
    errors = np.abs(np.divide(found, predicted) - 1.0)
    # The worst covariance lies between two grid angles; the ratio is quadratic there with
    # curvature of order condition number.
    tolerance = 2.0 * max(SEARCH_CONDITIONS) * (math.pi / SEARCH_GRID) ** 2 + 2.0 ** (
        2 - BISECTIONS
    )
    return Finding(
        "edge by search",
        decide.identity(errors, tolerance=tolerance),
        picture=edge_picture(eta, found),
    )


def edge_picture(step_size: float, found: Sequence[float]) -> dict[str, Any]:
    """Return the admissible start against the condition number: theory's and the searched one."""
    conditions = np.logspace(0.75, 3.25, 41)
    return {
        "title": "How near the truth KFAC must start to contract by 1 - 0.9 step size",
        "x_label": "condition number of the input covariance",
        "y_label": "largest admissible angle (degrees)",
        "x_scale": "log",
        "y_scale": "log",
        "series": [
            {
                "name": "theory",
                "style": "line",
                "x": conditions.tolist(),
                "y": [math.degrees(math.atan(edge(kappa, step_size))) for kappa in conditions],
            },
            {
                "name": "adversarial search",
                "style": "points",
                "x": list(SEARCH_CONDITIONS),
                "y": [math.degrees(math.atan(value)) for value in found],
            },
        ],
        "note": f"step size {step_size}; the line falls like the inverse square root",
    }


START = Check(
    claim_id="LR-09",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            Covariances(max_log10_cond=5.0),
            setup.HEAD_COND,
            Reals("step_size", 0.01, 1.0, easy="high"),
            Reals("start_fraction", 0.05, 0.999),
        ),
        anchors=(
            setup.paper(
                covariance=setup.paper_covariance(),
                head_log10_cond=1.0,
                step_size=0.1,
                start_fraction=0.999,
            ),
            setup.paper(
                covariance=CovarianceSpec(100, "two_level", 4.0, "haar", 1),
                head_log10_cond=1.0,
                step_size=0.01,
                start_fraction=0.5,
            ),
        ),
    ),
    measure=measure_start,
    facts=facts,
)
