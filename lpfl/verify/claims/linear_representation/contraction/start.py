"""LR-09: from which starts one KFAC step contracts by 1 - 0.9 eta, and from which it need not."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Greater, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import cone
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Covariances, Reals
from lpfl.verify.tolerance import truncation
from lpfl.verify.trial import Trial, default_facts
from theory.linear_representation import admissible_tangent, cone_angle, cone_contraction

LARGEST_TANGENT = 10.0  # without any condition number every start is admissible
ABOVE = 1.05  # a start this far beyond the edge
ROOM = 1.1  # nearer to the largest defect the violation drowns in rounding
LARGE_CONDITION = 1e4
LARGEST_STEP = 0.85  # from 8/9 on the root lies outside the cone
FIRST_ORDER = 0.1  # the error of a searched edge is known to first order: in float32 it is not
PICTURE_CONDITIONS = (10.0, 30.0, 100.0, 300.0, 1000.0)


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


@check(
    "LR-09",
    (
        *setup.SIZES,
        Covariances(max_log10_cond=5.0),
        setup.HEAD_COND,
        Reals("step_size", 0.01, 1.0, easy="high"),
        Reals("start_fraction", 0.05, 0.999),
    ),
    anchors=cone.anchors(
        {"step_size": 0.1, "start_fraction": 0.999},
        {"step_size": 0.01, "start_fraction": 0.5},
    ),
    facts=facts,
)
def admissible_starts(trial: Trial) -> Iterator[Comparison]:
    """Random starts and an adversary below the edge, the adversary beyond it, the edge itself."""
    known = facts(trial.scenario)
    condition, angle = float(known["condition_number"]), float(known["angle"])
    tan_angle = math.tan(angle)
    limit = trial.number("contraction", angle=angle)
    found = cone.attack(trial, tan_angle, condition)
    plane = cone.plane_rounding(trial, condition)
    yield Below(
        part="contraction",
        label="random starts",
        measured=cone.random_tangents(trial, tan_angle),
        limit=limit,
        tolerance=cone.drawn_rounding(trial, condition).times(tan_angle, "of the tangent"),
    )
    yield Below(
        part="contraction",
        label="adversary",
        measured=found,
        limit=limit,
        tolerance=plane.times(tan_angle, "of the tangent"),
    )
    yield Below(
        part="cone_factor",
        label="adversary",
        measured=found / tan_angle,
        limit=trial.number("cone_factor"),
        tolerance=plane,
    )
    yield from beyond(trial, condition)
    yield from edges(trial, condition)


def beyond(trial: Trial, condition: float) -> Iterator[Comparison]:
    """A little beyond the edge the adversary finds a start that contracts by less."""
    room = room_beyond(condition, trial.step_size)
    if room <= ROOM:
        return
    edge_tangent = admissible_tangent(condition_number=condition, step_size=trial.step_size)
    start = edge_tangent * min(ABOVE, math.sqrt(room))
    limit = trial.number("beyond", angle=math.atan(start))
    worst = cone_contraction(start, condition_number=condition, step_size=trial.step_size)
    yield Greater(
        part="beyond",
        measured=cone.attack(trial, start, condition),
        limit=limit,
        gap=worst * start - limit,
        tolerance=cone.plane_rounding(trial, condition).times(start, "of the tangent"),
    )


def room_beyond(condition: float, step_size: float) -> float:
    """Return how far beyond the edge the contraction slows down, as a ratio of tangents.

    The contraction is slowest at phi/2, and the cone ends at pi/2 - phi.
    """
    phi = cone_angle(condition)
    last = min(math.tan(phi / 2), math.tan(math.pi / 2 - phi))
    return last / admissible_tangent(condition_number=condition, step_size=step_size)


def edges(trial: Trial, condition: float) -> Iterator[Comparison]:
    """Compare searched edges with theory's: at the drawn condition number and at a large one."""
    eta, factor = trial.step_size, trial.number("cone_factor")
    if room_beyond(condition, eta) > ROOM:
        predicted = admissible_tangent(condition_number=condition, step_size=eta)
        tolerance = cone.searched_rounding(trial, condition, predicted)
        if tolerance.value <= FIRST_ORDER:
            found = cone.searched_edge(trial, condition, factor)
            yield Same(part="edge", measured=found, predicted=predicted, tolerance=tolerance)
    if eta > LARGEST_STEP:
        return
    predicted = trial.number("scaling")
    allowed = 0.1 / (1.0 - 0.9 * eta)
    correction = (1.0 + 4.0 * allowed / (1.0 - allowed) ** 2) / LARGE_CONDITION
    tolerance = truncation(2.0 * correction, "twice the next term in 1/condition number")
    tolerance += cone.searched_rounding(
        trial, LARGE_CONDITION, predicted / math.sqrt(LARGE_CONDITION)
    )
    if tolerance.value <= FIRST_ORDER:
        measured = trial.claim["scaling"].left(
            condition_number=LARGE_CONDITION,
            admissible_tangent=cone.searched_edge(trial, LARGE_CONDITION, factor),
        )
        yield Same(part="scaling", measured=measured, predicted=predicted, tolerance=tolerance)


@admissible_starts.picture(on=admissible_starts.space.anchors)
def edge_picture(trial: Trial) -> Mapping[str, Any]:
    """Draw the admissible start against the condition number: theory's and the searched one."""
    eta, factor = trial.step_size, trial.number("cone_factor")
    conditions = np.logspace(0.75, 3.25, 41)
    found = [cone.searched_edge(trial, kappa, factor) for kappa in PICTURE_CONDITIONS]
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
                "y": [math.degrees(math.atan(edge(kappa, eta))) for kappa in conditions],
            },
            {
                "name": "adversarial search",
                "style": "points",
                "x": list(PICTURE_CONDITIONS),
                "y": [math.degrees(math.atan(value)) for value in found],
            },
        ],
        "note": f"step size {eta}; the line falls like the inverse square root",
    }
