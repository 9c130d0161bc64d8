"""LR-18: local spectrum of joint gradient descent; the Jacobian of any joint update."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import decide, linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import sgd
from lpfl.optim.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of, default_facts
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Covariances, Integers, Reals, ScenarioSpace
from theory.linear_representation import (
    gauss_newton_spectrum,
    gradient_descent_spectrum,
    local_rate,
)

SIZES = (
    Integers("input_dim", 3, 12, log=True),
    Integers("rank", 1, lambda v: min(3, v["input_dim"] - 1)),
    Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 4),
)
HEAD_COND = Reals("head_log10_cond", 0.0, 1.0)
COVARIANCE = Covariances(max_log10_cond=2.0)


def anchor(**fields: float) -> Scenario:
    """Return a scenario at sizes whose Jacobian is still quick to decompose."""
    covariance = CovarianceSpec(24, "geometric", 2.0, "haar", 0)
    sizes = {"input_dim": 24, "rank": 4, "output_dim": 10, "head_log10_cond": 1.0}
    return Scenario({**sizes, "covariance": covariance, **fields})


def isotropic_facts(scenario: Scenario) -> Mapping[str, Any]:
    """The closed-form spectra are measured on white inputs; the part beyond them needs no law."""
    return {**default_facts(scenario), "condition_number": 1.0}


def update_jacobian(
    method: Method, solution: model.Weights, batch: model.Batch
) -> NDArray[np.float64]:
    """Return the Jacobian of (vec G, vec F) -> (vec G+, vec F+) at ``solution``, (p, p).

    Central differences; every direction is one replicate, ``solution`` and ``batch`` hold one.
    """
    F, G = solution
    (m, k), d = F.shape[-2:], G.shape[-1]
    size = k * (d + m)
    width = torch.finfo(G.dtype).eps ** (1 / 3)
    directions = width * torch.eye(size, dtype=G.dtype, device=G.device)
    moves = torch.cat([directions, -directions])
    start = model.Weights(
        F + linalg.unvec(moves[:, k * d :], m), G + linalg.unvec(moves[:, : k * d], k)
    )
    wide = model.Batch(batch.cov_x.expand(2 * size, d, d), batch.cross.expand(2 * size, m, d))
    after, _ = method.step(start, method.init(start), wide)
    flat = model.flatten(after)
    return as_numpy((flat[:size] - flat[size:]) / (2 * width)).T


def difference_tolerance(trial: Trial, *matrices: torch.Tensor) -> float:
    """Return the error of an eigenvalue of a Jacobian from central differences.

    Truncation and rounding are both eps^(2/3); the eigenvectors, and the third derivatives of
    the inverses in the step, amplify them by the condition numbers of what is inverted.
    """
    size = trial.scenario.rank * (trial.scenario.input_dim + trial.scenario.output_dim)
    return float(16 * size * torch.finfo(trial.dtype).eps ** (2 / 3) * condition_of(*matrices))


def spectrum_finding(
    part: str, jacobian: NDArray[np.float64], predicted: NDArray[np.float64], tolerance: float
) -> Finding:
    """Compare the eigenvalues of ``jacobian`` with a predicted multiset of real numbers."""
    measured = np.linalg.eigvals(jacobian)
    error = np.abs(np.sort(measured.real) - np.sort(predicted))
    worst = max(float(error.max()), float(np.abs(measured.imag).max()))
    return Finding(part, decide.identity(worst, tolerance=tolerance))


def turned_solution(trial: Trial, problem: model.LinearRepresentation) -> model.Weights:
    """Return F* R^{-1}, R G* for a random gauge R with singular values in [1/2, 2]."""
    G = model.tilt(problem.representation_star, 0.0, trial.stream("gauge"))
    R = G @ problem.representation_star.mT
    return model.Weights(torch.linalg.solve(R, problem.head_star, left=False), G)


def balanced_solution(problem: model.LinearRepresentation) -> model.Weights:
    """Return F = U sqrt(s), G = sqrt(s) V' from the decomposition U s V' of F* G*."""
    k = problem.head_star.shape[-1]
    U, s, Vh = torch.linalg.svd(problem.product_star, full_matrices=False)
    root = s[..., :k].sqrt()
    return model.Weights(U[..., :k] * root.unsqueeze(-2), root.unsqueeze(-1) * Vh[..., :k, :])


def measure_gradient_descent(trial: Trial) -> list[Finding]:
    """LR-18: white inputs from two gauges, then any covariance against the Gauss-Newton matrix."""
    scenario = trial.scenario
    eta = scenario.step_size
    problem = setup.draw_truth(trial, replicates=1)
    d = scenario.input_dim
    eye = torch.eye(d, dtype=trial.dtype, device=trial.device)
    white = model.Batch(eye.expand(1, d, d), problem.product_star)
    method = sgd.sgd(step_size=eta)
    orthonormal = model.Weights(problem.head_star, problem.representation_star)
    balanced = balanced_solution(problem)
    tolerance = difference_tolerance(trial)
    findings = []
    for part, solution in (("orthonormal rows", orthonormal), ("balanced", balanced)):
        predicted = gradient_descent_spectrum(
            step_size=eta,
            head_eigenvalues=setup.head_eigenvalues(scenario),
            input_dim=d,
            output_dim=scenario.output_dim,
            balanced=part == "balanced",
        )
        jacobian = update_jacobian(method, solution, white)
        findings.append(spectrum_finding(f"white inputs, {part}", jacobian, predicted, tolerance))
    findings.append(tangent_rate(trial, method, balanced, white, problem))
    turned = turned_solution(trial, problem)
    eigenvalues = gauss_newton_spectrum(
        head=as_numpy(turned.head[0]),
        representation=as_numpy(turned.representation[0]),
        cov_x=as_numpy(problem.cov_x),
    )
    jacobian = update_jacobian(method, turned, model.population_batch(problem))
    scale = max(1.0, eta * float(eigenvalues[-1]))
    findings.append(
        spectrum_finding("any covariance", jacobian, 1.0 - eta * eigenvalues, tolerance * scale)
    )
    return findings


def tangent_rate(
    trial: Trial,
    method: Method,
    balanced: model.Weights,
    batch: model.Batch,
    problem: model.LinearRepresentation,
) -> Finding:
    """Balanced weights: the slowest row of G off the truth against 1 - eta s_min(F*).

    The head is diagonal up to a rotation of the outputs, so rows do not mix, and with G* G' as
    at the solution the rows off G* move linearly at any size.
    """
    B = problem.complement
    F, G = balanced
    start = model.Weights(F, G + torch.ones_like(G @ B.mT) @ B)
    after, _ = method.step(start, method.init(start), batch)
    rows = [(weights.representation @ B.mT).norm(dim=-1) for weights in (start, after)]
    want = local_rate(
        "gd",
        step_size=trial.scenario.step_size,
        head_eigenvalues=setup.head_eigenvalues(trial.scenario),
    )
    gap = abs(float((rows[1] / rows[0]).max()) - want)
    tolerance = linalg.machine_tolerance(
        trial.dtype, dim=trial.scenario.input_dim, condition=condition_of(F)
    )
    return Finding("white inputs, rate", decide.identity(gap, tolerance=tolerance))


GRADIENT_DESCENT = Check(
    claim_id="LR-18",
    space=ScenarioSpace(
        axes=(*SIZES, COVARIANCE, HEAD_COND, Reals("step_size", 0.01, 1.0)),
        anchors=(anchor(step_size=0.05),),
    ),
    measure=measure_gradient_descent,
    facts=isotropic_facts,
)
