"""LR-18: the local spectrum of joint gradient descent."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lpfl.optim import sgd
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import joint
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import moving_eigenvalues, update_jacobian
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of, default_facts
from theory.linear_representation import (
    gauss_newton_spectrum,
    gradient_descent_spectrum,
    local_rate,
)


def isotropic_facts(scenario: Scenario) -> Mapping[str, Any]:
    """The parts are measured on white inputs; the drawn covariance serves the extra."""
    return {**default_facts(scenario), "condition_number": 1.0}


def white(problem: model.LinearRepresentation) -> model.LinearRepresentation:
    """Return the same truth with isotropic inputs."""
    eye = torch.eye(problem.cov_x.shape[-1], dtype=problem.cov_x.dtype, device=problem.cov_x.device)
    return replace(problem, cov_x=eye, root=eye)


@check(
    "LR-18",
    (*joint.SIZES, joint.COVARIANCE, joint.HEAD_COND, Reals("step_size", 0.01, 1.0)),
    anchors=(joint.anchor(step_size=0.05),),
    facts=isotropic_facts,
)
def gradient_descent(trial: Trial) -> Iterator[Comparison]:
    """Eigenvalues of the update map in two gauges, then in any gauge beside Gauss-Newton's."""
    problem = white(setup.draw_truth(trial, replicates=1))
    setup.admit(trial, problem)
    batch = model.population_batch(problem)
    method = sgd.sgd(step_size=trial.step_size)
    balanced = joint.balanced_solution(problem)
    orthonormal = model.Weights(problem.head_star, problem.representation_star)
    tolerance = joint.tolerance_of(trial)
    for spectrum, solution in (("balanced", balanced), ("orthonormal", orthonormal)):
        jacobian = update_jacobian(method, solution, batch)
        yield from joint.same_spectrum(
            trial, spectrum, jacobian, tolerance, step_size=trial.step_size
        )
        stated = gradient_descent_spectrum(
            step_size=trial.step_size,
            head_eigenvalues=setup.head_eigenvalues(trial.scenario),
            input_dim=trial.input_dim,
            output_dim=trial.output_dim,
            balanced=spectrum == "balanced",
        )
        yield joint.same_multipliers(f"{spectrum}_joint", jacobian, stated, tolerance)
    yield rows_off_the_truth(trial, balanced, problem)
    yield beside_gauss_newton(trial, problem, "gauss_newton")


def rows_off_the_truth(
    trial: Trial, balanced: model.Weights, problem: model.LinearRepresentation
) -> Same:
    """Compare what a step leaves of every row of G off the truth, balanced layers.

    The head is diagonal up to a rotation of the outputs, so rows do not mix, and with G* G' as
    at the solution the rows off G* move linearly at any size.
    """
    B = problem.complement
    F, G = balanced
    method = sgd.sgd(step_size=trial.step_size)
    start = model.Weights(F, G + torch.ones_like(G @ B.mT) @ B)
    after, _ = method.step(start, method.init(start), model.population_batch(problem))
    before, left = (weights.representation @ B.mT for weights in (start, after))
    return Same(
        part="balanced_representation",
        label="rows off the truth",
        measured=((left * before).sum(-1) / before.square().sum(-1))[0],
        predicted=trial.number(
            "balanced_representation", head_eigenvalue=setup.head_eigenvalues(trial.scenario)
        ),
        scale=1.0,
        tolerance=rounding(trial.dtype, dim=trial.input_dim, condition=condition_of(F)),
    )


def beside_gauss_newton(trial: Trial, problem: model.LinearRepresentation, part: str) -> Comparison:
    """Compare the spectrum at a solution of a random gauge with the Gauss-Newton matrix there."""
    solution = joint.turned_solution(trial, problem)
    eigenvalues = gauss_newton_spectrum(
        head=as_numpy(solution.head[0]),
        representation=as_numpy(solution.representation[0]),
        cov_x=as_numpy(problem.cov_x),
    )
    method = sgd.sgd(step_size=trial.step_size)
    measured = np.linalg.eigvals(update_jacobian(method, solution, model.population_batch(problem)))
    predicted = trial.number("gauss_newton", gauss_newton_eigenvalue=eigenvalues)
    largest = max(1.0, trial.step_size * float(eigenvalues[-1]))
    return joint.same_eigenvalues(
        part,
        measured[np.argsort(measured.real)],
        np.sort(predicted),
        joint.tolerance_of(trial).times(largest, "relative to the largest eigenvalue"),
    )


@gradient_descent.extra("any covariance")
def any_covariance(trial: Trial) -> Iterator[Comparison]:
    """The relation to the Gauss-Newton matrix needs no isotropic input."""
    yield beside_gauss_newton(trial, setup.draw_truth(trial, replicates=1), "any covariance")


@gradient_descent.extra("largest multiplier")
def largest_multiplier(trial: Trial) -> Iterator[Comparison]:
    """The largest modulus among all directions but the gauge, balanced layers."""
    problem = white(setup.draw_truth(trial, replicates=1))
    solution = joint.balanced_solution(problem)
    jacobian = update_jacobian(
        sgd.sgd(step_size=trial.step_size), solution, model.population_batch(problem)
    )
    yield Same(
        part="largest multiplier",
        measured=np.abs(moving_eigenvalues(jacobian, solution)).max(),
        predicted=local_rate(
            "gd",
            step_size=trial.step_size,
            head_eigenvalues=setup.head_eigenvalues(trial.scenario),
            output_dim=trial.output_dim,
        ),
        scale=1.0,
        tolerance=joint.tolerance_of(trial),
    )
