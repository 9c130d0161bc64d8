"""LR-19: local spectrum of joint KFAC, its boundary of stability, the 2-cycle on it."""

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import decide, linalg
from lpfl.optim import kfac_joint, kfac_sequential
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import Check, Finding, Trial, condition_of
from lpfl.verify.claims.linear_representation import joint
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Reals, ScenarioSpace
from theory.linear_representation import kfac_spectrum, local_rate

AROUND_THE_BOUNDARY = (1.9, 2.1)


def radius(jacobian: NDArray[np.float64], gauge: int) -> float:
    """Return the largest absolute eigenvalue without the ``gauge`` ones closest to 1."""
    eigenvalues = np.linalg.eigvals(jacobian)
    moving = np.argsort(np.abs(eigenvalues - 1.0))[gauge:]
    return float(np.abs(eigenvalues[moving]).max())


def measure_kfac(trial: Trial) -> list[Finding]:
    """LR-19: both orders at the drawn steps, the boundary of stability, the 2-cycle on it."""
    scenario = trial.scenario
    eta, eta_F = scenario.step_size, scenario.head_step_size
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    solution = joint.turned_solution(trial, problem)
    sizes = {name: scenario[name] for name in ("rank", "input_dim", "output_dim")}
    steps = {"step_size": eta, "head_step_size": eta_F}
    tolerance = joint.difference_tolerance(trial, problem.cov_x, solution.head, solution.head)
    findings = []
    for part, method, in_turn in (
        ("simultaneous", kfac_joint.kfac_joint(**steps), False),
        ("in turn", kfac_sequential.kfac_sequential(**steps), True),
    ):
        predicted = kfac_spectrum(**steps, **sizes, in_turn=in_turn)
        jacobian = joint.update_jacobian(method, solution, batch)
        findings.append(joint.spectrum_finding(part, jacobian, predicted, tolerance))
    for total in AROUND_THE_BOUNDARY:
        scaled = {name: value * total / (eta + eta_F) for name, value in steps.items()}
        jacobian = joint.update_jacobian(kfac_joint.kfac_joint(**scaled), solution, batch)
        measured = radius(jacobian, scenario.rank**2)
        gap = abs(measured - local_rate("kfac_joint", **scaled))
        findings += [
            Finding(f"radius at sum {total}", decide.identity(gap, tolerance=tolerance)),
            Finding(
                f"{'stable' if total < 2 else 'unstable'} at sum {total}",
                decide.bound(measured if total < 2 else 1.0 / measured, 1.0, rounding=tolerance),
            ),
        ]
    return [*findings, two_cycle(trial, problem, batch)]


def two_cycle(trial: Trial, problem: model.LinearRepresentation, batch: model.Batch) -> Finding:
    """Both steps 1: from the second step on the weights return every other step.

    After one step G = A G* and F = F* C; then the inverses of C and A take their places, and back.
    """
    G = model.tilt(problem.representation_star, 0.3, trial.stream("start"))
    start = model.Weights(setup.draw_head(trial, replicates=1), G)
    method = kfac_joint.kfac_joint(step_size=1.0, head_step_size=1.0)
    _, seen = simulate(
        method, start, lambda t: batch, num_steps=4, observe={"weights": model.flatten}
    )
    at = seen["weights"]
    gap = (at[3] - at[1]).norm() / at[1].norm() + (at[4] - at[2]).norm() / at[2].norm()
    inverted = torch.linalg.pinv(start.head) @ problem.head_star
    hidden = G @ batch.cov_x @ G.mT
    overlap = G @ batch.cov_x @ problem.representation_star.mT
    condition = condition_of(batch.cov_x) * condition_of(inverted, problem.head_star) ** 2
    condition *= condition_of(hidden, overlap)
    tolerance = linalg.machine_tolerance(
        trial.dtype, dim=trial.scenario.input_dim, condition=condition
    )
    return Finding("2-cycle at (1, 1)", decide.identity(float(gap), tolerance=tolerance))


KFAC_TOGETHER = Check(
    claim_id="LR-19",
    space=ScenarioSpace(
        axes=(
            *joint.SIZES,
            joint.COVARIANCE,
            joint.HEAD_COND,
            Reals("step_size", 0.05, 1.2),
            Reals("head_step_size", 0.05, lambda v: min(1.2, 1.95 - v["step_size"])),
        ),
        anchors=(joint.anchor(step_size=0.3, head_step_size=0.8),),
    ),
    measure=measure_kfac,
)
