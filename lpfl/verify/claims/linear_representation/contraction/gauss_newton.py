"""LR-02: Gauss-Newton blocks, rank and null space, for inputs of full and of deficient rank."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from lpfl import linalg
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import step
from lpfl.verify.space import Covariances, Integers
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy
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


def anchor(data_rank: int) -> Scenario:
    """Return the paper's sizes with inputs of the given rank."""
    return setup.paper(
        covariance=setup.paper_covariance(), head_log10_cond=1.0, data_rank=data_rank
    )


@check(
    "LR-02",
    (
        *setup.SIZES,
        Covariances(max_log10_cond=3.0),
        setup.HEAD_COND,
        Integers("data_rank", lambda v: v["rank"], lambda v: v["input_dim"]),
    ),
    anchors=(anchor(100), anchor(40)),
)
def gauss_newton(trial: Trial) -> Iterator[Comparison]:
    """Closed form and autograd against the printed blocks; the form; the gauge; the rank."""
    problem = setup.draw_truth(trial, replicates=1)
    inputs = rows_of_rank(trial, problem)
    n, d = inputs.shape
    setup.admit(trial, problem, batch_size=n, data_rank=int(torch.linalg.matrix_rank(inputs)))
    if d <= EXACT_UP_TO:
        yield from exact_parts(trial)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    weights = model.Weights(problem.head_star, G)
    jacobian = jacobian_of_module(weights, inputs)
    matrices = {
        "closed form": model.gauss_newton(weights, inputs.mT @ inputs / n)[0],
        "autograd": jacobian.mT @ jacobian / n,
    }
    tolerance = rounding(trial.dtype, dim=n + d + trial.output_dim)
    yield from blocks_and_form(trial, weights, inputs, matrices, tolerance)
    yield from gauge(trial, weights, matrices["closed form"], tolerance)
    yield rank(trial, weights, inputs, jacobian, tolerance)


def blocks_and_form(
    trial: Trial,
    weights: model.Weights,
    inputs: Tensor,
    matrices: dict[str, Tensor],
    tolerance: Tolerance,
) -> Iterator[Comparison]:
    """Compare the blocks, and the quadratic form along a drawn direction."""
    F, G = weights.head[0], weights.representation[0]
    split = G.numel()
    D_G, D_F = (
        torch.randn(
            part.shape, generator=trial.stream(name), dtype=trial.dtype, device=trial.device
        )
        for name, part in (("direction in G", G), ("direction in F", F))
    )
    direction = torch.cat([linalg.vec(D_G), linalg.vec(D_F)])
    values = {
        letter: as_numpy(tensor)
        for letter, tensor in (("X", inputs), ("F", F), ("G", G), ("D_G", D_G), ("D_F", D_F))
    }
    sizes = {**step.sizes(trial), "n": inputs.shape[0]}
    predicted = {
        part: trial.claim[part].matrix(values, sizes=sizes)
        for part in ("representation_block", "head_block", "cross_block", "quadratic_form")
    }
    for label, matrix in matrices.items():
        size = torch.linalg.matrix_norm(matrix)
        measured = {
            "representation_block": matrix[:split, :split],
            "head_block": matrix[split:, split:],
            "cross_block": matrix[:split, split:],
        }
        for part, block in measured.items():
            yield Same(
                part=part,
                label=label,
                measured=block,
                predicted=predicted[part],
                tolerance=tolerance,
                axes=2,
                scale=size,
            )
        yield Same(
            part="quadratic_form",
            label=label,
            measured=direction @ matrix @ direction,
            predicted=predicted["quadratic_form"],
            tolerance=tolerance,
            scale=size * direction.square().sum(),
        )


def gauge(
    trial: Trial, weights: model.Weights, matrix: Tensor, tolerance: Tolerance
) -> Iterator[Comparison]:
    """Move along the gauge: the product FG stays, and the Gauss-Newton matrix gives zero."""
    F, G = weights.head[0], weights.representation[0]
    k = F.shape[1]
    R = torch.randn(k, k, generator=trial.stream("gauge"), dtype=trial.dtype, device=trial.device)
    unit = torch.eye(G.shape[1], dtype=trial.dtype, device=trial.device)
    ahead, back = (
        model.TwoLayerLinear(model.Weights(F + sign * F @ R, G - sign * R @ G))(unit).mT
        for sign in (1.0, -1.0)
    )
    change = (ahead - back).detach() / 2  # exact: the product is bilinear
    norm = torch.linalg.matrix_norm
    predicted = trial.claim["gauge"].matrix({}, sizes=step.sizes(trial))
    yield Same(
        part="gauge",
        label="change of the product",
        measured=change,
        predicted=predicted,
        tolerance=tolerance,
        axes=2,
        scale=norm(F) * norm(R) * norm(G),
    )
    moved = model.flatten(model.Weights((F @ R)[None], (-R @ G)[None]))[0]
    yield Same(
        part="gauge",
        label="Gauss-Newton matrix times the gauge direction",
        measured=matrix @ moved,
        predicted=torch.zeros_like(moved),
        tolerance=tolerance,
        axes=1,
        scale=norm(matrix, ord=2) * moved.norm(),
    )


def rank(
    trial: Trial,
    weights: model.Weights,
    inputs: Tensor,
    jacobian: Tensor,
    tolerance: Tolerance,
) -> Comparison:
    """Count the singular values of the Jacobian halfway between rounding and the smallest one."""
    values = torch.linalg.svdvals(jacobian)
    smallest = smallest_share(weights, inputs, trial.data_rank)
    threshold = math.sqrt(tolerance.value * smallest)
    return Same(
        part="rank",
        measured=int((values > threshold * values[0]).sum()),
        predicted=gauss_newton_rank(
            input_dim=trial.input_dim,
            output_dim=trial.output_dim,
            rank=trial.rank,
            data_rank=trial.data_rank,
        ),
        tolerance=tolerance.times(
            1.0 / smallest, "over the smallest share of a singular value that is not zero"
        ),
        scale=1.0,
    )
