"""LR-08: the sharp cone of KFAC's Euclidean angles, from random starts and from an adversary."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Greater, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import cone
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Covariances, Reals
from lpfl.verify.tolerance import judgement, truncation
from lpfl.verify.trial import Trial, default_facts
from theory.linear_representation import (
    cone_angle,
    cone_contraction,
    cone_defect,
    slowest_cone_contraction,
    worst_case_covariance,
)

# Nearer to condition number 1 nearly every angle lies in the cone.
OUTSIDE_FROM = 2.0
# The step must stay this far below the largest one for which an angle grows outside the cone.
ROOM_OUTSIDE = 0.9
SLOWEST = judgement(1e-4, "the search over two coordinates came within 3e-7 wherever it was tried")


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the angle, a stated fraction of the cone's opening."""
    values = default_facts(scenario)
    values["cone_angle"] = cone_angle(values["condition_number"])
    values["angle"] = scenario.cone_fraction * (math.pi / 2 - values["cone_angle"])
    return values


@check(
    "LR-08",
    (
        *setup.SIZES,
        Covariances(max_log10_cond=6.0),
        setup.HEAD_COND,
        Reals("step_size", 0.01, 0.95),
        Reals("cone_fraction", 0.05, 0.95),
    ),
    anchors=cone.anchors(
        {"step_size": 0.1, "cone_fraction": 0.5},
        {"step_size": 0.5, "cone_fraction": 0.9},
    ),
    facts=facts,
)
def sharp_cone(trial: Trial) -> Iterator[Comparison]:
    """Random starts and an adversary against the bound, the cone's edge and its defect."""
    known = facts(trial.scenario)
    condition, angle = float(known["condition_number"]), float(known["angle"])
    tan_angle = math.tan(angle)
    at = {"angle": angle, "condition_number": condition}
    limit = trial.number("contraction", **at)
    after = {
        "random starts": cone.random_tangents(trial, tan_angle),
        "adversary": np.array([cone.attack(trial, tan_angle, condition)]),
    }
    trial.memory["reached"] = float(after["adversary"][0]) / tan_angle
    yield factor_of_function(trial, tan_angle, condition)
    yield edge_of_function(trial, condition)
    for label, tangents in after.items():
        random = label == "random starts"
        relative = (cone.drawn_rounding if random else cone.plane_rounding)(trial, condition)
        tolerance = relative.times(tan_angle, "of the tangent before the step")
        yield Below(
            part="contraction", label=label, measured=tangents, limit=limit, tolerance=tolerance
        )
        yield Below(
            part="invariant",
            label=label,
            measured=np.arctan(tangents),
            limit=trial.number("invariant", condition_number=condition),
            tolerance=tolerance,
        )
    if angle <= known["cone_angle"]:  # beyond phi the bound is not sharp
        yield from attained(trial, tan_angle, condition, float(after["adversary"][0]))
    yield from defects(trial, tan_angle, condition, float(after["adversary"][0]))
    yield from outside(trial, condition)


def attained(
    trial: Trial, tan_angle: float, condition: float, found: float
) -> Iterator[Comparison]:
    """The search, and the covariance that the theory names, reach the bound."""
    predicted = trial.number("attained", angle=math.atan(tan_angle), condition_number=condition)
    tolerance = cone.plane_rounding(trial, condition)
    yield Same(
        part="attained",
        label="search over eigenvectors",
        measured=found,
        predicted=predicted,
        tolerance=cone.ATTAINED + tolerance,
    )
    yield Same(
        part="attained",
        label="the function",
        measured=found / tan_angle,
        predicted=cone_contraction(
            tan_angle, condition_number=condition, step_size=trial.step_size
        ),
        tolerance=cone.ATTAINED + tolerance,
    )
    worst = trial.tensor(worst_case_covariance(tan_angle, condition_number=condition))
    yield Same(
        part="attained",
        label="covariance of the theory",
        measured=cone.plane_tangents(trial, worst[None], np.array(tan_angle)),
        predicted=predicted,
        tolerance=tolerance,
    )


def factor_of_function(trial: Trial, tan_angle: float, condition: float) -> Below:
    """The factor that a user gets is not below the adversary's."""
    return Below(
        part="contraction",
        label="the function",
        measured=trial.memory["reached"],
        limit=cone_contraction(tan_angle, condition_number=condition, step_size=trial.step_size),
        tolerance=cone.plane_rounding(trial, condition),
    )


def edge_of_function(trial: Trial, condition: float) -> Same:
    """The function takes the angles below pi/2 less the widest turn by Sigma, and no others."""

    def turn(step: float) -> float:
        """Return by how much Sigma turns a row whose entries have the ratio exp(step)."""
        return math.atan(math.exp(step)) - math.atan(math.exp(step) / condition)

    found = minimize_scalar(lambda step: -turn(step), bounds=(-1.0, math.log(condition) + 1.0))
    low, high = 0.0, math.pi / 2
    while high - low > 1e-12:
        middle = (low + high) / 2
        try:
            cone_defect(math.tan(middle), condition_number=condition)
            low = middle
        except ValueError:
            high = middle
    return Same(
        part="invariant",
        label="the edge of the function",
        measured=math.pi / 2 + float(found.fun),
        predicted=low,
        scale=1.0,
        tolerance=truncation(1e-8, "a maximum to the square of 1e-5, a bisection to 1e-12"),
    )


def defects(trial: Trial, tan_angle: float, condition: float, found: float) -> Iterator[Comparison]:
    """What the adversary makes of b at the drawn angle, and over the whole cone."""
    eta = trial.step_size
    here = float(cone.defect_of(np.array(found / tan_angle), eta))
    largest = cone.slowest_defect(trial, condition)
    tolerance = cone.plane_rounding(trial, condition).times(
        1.0 / (eta * (1.0 - eta)), "over eta (1 - eta)"
    )
    for part in ("defect", "uniform"):
        values = {"condition_number": condition} if part == "defect" else {}
        for label, measured in (("at the drawn angle", here), ("over the cone", largest)):
            yield Below(
                part=part,
                label=label,
                measured=measured,
                limit=trial.claim[part].number(**values),
                tolerance=tolerance,
            )
    yield Below(
        part="defect",
        label="the function",
        measured=here,
        limit=cone_defect(tan_angle, condition_number=condition),
        tolerance=tolerance,
    )
    # Half of the angle phi lies inside the cone up to phi = pi/3: there the bound is reached.
    if (condition - 1.0) / (2.0 * condition**0.5) <= math.tan(math.pi / 3.0):
        yield Same(
            part="defect",
            label="the bound is reached",
            measured=largest,
            predicted=trial.claim["defect"].number(condition_number=condition),
            tolerance=SLOWEST + tolerance,
            scale=1.0,
        )
    yield Same(
        part="slowest",
        label="defect",
        measured=largest,
        predicted=trial.number("slowest", condition_number=condition),
        tolerance=SLOWEST + tolerance,
        scale=1.0,
    )
    yield Same(
        part="slowest",
        label="contraction",
        measured=(1.0 - eta) / (1.0 - eta * largest),
        predicted=slowest_cone_contraction(condition_number=condition, step_size=eta),
        tolerance=SLOWEST + tolerance,
        scale=1.0,
    )


def outside(trial: Trial, condition: float) -> Iterator[Comparison]:
    """Halfway between the edge of the cone and the right angle the adversary enlarges the angle."""
    eta = trial.step_size
    largest = float(trial.claim["defect"].number(condition_number=condition))
    if condition < OUTSIDE_FROM or eta / (2.0 - eta) >= ROOM_OUTSIDE * largest:
        return
    angle = math.pi / 2 - cone_angle(condition) / 2
    yield Greater(
        part="outside",
        measured=cone.attack(trial, math.tan(angle), condition),
        limit=trial.number("outside", angle=angle),
        gap=0.1 * math.tan(angle),  # the room above leaves a factor 1.25 and more
        tolerance=cone.plane_rounding(trial, condition).times(math.tan(angle), "of the tangent"),
    )


@sharp_cone.picture(on=sharp_cone.space.anchors)
def worst_contractions(trial: Trial) -> Mapping[str, Any]:
    """Draw the worst contraction against the starting angle."""
    known = facts(trial.scenario)
    condition, eta = float(known["condition_number"]), trial.step_size
    opening = math.pi / 2 - cone_angle(condition)
    bound = {
        share * opening: cone_contraction(
            math.tan(share * opening), condition_number=condition, step_size=eta
        )
        for share in np.linspace(0.02, 0.98, 49)
    }
    reached = (float(known["angle"]), float(trial.memory["reached"]))
    return cone.contraction_picture(condition, eta, bound, reached)
