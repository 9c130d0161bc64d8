"""SI-15: a teacher that prefers some directions, and the damping it prefers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import decide
from lpfl.measure.alignment import alignment
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.claims.single_index.alignment import near, ridgeless_applies
from lpfl.verify.claims.single_index.damping import ordered
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Reals, ScenarioSpace
from theory.single_index import alignment as predicted_alignment
from theory.single_index import optimal_damping

FORMULA_TOLERANCE = 1e-12
GRID = tuple(float(x) for x in np.logspace(-2.0, 2.0, 41))  # multiples of the isotropic lam*


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Say that the teacher is given."""
    return {**setup.facts(scenario), "teacher_law": "given"}


def limits(scenario: Scenario) -> dict[str, Any]:
    """Return what predictions need, with the teacher's energy s^tilt in each eigenspace."""
    known = setup.limits(scenario)
    return {**known, "teacher_energy": known["spectrum"].eigenvalues ** scenario.teacher_tilt}


def tilted_teacher(trial: Trial, problem: model.SingleIndexProblem, block: int) -> Tensor:
    """Return teachers with energy s^tilt along each eigenvector, random signs (R, d)."""
    matrix = problem.covariance
    dense = matrix if matrix.ndim == 2 else torch.diag(matrix)
    values, vectors = torch.linalg.eigh(dense)
    size = (problem.replicates, problem.dim)
    coins = torch.randint(0, 2, size, generator=trial.stream("signs", block), device=trial.device)
    amplitudes = values ** (trial.scenario.teacher_tilt / 2) * (2.0 * coins.to(trial.dtype) - 1.0)
    return model.normalised_teacher(amplitudes @ vectors.mT, matrix)


def best_multiple(scenario: Scenario, isotropic: float) -> float:
    """Return the damping of the grid that is best for this teacher."""
    known = limits(scenario)
    values = [predicted_alignment("kfac", damping=isotropic * x, **known) for x in GRID]
    return isotropic * GRID[int(np.argmax(values))]


def measure_teacher(trial: Trial) -> list[Finding]:
    """SGD, KFAC at the drawn damping, without one, at the isotropic lam* and at the best one."""
    scenario = trial.scenario
    known = limits(scenario)
    isotropic = optimal_damping(
        aspect=known["aspect"], c1=known["c1"], residual_var=known["residual_var"]
    )
    dampings = {
        "kfac": float(scenario.damping),
        "rule": isotropic,
        "best": best_multiple(scenario, isotropic),
    }
    if ridgeless_applies(scenario) and known["aspect"] < 1:
        dampings["ridgeless"] = 0.0
    limit = {name: predicted_alignment("kfac", damping=x, **known) for name, x in dampings.items()}
    limit["sgd"] = predicted_alignment("sgd", **known)
    without = {k: v for k, v in known.items() if k != "teacher_energy"}
    rival = {
        "kfac": predicted_alignment("kfac", damping=dampings["kfac"], **without),
        "ridgeless": predicted_alignment("kfac", damping=0.0, **without),
        "sgd": predicted_alignment("sgd", **without),
    }

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        problem = replace(problem, teacher=tilted_teacher(trial, problem, block))
        batch = setup.draw_moments(trial, problem, block)
        found = {"sgd": directions.sgd_direction(batch)}
        for name, damping in dampings.items():
            found[name] = directions.kfac_direction(batch, damping=damping)
        return {name: alignment(beta, problem.teacher) for name, beta in found.items()}

    names = [name for name in ("sgd", "kfac", "ridgeless") if name in limit]
    replicates = setup.replicates_for_limits(trial, *(limit[name] for name in names))
    values = setup.replicated(trial, replicates, measure)
    findings = [
        Finding(
            name,
            near(
                trial,
                values[name],
                limit[name],
                rival=rival[name],
                damped=name != "ridgeless",
                said=f"an isotropic teacher would give {rival[name]:.4g}",
            ),
        )
        for name in names
    ]
    verdict = ordered(trial, values["best"], values["rule"], limit["best"] - limit["rule"])
    said = f"best damping {dampings['best']:.3g}, rule for isotropic teachers {isotropic:.3g}"
    findings.append(Finding("best damping moves", verdict.with_detail(said)))
    return [*findings, Finding("flat teacher", flat_teacher(scenario))]


def flat_teacher(scenario: Scenario) -> decide.Verdict:
    """Decide that equal energies predict what an isotropic teacher does.

    Energies are rescaled to beta*'S beta* = 1, which for equal ones is the isotropic convention
    because the mean eigenvalue is 1.
    """
    without = setup.limits(scenario)
    flat = {**without, "teacher_energy": np.ones_like(without["spectrum"].eigenvalues)}
    gaps = []
    for method, damping in (("sgd", None), ("kfac", float(scenario.damping))):
        first = predicted_alignment(method, damping=damping, **flat)
        second = predicted_alignment(method, damping=damping, **without)
        gaps.append(abs(first - second) / second)
    return decide.identity(gaps, tolerance=FORMULA_TOLERANCE)


def half_teacher(tilt: float) -> Scenario:
    """Return eigenvalues 0.1 and 1.9 with (nearly) all of the teacher on one half of them."""
    covariance = setup.two_atom(120, 0.9, "haar")
    return setup.scenario(120, n=300, covariance=covariance, damping=0.1, teacher_tilt=tilt)


TEACHER = Check(
    claim_id="SI-15",
    space=ScenarioSpace(
        axes=(*setup.AXES, setup.DAMPING, Reals("teacher_tilt", -1.0, 1.0)),
        anchors=(half_teacher(-3.0), half_teacher(3.0)),
    ),
    measure=measure_teacher,
    decisions=4,
    facts=facts,
)
