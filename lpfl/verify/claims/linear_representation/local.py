"""LR-15: local contraction of AMGD and KFAC, from the numerically differentiated update map."""

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import decide, linalg
from lpfl.optim import amgd, kfac
from lpfl.optim.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals, ScenarioSpace
from theory.core.formula import numeric
from theory.linear_representation import local_rate


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
    # Central differences with width eps^(1/3): truncation and rounding are both eps^(2/3).
    tolerance = (
        16
        * scenario.input_dim
        * torch.finfo(trial.dtype).eps ** (2 / 3)
        * math.sqrt(condition_of(problem.cov_x))
    )
    eta = scenario.scaled_step / largest
    best = 2.0 / (largest + smallest)
    relations = trial.claim.relations()
    entry = numeric(relations["entry"].args[1])
    findings = []
    for part, method, step_size in (
        ("amgd", amgd.amgd(step_size=eta), eta),
        ("amgd at its best step", amgd.amgd(step_size=best), best),
        ("kfac", kfac.kfac(step_size=scenario.step_size), scenario.step_size),
    ):
        measured = np.linalg.eigvals(tangent_jacobian(method, problem, batch))
        if method.name == "amgd":
            multipliers = entry(
                step_size=step_size, head_eigenvalue=heads[:, None], schur_eigenvalue=schurs
            )
        else:
            one = numeric(relations["kfac"].args[1])(step_size=step_size)
            multipliers = np.full(measured.size, float(one))
        error = np.abs(np.sort(measured.real) - np.sort(np.ravel(multipliers)))
        want = local_rate(
            method.name, step_size=step_size, head_eigenvalues=heads, schur_eigenvalues=schurs
        )
        worst_error = max(float(error.max()), abs(float(np.abs(measured).max()) - want))
        verdict = decide.identity(worst_error, tolerance=tolerance)
        findings.append(Finding(f"spectrum: {part}", verdict))
    findings.append(batch_multiplier(trial, eta))
    return findings


def batch_multiplier(trial: Trial, eta: float) -> Finding:
    """Noiseless Gaussian batches: along an eigen-direction of H and Sigma_s, exactly chi-square.

    There <V, T+ - T> / <V, T> = -eta lambda mu c / n to first order in T, c chi-square with n - k
    degrees of freedom (a Wishart Schur complement), hence the mean (n - k)/n.
    """
    scenario = trial.scenario
    n, k = scenario.batch_size, scenario.rank
    matters = 1.0 + 0.8 * k / (n - k)  # the rival without the correction has n for n - k
    needed = decide.dof_for_scale(trial.alpha, matters)
    replicates = math.ceil(1.1 * needed / (n - k))
    problem = setup.draw_truth(trial, replicates=1)
    _, head_vectors = torch.linalg.eigh((problem.head_star.mT @ problem.head_star)[0])
    cov_x = setup.frame_covariance(problem)
    schur = cov_x[k:, k:] - cov_x[k:, :k] @ torch.linalg.solve(cov_x[:k, :k], cov_x[:k, k:])
    schur_values, schur_vectors = torch.linalg.eigh((schur + schur.mT) / 2)
    direction = head_vectors[:, -1:] @ schur_vectors[:, -1:].mT
    wide = replace(
        problem,
        head_star=problem.head_star.expand(replicates, -1, -1),
        representation_star=problem.representation_star.expand(replicates, -1, -1),
    )
    tiny = torch.finfo(trial.dtype).eps ** (1 / 3)
    G = linalg.orthonormal_rows(problem.representation_star + tiny * direction @ problem.complement)
    batch = model.sample(wide, n, trial.stream("multiplier"))
    after = amgd.amgd_step(G.expand(replicates, -1, -1), batch, step_size=eta)
    T_next = linalg.tangent_matrix(
        after.representation, wide.representation_star, problem.complement
    )
    multiplier = as_numpy((T_next * direction).sum((-2, -1)) / tiny)
    multiplier_of_mean = numeric(trial.claim.relations()["batch"].args[1])(
        step_size=eta,
        head_eigenvalue=setup.head_eigenvalues(scenario)[0],
        schur_eigenvalue=float(schur_values[-1]),
        rank=k,
        batch_size=n,
    )
    chi_squares = (n - k) * (1.0 - multiplier) / (1.0 - float(multiplier_of_mean))
    verdict = decide.chi_square(
        float(chi_squares.sum()),
        (n - k) * replicates,
        alpha=trial.alpha,
        matters=matters,
        draws=replicates,
    )
    return Finding("mean multiplier on noiseless batches", verdict)


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
            Integers("batch_size", lambda v: 2 * v["rank"] + 2, lambda v: 6 * v["rank"] + 6),
            Choice("input_law", ("gaussian",)),
        ),
    ),
    measure=measure_rates,
    decisions=1,
)
