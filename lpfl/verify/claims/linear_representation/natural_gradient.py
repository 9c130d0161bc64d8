"""LR-20: the natural gradient with the true Fisher matrix."""

from dataclasses import replace

import numpy as np
import torch

from lpfl import decide, linalg
from lpfl.optim import kfac, ngd
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.claims.linear_representation import joint
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Reals, ScenarioSpace
from theory.linear_representation import natural_gradient_spectrum

LABEL_NOISE = 0.5  # only where noise is compared: its size cancels
QUADRATIC_START = 1e-4
ORDER_TOLERANCE = 1e-2
DIRECTIONS = 32


def measure_natural_gradient(trial: Trial) -> list[Finding]:
    """LR-20: the spectrum, the order of convergence at step 1, and the noise beside KFAC's."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    solution = joint.turned_solution(trial, problem)
    predicted = natural_gradient_spectrum(
        step_size=scenario.step_size,
        rank=scenario.rank,
        input_dim=scenario.input_dim,
        output_dim=scenario.output_dim,
    )
    jacobian = joint.update_jacobian(ngd.ngd(step_size=scenario.step_size), solution, batch)
    tolerance = joint.difference_tolerance(trial, problem.cov_x, solution.head, solution.head)
    return [
        joint.spectrum_finding("spectrum", jacobian, predicted, tolerance),
        convergence_order(trial, solution, batch),
        same_noise(trial, problem),
    ]


def convergence_order(trial: Trial, solution: model.Weights, batch: model.Batch) -> Finding:
    """Return the slope of log(error after a step of size 1) against log(error before).

    The error is taken over many directions together: along a single one its second order may
    happen to be small. The next order is relative to it by the amplitude over the smallest
    singular value of the weights, at most about 10 x 1e-4: a slope off by 1e-3.
    """
    F, G = solution
    stream = trial.stream("amplitude")
    moves = [
        torch.randn((DIRECTIONS, *W.shape[1:]), generator=stream, device=W.device, dtype=W.dtype)
        for W in solution
    ]
    wide = model.Batch(*(moment.expand(DIRECTIONS, -1, -1) for moment in batch[:2]))
    method = ngd.ngd(step_size=1.0)
    before: list[float] = []
    after: list[float] = []
    for amplitude in (QUADRATIC_START, QUADRATIC_START / 4):
        start = model.Weights(F + amplitude * moves[0], G + amplitude * moves[1])
        end, _ = method.step(start, method.init(start), wide)
        for errors, weights in ((before, start), (after, end)):
            gap = weights.head @ weights.representation - F @ G
            errors.append(float(torch.linalg.vector_norm(gap)))
    order = np.log(after[0] / after[1]) / np.log(before[0] / before[1])
    rounding = linalg.machine_tolerance(
        trial.dtype, dim=scenario_size(trial), condition=condition_of(batch.cov_x, F)
    )
    tolerance = ORDER_TOLERANCE + rounding / after[1]
    verdict = decide.identity(abs(float(order) - 2.0), tolerance=tolerance, coarsest=0.1)
    return Finding("quadratic at step 1", verdict)


def scenario_size(trial: Trial) -> int:
    """Return the number of weights."""
    return int(trial.scenario.rank * (trial.scenario.input_dim + trial.scenario.output_dim))


def same_noise(trial: Trial, problem: model.LinearRepresentation) -> Finding:
    """On a noisy batch, from any head, natural gradient and KFAC differ in the gauge only.

    So their steps agree off the rows of G: at G = R G* that is the noise on the subspace.
    """
    noisy = replace(problem, noise_std=LABEL_NOISE)
    batch = model.sample(noisy, 8 * trial.scenario.input_dim, trial.stream("noise"))
    F = setup.draw_head(trial, replicates=1)
    G = joint.turned_solution(trial, problem).representation
    eta = trial.scenario.step_size
    start = model.Weights(F, G)
    natural, _ = ngd.ngd(step_size=eta).step(start, {}, batch)
    grad_G = model.gradients(start, batch).representation
    layerwise = kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=eta)
    off = problem.complement.mT
    norm = torch.linalg.matrix_norm
    moved = norm((layerwise - G) @ off)
    error = norm((natural.representation - layerwise) @ off) / moved
    # Each step is the difference of two representations: its rounding is relative to them.
    swamped = float((norm(layerwise) / moved).max())
    tolerance = max(swamped, 1.0) * linalg.machine_tolerance(
        trial.dtype,
        dim=trial.scenario.input_dim,
        condition=condition_of(batch.cov_x) * condition_of(F, G) ** 2,
    )
    return Finding("noise of KFAC", decide.identity(as_numpy(error), tolerance=tolerance))


NATURAL_GRADIENT = Check(
    claim_id="LR-20",
    space=ScenarioSpace(
        axes=(
            *joint.SIZES,
            joint.COVARIANCE,
            joint.HEAD_COND,
            Reals("step_size", 0.01, 1.0, easy="high"),
        ),
        anchors=(joint.anchor(step_size=0.1),),
    ),
    measure=measure_natural_gradient,
)
