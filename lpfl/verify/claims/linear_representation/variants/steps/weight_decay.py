"""LR-39: where weight decay takes joint KFAC, SGD and KFAC with a refitted head."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import linalg
from lpfl.optim.core.method import Method
from lpfl.optim.kfac import kfac
from lpfl.optim.kfac.joint import kfac_joint
from lpfl.optim.sgd import sgd
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.linear import joint
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import variant_functions as functions
from lpfl.verify.setups.linear.jacobian import (
    difference_tolerance,
    tangent_jacobian,
    update_jacobian,
)
from lpfl.verify.space import Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy, condition_of

Array = NDArray[np.float64]

START_TANGENT = 0.3
STEPS = 200  # 0.8 per step at the slowest: 1e-19 of the start is left
NEWTON_STEPS = 8
FLAT = 1e-7  # singular values below this share of the largest belong to rotations of the gauge
SMALL = 1e-3  # coupled decay over sqrt(lambda_min) times the smallest eigenvalue of Sigma


@check(
    "LR-39",
    (
        Integers("input_dim", 4, 9),
        Integers("rank", 1, 3),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.2, 0.6),
        Reals("head_step_size", 0.2, 0.6),
        Reals("decay_rate", 0.05, 0.6),
    ),
)
def weight_decay(trial: Trial) -> Iterator[Comparison]:
    """Run joint KFAC to its fixed point, differentiate there; then coupled decay by Newton."""
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    yield from decoupled(trial, problem)
    yield from functions.with_decay(trial)
    yield from refitted(trial, problem)
    yield from coupled(trial, problem, "drawn covariance")
    yield coupled_tangent(trial, aligned(problem), "no cross-covariance")


def decoupled(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Same]:
    """Run from a tilted start; then the spectrum at the fixed point in a drawn gauge."""
    steps = {"step_size": trial.step_size, "head_step_size": trial.head_step_size}
    method = kfac_joint(**steps, weight_decay=trial.decay_rate)
    batch = model.population_batch(problem)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    R = G @ problem.representation_star.mT
    F = torch.linalg.solve(R, problem.head_star, left=False)
    (F, G), _ = simulate(method, model.Weights(F, G), lambda t: batch, num_steps=STEPS)
    product, truth = F @ G, problem.product_star
    T = linalg.tangent_matrix(G, problem.representation_star, problem.complement)
    exact = rounding(
        trial.dtype, dim=trial.input_dim, condition=condition_of(problem.cov_x, F, F, G)
    ).times(STEPS, "once per step")
    yield Same(
        part="product",
        measured=(product * truth).sum() / truth.square().sum(),
        predicted=trial.number("product"),
        tolerance=exact,
    )
    yield Same(
        part="product",
        label="as a matrix",
        measured=product,
        predicted=as_numpy(truth) * trial.number("product"),
        axes=2,
        tolerance=exact,
    )
    yield Same(
        part="tangent",
        measured=torch.linalg.matrix_norm(T),
        predicted=trial.number("tangent"),
        scale=START_TANGENT,
        tolerance=exact,
    )
    F, G = joint.turned_solution(trial, problem)
    solution = model.Weights(F, G / (1.0 + trial.decay_rate))
    yield from joint.same_spectrum(
        trial,
        "decoupled",
        update_jacobian(method, solution, batch),
        joint.tolerance_of(trial, problem.cov_x, F, F),
        **steps,
        decay_rate=trial.decay_rate,
    )


def refitted(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Same]:
    """Alternating KFAC with decay: the map of T, and the length of G at T = 0."""
    method = kfac(step_size=trial.step_size, weight_decay=trial.decay_rate)
    batch = model.population_batch(problem)
    J = tangent_jacobian(method, problem, batch)
    error = difference_tolerance(trial, len(J), problem.cov_x, problem.head_star)
    yield Same(
        part="refit_tangent",
        measured=J,
        predicted=trial.number("refit_tangent") * np.eye(len(J)),
        axes=2,
        scale=len(J) ** 0.5,
        tolerance=error,
    )
    start = joint.turned_solution(trial, problem)
    after, _ = method.step(start, method.init(start), batch)
    norm = torch.linalg.matrix_norm
    yield Same(
        part="refit_norm",
        measured=norm(after.representation) / norm(start.representation),
        predicted=trial.number("refit_norm"),
        tolerance=rounding(
            trial.dtype, dim=trial.input_dim, condition=condition_of(problem.cov_x, start.head)
        ),
    )


def smallness(trial: Trial, problem: model.LinearRepresentation) -> float:
    """Return sqrt(lambda_min) times the smallest eigenvalue of Sigma: the unit of the decay."""
    smallest = float(torch.linalg.eigvalsh(problem.cov_x)[..., 0].min())
    return smallest * float(np.sqrt(setup.head_eigenvalues(trial.scenario).min()))


def stopped(
    method: Method, problem: model.LinearRepresentation, batch: model.Batch
) -> model.Weights:
    """Return where the method stands still, by Newton's method from the balanced solution."""
    weights = joint.balanced_solution(problem)
    k, d = weights.representation.shape[-2:]
    m = weights.head.shape[-2]
    for _ in range(NEWTON_STEPS):
        after, _ = method.step(weights, method.init(weights), batch)
        left = as_numpy(model.flatten(after) - model.flatten(weights))[0]
        slope = np.eye(left.size) - update_jacobian(method, weights, batch)
        move = np.linalg.lstsq(slope, left, rcond=FLAT)[0]
        flat = model.flatten(weights)[0] + torch.as_tensor(
            move, dtype=weights.head.dtype, device=weights.head.device
        )
        G, F = linalg.unvec(flat[: k * d], k), linalg.unvec(flat[k * d :], m)
        weights = model.Weights(F.unsqueeze(0), G.unsqueeze(0))
    return weights


def methods(trial: Trial, decay: float) -> dict[str, Method]:
    """Return joint KFAC and joint SGD with coupled decay."""
    steps = {"step_size": trial.step_size, "head_step_size": trial.head_step_size}
    return {
        "KFAC": kfac_joint(**steps, weight_decay=decay, decay_kind="coupled"),
        "SGD": sgd(step_size=trial.step_size, weight_decay=decay),
    }


def coupled(trial: Trial, problem: model.LinearRepresentation, label: str) -> Iterator[Same]:
    """Gradients and Gram matrices where KFAC and SGD stop, and how far off the subspace is."""
    batch = model.population_batch(problem)
    decay = SMALL * smallness(trial, problem)
    for name, method in methods(trial, decay).items():
        F, G = stopped(method, problem, batch)
        values = {
            "F": as_numpy(F),
            "G": as_numpy(G),
            "F^*": as_numpy(problem.head_star),
            "G^*": as_numpy(problem.representation_star),
            "Sigma": as_numpy(problem.cov_x),
            "w_d": decay,
        }
        sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
        error = newton_error(trial, problem, F)
        slopes = model.gradients(model.Weights(F, G), batch)
        for part, measured in (
            ("coupled_gradient", slopes.representation),
            ("coupled_head_gradient", slopes.head),
            ("coupled_balance", F.mT @ F),
        ):
            yield Same(
                part=part,
                label=name,
                measured=measured,
                predicted=trial.claim[part].matrix(values, sizes=sizes),
                axes=2,
                tolerance=error,
            )
    yield coupled_tangent(trial, problem, label)


def newton_error(trial: Trial, problem: model.LinearRepresentation, F: torch.Tensor) -> Tolerance:
    """Return the rounding of a fixed point: the balance comes back at a rate of order SMALL."""
    return rounding(
        trial.dtype,
        dim=joint.weights_count(trial),
        condition=condition_of(problem.cov_x, problem.cov_x, F, F),
    ).times(10.0 / SMALL**2, "over the rate of the balance and the size of the decay")


def coupled_tangent(trial: Trial, problem: model.LinearRepresentation, label: str) -> Same:
    """T over the decay where KFAC stops, extrapolated from a small decay and from half of it."""
    batch = model.population_batch(problem)
    unit = smallness(trial, problem)
    slopes = []
    for decay in (SMALL * unit, SMALL * unit / 2.0):
        G = stopped(methods(trial, decay)["KFAC"], problem, batch).representation
        T = linalg.tangent_matrix(G, problem.representation_star, problem.complement)
        slopes.append(as_numpy(T)[0] / decay)
    heads, basis = np.linalg.eigh(as_numpy(problem.head_star.mT @ problem.head_star)[0])
    values = {
        "H_r": (basis * np.sqrt(heads)) @ basis.T,
        "G^*": as_numpy(problem.representation_star)[0],
        "Sigma": as_numpy(problem.cov_x),
        "B": as_numpy(problem.complement)[0],
    }
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
    second = truncation(10.0 * SMALL**2, "the square of the decay over its unit, 10 times")
    return Same(
        part="coupled_tangent",
        label=label,
        measured=2.0 * slopes[1] - slopes[0],
        predicted=trial.claim["coupled_tangent"].matrix(values, sizes=sizes),
        axes=2,
        scale=1.0 / unit,
        tolerance=second + newton_error(trial, problem, problem.head_star),
    )


def aligned(problem: model.LinearRepresentation) -> model.LinearRepresentation:
    """Return the problem without the cross-covariance between G* and its complement."""
    G_star, B = problem.representation_star[0], problem.complement[0]
    P, Q = G_star.mT @ G_star, B.mT @ B
    cov_x = P @ problem.cov_x @ P + Q @ problem.cov_x @ Q
    values, vectors = torch.linalg.eigh((cov_x + cov_x.mT) / 2)
    return replace(
        problem, cov_x=(cov_x + cov_x.mT) / 2, root=(vectors * values.sqrt()) @ vectors.mT
    )
