"""LR-15: local contraction of AMGD and KFAC, from the numerically differentiated update map."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim import amgd, kfac
from lpfl.optim.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.checks import linear_setup as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals, ScenarioSpace
from theory.linear_representation import local_rate, local_spectrum

REPLICATES = 256
TINY_TANGENT = 1e-6
FINITE_SIZE_TOLERANCE = 0.02


def tangent_jacobian(
    method: Method, problem: model.LinearRepresentation, batch: model.Batch
) -> NDArray[np.float64]:
    """Return the Jacobian of vec T -> vec T+ at T = 0 by central differences.

    Every direction is one replicate; ``problem`` and ``batch`` hold a single one.
    """
    G_star, B = problem.representation_star, problem.complement
    k, d = G_star.shape[-2:]
    size = k * (d - k)
    width = torch.finfo(G_star.dtype).eps ** (1 / 3)
    directions = torch.eye(size, dtype=G_star.dtype, device=G_star.device)
    T = width * torch.cat([directions, -directions]).reshape(2 * size, k, d - k)
    G = G_star + T @ B
    if method.orthonormal:
        G = linalg.orthonormal_rows(G)
    head = problem.head_star.expand(2 * size, -1, -1)
    wide = model.Batch(batch.cov_x.expand(2 * size, d, d), batch.cross.expand(2 * size, -1, d))
    start = model.Weights(head, G)
    after, _ = method.step(start, method.init(start), wide)
    T_next = linalg.tangent_matrix(
        after.representation, G_star.expand(2 * size, k, d), B.expand(2 * size, d - k, d)
    ).reshape(2 * size, size)
    return as_numpy((T_next[:size] - T_next[size:]) / (2 * width)).T


def schur_spectrum(problem: model.LinearRepresentation) -> NDArray[np.float64]:
    """Return the eigenvalues of the Schur complement of Sigma on the complement of G*."""
    k = problem.representation_star.shape[-2]
    cov_x = as_numpy(setup.frame_covariance(problem))
    schur = cov_x[k:, k:] - cov_x[k:, :k] @ np.linalg.solve(cov_x[:k, :k], cov_x[:k, k:])
    return np.asarray(np.linalg.eigvalsh((schur + schur.T) / 2))


def measure_rates(trial: Trial) -> list[Finding]:
    """Eigenvalues of the update map, the best step, and the mean multiplier on batches."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    heads = setup.head_eigenvalues(scenario)
    schurs = schur_spectrum(problem)
    largest, smallest = heads[0] * schurs[-1], heads[-1] * schurs[0]
    eps = torch.finfo(trial.dtype).eps
    condition = float(problem_condition(problem))
    # central differences with width eps^(1/3): truncation and rounding are both eps^(2/3)
    tolerance = 16 * scenario.input_dim * eps ** (2 / 3) * max(1.0, math.sqrt(condition))

    findings = []
    eta = scenario.scaled_step / largest
    best = 2.0 / (largest + smallest)
    cases = (
        ("amgd", amgd.amgd(step_size=eta), eta),
        ("amgd at its best step", amgd.amgd(step_size=best), best),
        ("kfac", kfac.kfac(step_size=scenario.step_size), scenario.step_size),
    )
    for part, method, step_size in cases:
        jacobian = tangent_jacobian(method, problem, batch)
        measured = np.sort(np.linalg.eigvals(jacobian).real)
        predicted = np.sort(
            local_spectrum(
                method.name,
                step_size=step_size,
                head_eigenvalues=heads,
                schur_eigenvalues=schurs,
            )
        )
        error = float(np.abs(measured - predicted).max())
        rate = float(np.abs(measured).max())
        want = local_rate(
            method.name, step_size=step_size, head_eigenvalues=heads, schur_eigenvalues=schurs
        )
        findings.append(Finding(part, decide.identity(error, tolerance=tolerance)))
        findings.append(
            Finding(f"{part}: rate", decide.identity(abs(rate - want), tolerance=tolerance))
        )
    findings.append(mean_multiplier(trial, eta))
    return findings


def problem_condition(problem: model.LinearRepresentation) -> Tensor:
    """Return the condition number of Sigma."""
    return torch.linalg.cond(problem.cov_x.to(torch.float64))


def mean_multiplier(trial: Trial, eta: float) -> Finding:
    """Noiseless Gaussian batches: E T+ = T - eta H T Sigma_s (n - k)/n to first order.

    Measured as <T, T+> / <T, T> along one eigen-direction of both H and Sigma_s.
    """
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=1)
    G_star, B = problem.representation_star, problem.complement
    _, head_vectors = torch.linalg.eigh((problem.head_star.mT @ problem.head_star)[0])
    k = scenario.rank
    cov_x = setup.frame_covariance(problem)
    schur = cov_x[k:, k:] - cov_x[k:, :k] @ torch.linalg.solve(cov_x[:k, :k], cov_x[:k, k:])
    schur_values, schur_vectors = torch.linalg.eigh((schur + schur.mT) / 2)
    direction = head_vectors[:, -1:] @ schur_vectors[:, -1:].mT
    T = TINY_TANGENT * direction.expand(REPLICATES, k, -1)
    wide = model.LinearRepresentation(
        head_star=problem.head_star.expand(REPLICATES, -1, -1),
        representation_star=G_star.expand(REPLICATES, -1, -1),
        cov_x=problem.cov_x,
        root=problem.root,
        noise_std=0.0,
        input_law="gaussian",
    )
    G = linalg.orthonormal_rows(G_star + T @ B)
    batch = model.sample(wide, scenario.batch_size, trial.stream("multiplier"))
    after = amgd.amgd_step(G, model.Batch(batch.cov_x, batch.cross), step_size=eta)
    complement = B.expand(REPLICATES, -1, -1)
    T_next = linalg.tangent_matrix(after.representation, wide.representation_star, complement)
    # 1 - multiplier, in units of eta lambda mu: its mean is (n - k)/n
    multiplier = as_numpy((T_next * direction).sum((-2, -1)) / TINY_TANGENT)
    unit = float(eta * setup.head_eigenvalues(scenario)[0] * schur_values[-1])
    n = scenario.batch_size
    verdict = decide.equivalence(
        (1.0 - multiplier) / unit,
        predicted=local_rate("amgd_batch_mean", step_size=1.0, batch_size=n, rank=k),
        tolerance=FINITE_SIZE_TOLERANCE,
        alpha=trial.alpha,
        matters=0.5,
    )
    return Finding("amgd: mean multiplier on noiseless batches", verdict)


RATES = Check(
    claim_id="LR-15",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 3, 16, log=True),
            Integers("rank", 1, lambda v: min(4, v["input_dim"] - 1)),
            setup.OUTPUT_DIM,
            Covariances(max_log10_cond=3.0),
            setup.HEAD_COND,
            Reals("scaled_step", 0.1, 1.9),
            setup.STEP_SIZE,
            Integers("batch_size", lambda v: 20 * v["input_dim"], lambda v: 40 * v["input_dim"]),
            Choice("input_law", ("gaussian",)),
        ),
    ),
    measure=measure_rates,
    decisions=1,
)
