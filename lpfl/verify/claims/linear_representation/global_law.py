"""LR-28: the global law of KFAC in the Sigma inner product, and what it says of the distance."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of, default_facts
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Covariances, Integers, Reals, ScenarioSpace
from theory.linear_representation import global_distance_bound, global_sine, global_tangent

STEPS = 12
PICTURE_CONDITIONS = (0.0, 2.0, 4.0, 6.0)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the number of steps and the start's distance; the angle is in the Sigma metric."""
    known = {"num_steps": STEPS, "distance_covariance": math.sin(scenario.angle)}
    return {**default_facts(scenario), **known}


def weighted_rows(problem: model.LinearRepresentation, G: Tensor) -> Tensor:
    """Return orthonormal rows spanning those of G Sigma^{1/2}."""
    return linalg.orthonormal_rows(G @ problem.root)


def weighted_sines(problem: model.LinearRepresentation, G: Tensor) -> Tensor:
    """Return the sines of the principal angles in the Sigma inner product, descending (R, k)."""
    truth = weighted_rows(problem, problem.representation_star)
    rows = weighted_rows(problem, G)
    return torch.linalg.svdvals(rows - (rows @ truth.mT) @ truth)


def start_at(trial: Trial, problem: model.LinearRepresentation) -> Tensor:
    """Return a start in a random gauge whose largest angle in the Sigma metric is the drawn one."""
    truth = weighted_rows(problem, problem.representation_star)
    rows = model.tilt(truth, math.tan(trial.scenario.angle), trial.stream("start"))
    return torch.linalg.solve(problem.root, rows, left=False)


def predicted_sines(
    sines: NDArray[np.float64], eta: float, *, by_tangents: bool = False
) -> NDArray[np.float64]:
    """Return theory's image of the sines, descending: angles may swap order."""
    after = []
    for sine in np.minimum(sines, np.nextafter(1.0, 0.0)):
        if by_tangents:
            tangent = global_tangent(math.tan(math.asin(sine)), step_size=eta)
            after.append(math.sin(math.atan(tangent)))
        else:
            after.append(global_sine(float(sine), step_size=eta))
    return np.sort(after)[::-1]


def run_distances(
    problem: model.LinearRepresentation, G: Tensor, batch: model.Batch, eta: float, steps: int
) -> dict[str, Tensor]:
    """Return sines in the Sigma metric and Euclidean distances along a run, times in front."""
    _, seen = simulate(
        kfac.kfac(step_size=eta),
        model.Weights(problem.head_star, G),
        lambda t: batch,
        num_steps=steps,
        observe={
            "sines": lambda w: weighted_sines(problem, w.representation),
            "distance": lambda w: linalg.subspace_distance(
                w.representation, problem.representation_star
            ),
        },
    )
    return seen


def through(problem: model.LinearRepresentation, cov_x: Tensor) -> model.LinearRepresentation:
    """Return the problem with the second moments ``cov_x`` (d, d) for its covariance."""
    values, vectors = torch.linalg.eigh(cov_x)
    return replace(problem, cov_x=cov_x, root=(vectors * values.sqrt()) @ vectors.mT)


def measure_global_law(trial: Trial) -> list[Finding]:
    """Every angle over one step and over the run, then the Euclidean bound at all times."""
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.sample(problem, trial.scenario.batch_size, trial.stream("batch"))
    rows_free = model.Batch(batch.cov_x, batch.cross)
    findings = setup.exact_findings(trial)
    findings += law_findings(trial, "population", problem, model.population_batch(problem))
    findings += law_findings(trial, "noiseless batch", through(problem, batch.cov_x[0]), rows_free)
    if trial.scenario in GLOBAL_LAW.space.anchors:
        last = findings[-1]
        findings[-1] = Finding(last.part, last.verdict, distance_picture(trial))
    return findings


def law_findings(
    trial: Trial, name: str, problem: model.LinearRepresentation, batch: model.Batch
) -> list[Finding]:
    """Confront a run on ``batch`` with the law in the metric of its second moments."""
    scenario = trial.scenario
    eta = scenario.step_size
    seen = run_distances(problem, start_at(trial, problem), batch, eta, STEPS)
    sines = as_numpy(seen["sines"][:, 0])
    condition = condition_of(problem.cov_x)
    # F'F is inverted, with F = F_ls(G) = F* times an overlap in the Sigma metric: cosines of the
    # start, as small as cos(angle). Later steps have smaller angles and forget earlier errors.
    head_condition = condition_of(problem.head_star) / math.cos(scenario.angle)
    rounding = linalg.machine_tolerance(
        trial.dtype, dim=scenario.input_dim, condition=condition * head_condition**2
    )
    findings = []
    for part, by_tangents in (("sines", False), ("tangents", True)):
        want = predicted_sines(sines[0], eta, by_tangents=by_tangents)
        verdict = decide.identity(np.abs(sines[1] - want), tolerance=rounding)
        findings.append(Finding(f"{name}, one step: {part}", verdict))
    for _ in range(STEPS - 1):
        want = predicted_sines(want, eta)
    verdict = decide.identity(np.abs(sines[-1] - want), tolerance=2 * rounding)
    findings.append(Finding(f"{name}, {STEPS} steps: sines", verdict))
    limits = distance_bounds(float(sines[0, 0]), condition, eta, STEPS)
    distances = as_numpy(seen["distance"][:, 0])
    verdict = decide.bound(distances, limits, rounding=2 * rounding)
    findings.append(Finding(f"{name}, distance", verdict))
    return findings


def distance_bounds(start: float, condition: float, eta: float, steps: int) -> NDArray[np.float64]:
    """Return theory's bound on the Euclidean distance at times 0..steps."""
    below_one = min(start, float(np.nextafter(1.0, 0.0)))
    return np.array([
        global_distance_bound(
            below_one, condition_number=condition, step_size=eta, num_steps=t
        )
        for t in range(steps + 1)
    ])  # fmt: skip


def distance_picture(trial: Trial) -> dict[str, Any]:
    """Return distance against steps for several condition numbers, and their bounds."""
    eta, steps, dim = 0.2, 60, 20
    series = []
    for log10_cond in PICTURE_CONDITIONS:
        covariance = CovarianceSpec(dim, "geometric", log10_cond, "haar", 1)
        fields = {"input_dim": dim, "rank": 3, "output_dim": 5, "covariance": covariance}
        other = Trial(
            trial.claim,
            Scenario({**fields, "head_log10_cond": 1.0, "step_size": eta, "angle": 1.3}),
            trial.seed,
            trial.alpha,
            trial.device,
            trial.dtype,
        )
        problem = setup.draw_truth(other, replicates=1)
        batch = model.population_batch(problem)
        seen = run_distances(problem, start_at(other, problem), batch, eta, steps)
        limits = distance_bounds(float(seen["sines"][0, 0, 0]), 10**log10_cond, eta, steps)
        times = list(range(0, steps + 1, 2))
        values = as_numpy(seen["distance"][:, 0])
        name = f"condition number 1e{log10_cond:.0f}"
        series += [
            {"name": name, "style": "points", "x": times, "y": values[::2].tolist()},
            {"name": f"bound, 1e{log10_cond:.0f}", "style": "line", "x": times,
             "y": np.minimum(limits[::2], 1.0).tolist()},
        ]  # fmt: skip
    return {
        "title": "KFAC pays for the condition number once, as a delay",
        "x_label": "step",
        "y_label": "subspace distance",
        "x_scale": "linear",
        "y_scale": "log",
        "series": series,
        "note": f"step size {eta}, largest angle 1.3 in the Sigma metric at the start; a bound "
        "above 1 is drawn at 1",
    }


GLOBAL_LAW = Check(
    claim_id="LR-28",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 3, 24, log=True),
            setup.SIZES[1],
            setup.OUTPUT_DIM,
            setup.BATCH_SIZE,
            Covariances(max_log10_cond=6.0),
            Reals("head_log10_cond", 0.0, 1.0),
            setup.INPUT_LAW,
            Reals("step_size", 0.01, 1.0, easy="high"),
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
    ),
    measure=measure_global_law,
    facts=facts,
)
