"""LR-19: the local spectrum of joint KFAC, its boundary of stability, the 2-cycle on it."""

from collections.abc import Iterator

import numpy as np
import torch

from lpfl.optim.kfac import joint as kfac_joint
from lpfl.optim.kfac import sequential as kfac_sequential
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Above, Below, Comparison, Same
from lpfl.verify.setups.linear import joint
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import variant_functions as functions
from lpfl.verify.setups.linear.jacobian import moving_eigenvalues, update_jacobian
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, condition_of
from theory.linear_representation import kfac_spectrum, local_rate

BELOW, BEYOND = 1.9, 2.1  # sums of the step sizes on both sides of the boundary
GROWTH = judgement(0.05, "half of the 0.1 by which the sum of the steps exceeds the boundary")
TILT, HEAD_MISFIT = 0.3, 0.3


@check(
    "LR-19",
    (
        *joint.SIZES,
        joint.COVARIANCE,
        joint.HEAD_COND,
        Reals("step_size", 0.05, 1.2),
        Reals("head_step_size", 0.05, lambda v: min(1.2, 1.95 - v["step_size"])),
    ),
    anchors=(joint.anchor(step_size=0.3, head_step_size=0.8),),
)
def joint_kfac(trial: Trial) -> Iterator[Comparison]:
    """Eigenvalues of the update map in both forms, then on both sides of the boundary."""
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    batch = model.population_batch(problem)
    solution = joint.turned_solution(trial, problem)
    steps = {"step_size": trial.step_size, "head_step_size": trial.head_step_size}
    tolerance = joint.tolerance_of(trial, problem.cov_x, solution.head, solution.head)
    for spectrum, method in (
        ("together", kfac_joint.kfac_joint(**steps)),
        ("in_turn", kfac_sequential.kfac_sequential(**steps)),
    ):
        jacobian = update_jacobian(method, solution, batch)
        yield from joint.same_spectrum(trial, spectrum, jacobian, tolerance, **steps)
        stated = kfac_spectrum(**steps, **joint.sizes(trial), in_turn=spectrum == "in_turn")
        yield joint.same_multipliers(f"{spectrum}_joint", jacobian, stated, tolerance)
        yield Same(
            part=f"{spectrum}_representation",
            label="largest modulus",
            measured=np.abs(moving_eigenvalues(jacobian, solution)).max(),
            predicted=local_rate(
                "kfac_joint",
                **steps,
                rank=trial.rank,
                output_dim=trial.output_dim,
                in_turn=spectrum == "in_turn",
            ),
            scale=1.0,
            tolerance=tolerance,
        )
    yield from functions.joint(trial)
    for total in (BELOW, BEYOND):
        scaled = {name: value * total / sum(steps.values()) for name, value in steps.items()}
        jacobian = update_jacobian(kfac_joint.kfac_joint(**scaled), solution, batch)
        eigenvalues = moving_eigenvalues(jacobian, solution)
        radius = float(np.abs(eigenvalues).max())
        label = f"steps of sum {total}"
        yield Same(  # no other multiplier is below it: each step is at most their sum
            part="together_joint",
            label=label,
            measured=float(eigenvalues.real.min()),
            predicted=trial.number("together_joint", **scaled),
            scale=1.0,
            tolerance=tolerance,
        )
        if total < 2.0:
            yield Below(
                part="together_joint",
                label=f"stable, {label}",
                measured=radius,
                limit=1.0,
                tolerance=tolerance,
            )
        else:
            yield Above(
                part="together_joint",
                label=f"unstable, {label}",
                measured=radius - 1.0,
                least=GROWTH,
            )


@joint_kfac.extra("2-cycle at (1, 1)")
def two_cycle(trial: Trial) -> Iterator[Comparison]:
    """Both steps 1: from the second step on the weights return every other step.

    After one step G = A G* and F = F* C; then the inverses of C and A take their places, and back.
    The start is in a random gauge, tilted by 0.3, with a head that is off by 0.3: A and C then
    have condition numbers of order one, and what rounding makes of them can be stated.
    """
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    F, _ = joint.turned_solution(trial, problem)
    G = model.tilt(problem.representation_star, TILT, trial.stream("start"))
    stream = trial.stream("head misfit")
    off = torch.randn(F.shape, generator=stream, dtype=F.dtype, device=F.device)
    smallest = torch.linalg.matrix_norm(F, ord=-2)
    F = F + HEAD_MISFIT * smallest * off / torch.linalg.matrix_norm(off, ord=2)
    method = kfac_joint.kfac_joint(step_size=1.0, head_step_size=1.0)
    _, seen = simulate(
        method,
        model.Weights(F, G),
        lambda t: batch,
        num_steps=4,
        observe={"weights": model.flatten, "head": lambda w: w.head, "rows": lambda w: w[1]},
    )
    # Every step solves with F'F, Sigma and G Sigma G'; an inverse passes an error on with the
    # condition number of what it inverts, once per step of the cycle.
    heads, rows = list(seen["head"]), list(seen["rows"])
    passed_on = condition_of(torch.linalg.pinv(heads[0]) @ problem.head_star)
    passed_on *= condition_of(rows[1] @ problem.representation_star.mT)
    solves = max(
        condition_of(head) ** 2 * condition_of(batch.cov_x, G @ batch.cov_x @ G.mT)
        for head, G in zip(heads, rows, strict=True)
    )
    count = joint.weights_count(trial)
    tolerance = rounding(trial.dtype, dim=count, condition=solves * passed_on)
    A = rows[1] @ problem.representation_star.mT
    C = torch.linalg.pinv(problem.head_star) @ heads[1]
    for label, measured, predicted in (
        ("rows, step 1", rows[1], A @ problem.representation_star),
        ("head, step 1", heads[1], problem.head_star @ C),
        ("rows, step 2", rows[2], torch.linalg.solve(C, problem.representation_star)),
        ("head, step 2", heads[2], problem.head_star @ torch.linalg.inv(A)),
    ):
        yield Same(
            part="2-cycle at (1, 1)",
            label=label,
            measured=measured,
            predicted=predicted,
            axes=2,
            tolerance=tolerance,
        )
    yield Same(
        part="2-cycle at (1, 1)",
        measured=seen["weights"][3:],
        predicted=seen["weights"][1:3],
        axes=1,
        tolerance=tolerance,
    )
