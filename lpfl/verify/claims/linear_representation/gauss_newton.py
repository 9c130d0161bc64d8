"""LR-02: Gauss-Newton blocks, rank and null space, for inputs of full and of deficient rank."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lpfl import decide, linalg
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Covariances, Integers, ScenarioSpace
from theory.core import exact
from theory.linear_representation import gauss_newton_rank

EXACT_UP_TO = 24  # Kronecker products over the prime field take 20 s at the paper's sizes
START_TANGENT = 0.7


def rows_of_rank(trial: Trial, problem: model.LinearRepresentation) -> Tensor:
    """Return rows (n, d), n = d + 28, projected on ``data_rank`` random directions."""
    scenario = trial.scenario
    d = scenario.input_dim
    inputs = model.sample(problem, d + 28, trial.stream("rows")).inputs
    assert inputs is not None
    if scenario.data_rank == d:
        return inputs[0]
    kept = linalg.haar(1, d, trial.stream("directions"), trial.dtype)[0, :, : scenario.data_rank]
    return inputs[0] @ kept @ kept.mT


def jacobian_of_module(weights: model.Weights, inputs: Tensor) -> Tensor:
    """Return the Jacobian (n m, k(d+m)) of the module's outputs over (vec G, vec F)."""
    F, G = weights.head[0], weights.representation[0]
    module = model.TwoLayerLinear(model.Weights(F, G))

    def outputs(flat: Tensor) -> Tensor:
        parts = {
            "representation": linalg.unvec(flat[: G.numel()], G.shape[0]),
            "head": linalg.unvec(flat[G.numel() :], F.shape[0]),
        }
        return torch.func.functional_call(module, parts, (inputs,)).reshape(-1)

    return torch.func.jacrev(outputs)(model.flatten(weights)[0])


def smallest_share(weights: model.Weights, inputs: Tensor, data_rank: int) -> float:
    """Return a lower bound on smallest/largest non-zero singular value of the Jacobian.

    On the span of the rows (basis V) the map (dG, dF) -> F dG V + dF G V has squared singular
    values f + g over eigenvalues f of FF' and g of (GV)'GV, both completed by zeros.
    """
    _, values, basis = torch.linalg.svd(inputs, full_matrices=False)
    spread = values[0] / values[data_rank - 1]
    f = torch.linalg.svdvals(weights.head[0])
    g = torch.linalg.svdvals(weights.representation[0] @ basis[:data_rank].mT)
    low = torch.minimum(f[-1], g[-1]).square()
    return float((low / (f[0].square() + g[0].square())).sqrt() / spread)


def block_values(weights: model.Weights, inputs: Tensor) -> Mapping[str, Any]:
    """Return the values the claim's right-hand sides are read with."""
    return {
        "X": as_numpy(inputs),
        "F": as_numpy(weights.head[0]),
        "G": as_numpy(weights.representation[0]),
    }


def measure_gauss_newton(trial: Trial) -> list[Finding]:
    """Exact reading; blocks against theory; the whole against autograd; gauge; rank."""
    scenario = trial.scenario
    k, m, d = scenario.rank, scenario.output_dim, scenario.input_dim
    problem = setup.draw_truth(trial, replicates=1)
    inputs = rows_of_rank(trial, problem)
    n = inputs.shape[0]
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    weights = model.Weights(problem.head_star, G)
    matrix = model.gauss_newton(weights, inputs.mT @ inputs / n)[0]
    jacobian = jacobian_of_module(weights, inputs)
    norm = torch.linalg.matrix_norm
    rounding = linalg.machine_tolerance(trial.dtype, dim=n + d + m)

    findings = setup.exact_findings(trial) if d <= EXACT_UP_TO else []
    blocks = {
        "representation_block": matrix[: k * d, : k * d],
        "head_block": matrix[k * d :, k * d :],
        "cross_block": matrix[: k * d, k * d :],
    }
    values = block_values(weights, inputs)
    sizes = {"d": d, "m": m, "k": k, "n": n}
    for part, block in blocks.items():
        right = trial.claim.relations()[part].args[1]
        expected = exact.evaluate_float(
            right, values, sizes=sizes, definitions=trial.claim.definitions
        )
        error = norm(block - trial.tensor(expected)) / norm(matrix)
        findings.append(Finding(f"run: {part}", decide.identity(float(error), tolerance=rounding)))
    error = norm(jacobian.mT @ jacobian / n - matrix) / norm(matrix)
    findings.append(Finding("autograd", decide.identity(float(error), tolerance=rounding)))

    gauge = torch.randn(
        k, k, generator=trial.stream("gauge"), dtype=trial.dtype, device=trial.device
    )
    moved = model.flatten(model.Weights(weights.head @ gauge, -gauge @ G))[0]
    leak = torch.linalg.vector_norm(matrix @ moved) / (norm(matrix, ord=2) * moved.norm())
    findings.append(Finding("gauge", decide.identity(float(leak), tolerance=rounding)))
    findings.append(rank_finding(trial, weights, inputs, jacobian, rounding))
    return findings


def rank_finding(
    trial: Trial, weights: model.Weights, inputs: Tensor, jacobian: Tensor, rounding: float
) -> Finding:
    """Count the singular values of the Jacobian halfway between rounding and the smallest one."""
    scenario = trial.scenario
    values = torch.linalg.svdvals(jacobian)
    smallest = smallest_share(weights, inputs, scenario.data_rank)
    threshold = math.sqrt(rounding * smallest)
    measured = int((values > threshold * values[0]).sum())
    predicted = gauss_newton_rank(
        input_dim=scenario.input_dim,
        output_dim=scenario.output_dim,
        rank=scenario.rank,
        data_rank=scenario.data_rank,
    )
    verdict = decide.identity(abs(measured - predicted), tolerance=rounding / smallest)
    null = jacobian.shape[1] - measured
    return Finding("rank", verdict.with_detail(f"rank {measured}, null space {null}"))


def anchor(data_rank: int) -> Any:
    """Return the paper's sizes with inputs of the given rank."""
    return setup.paper(
        covariance=setup.paper_covariance(), head_log10_cond=1.0, data_rank=data_rank
    )


GAUSS_NEWTON = Check(
    claim_id="LR-02",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            Covariances(max_log10_cond=3.0),
            setup.HEAD_COND,
            Integers("data_rank", lambda v: v["rank"], lambda v: v["input_dim"]),
        ),
        anchors=(anchor(100), anchor(40)),
    ),
    measure=measure_gauss_newton,
)
