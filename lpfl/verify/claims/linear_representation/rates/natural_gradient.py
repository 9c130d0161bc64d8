"""LR-20: the natural gradient with the true Fisher matrix."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from lpfl.optim import kfac, ngd
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import joint
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import moving_eigenvalues, update_jacobian
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import Tolerance, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import local_rate, natural_gradient_spectrum

LABEL_NOISE = 0.5  # only where noise is compared: its size cancels
ROWS_PER_INPUT = 8
QUADRATIC_START = 1e-4
DIRECTIONS = 32
NEXT_ORDER = truncation(
    5e-3, "start 1e-4 over the smallest singular value of the weights (0.1), five directions' worth"
)


@check(
    "LR-20",
    (
        *joint.SIZES,
        joint.COVARIANCE,
        joint.HEAD_COND,
        Reals("step_size", 0.01, 1.0, easy="high"),
    ),
    anchors=(joint.anchor(step_size=0.1),),
)
def natural_gradient(trial: Trial) -> Iterator[Comparison]:
    """Eigenvalues of the update map, the order of convergence at step 1, the noise of one step."""
    yield from exact_parts(trial, only=("noise",))
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    batch = model.population_batch(problem)
    solution = joint.turned_solution(trial, problem)
    jacobian = update_jacobian(ngd.ngd(step_size=trial.step_size), solution, batch)
    tolerance = joint.tolerance_of(trial, problem.cov_x, solution.head, solution.head)
    yield from joint.same_spectrum(trial, "natural", jacobian, tolerance, step_size=trial.step_size)
    stated = natural_gradient_spectrum(step_size=trial.step_size, **joint.sizes(trial))
    yield joint.same_multipliers("natural_moving", jacobian, stated, tolerance)
    yield Same(
        part="natural_moving",
        label="largest modulus",
        measured=np.abs(moving_eigenvalues(jacobian, solution)).max(),
        predicted=local_rate("ngd", step_size=trial.step_size),
        scale=1.0,
        tolerance=tolerance,
    )
    yield convergence_order(trial, solution, batch)
    yield from one_noisy_step(trial, problem)


def convergence_order(trial: Trial, solution: model.Weights, batch: model.Batch) -> Same:
    """Compare the slope of log(error after a step of size 1) against log(error before) with 2.

    The error is taken over many directions together: along a single one its second order may
    happen to be small.
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
    order = float(np.log(after[0] / after[1]) / np.log(before[0] / before[1]))
    solve = rounding(
        trial.dtype, dim=joint.weights_count(trial), condition=condition_of(batch.cov_x, F)
    )
    swamped = solve.times(1.0 / (2.0 * after[1]), "over the error that is left, relative to 2")
    return Same(
        part="order",
        measured=order,
        predicted=trial.number("order"),
        tolerance=NEXT_ORDER + swamped,
    )


def one_noisy_step(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Same]:
    """Compare a step from R G*, on a noisy batch with any head, with the statement and with KFAC.

    The two methods differ in the gauge only, so their steps agree off the rows of G.
    """
    noisy = replace(problem, noise_std=LABEL_NOISE)
    rows = ROWS_PER_INPUT * trial.input_dim
    batch = model.sample(noisy, rows, trial.stream("noise"))
    setup.admit(trial, noisy, batch_size=rows)
    F = setup.draw_head(trial, replicates=1)
    G = joint.turned_solution(trial, problem).representation
    start = model.Weights(F, G)
    natural, _ = ngd.ngd(step_size=trial.step_size).step(start, {}, batch)
    grad_G = model.gradients(start, batch).representation
    layerwise = kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=trial.step_size)
    G_star = problem.representation_star
    predicted = trial.claim["noise"].matrix(
        {
            "F": as_numpy(F),
            "R": as_numpy(G @ G_star.mT),
            "G^*": as_numpy(G_star),
            "N": as_numpy(batch.cross - problem.product_star @ batch.cov_x),
            "Sigmahat": as_numpy(batch.cov_x),
            "eta": trial.step_size,
        },
        sizes={"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank},
    )
    B = problem.complement
    off = B.mT @ B
    moved = natural.representation @ off
    tolerance = step_rounding(trial, batch, start, layerwise, layerwise @ off)
    yield Same(
        part="noise", label="one step", measured=moved, predicted=predicted, axes=2,
        tolerance=tolerance,
    )  # fmt: skip
    yield Same(
        part="noise", label="beside KFAC", measured=moved, predicted=layerwise @ off, axes=2,
        tolerance=tolerance,
    )  # fmt: skip


def step_rounding(
    trial: Trial, batch: model.Batch, start: model.Weights, end: torch.Tensor, off: torch.Tensor
) -> Tolerance:
    """Return the rounding of a step, which is relative to the representation, not to ``off``."""
    norm = torch.linalg.matrix_norm
    swamped = max(1.0, float((norm(end) / norm(off)).max()))
    condition = condition_of(batch.cov_x) * condition_of(*start) ** 2
    solve = rounding(trial.dtype, dim=trial.input_dim, condition=condition)
    return solve.times(swamped, "relative to the representation")
