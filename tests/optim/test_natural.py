"""Natural gradients against dense Gauss-Newton and per-sample oracles."""

import pytest
import torch
from torch import Tensor

from lpfl.linalg import machine_tolerance
from lpfl.optim import OPTIMIZERS
from lpfl.optim.ngd import (
    damped_gauss_newton_inverse,
    gauss_newton_inverse,
    solve_sylvester,
)
from lpfl.optim.ngd_empirical import empirical_fisher_inverse, sample_gradients
from lpfl.problems.linear_representation import (
    Batch,
    TwoLayerLinear,
    Weights,
    flatten,
    gauss_newton,
    gradients,
)
from tests.optim.cases import batches, problem, relative

TRUTH, START = problem()
BATCH = batches(TRUTH, 1)[0]
GAUGE_DIM = 4
# Gauss-Newton matrices here have nonzero eigenvalues within a factor 1e3
TOLERANCE = machine_tolerance(torch.float64, dim=20, condition=1e3)


def dense_pseudo_inverse(weights: Weights, batch: Batch) -> Tensor:
    """Return GN^+ grad from the eigenvalues of the dense matrix, its k^2 smallest dropped."""
    values, vectors = torch.linalg.eigh(gauss_newton(weights, batch.cov_x))
    inverse = 1.0 / values
    inverse[..., :GAUGE_DIM] = 0.0
    g = flatten(gradients(weights, batch)).unsqueeze(-1)
    return (vectors @ (inverse.unsqueeze(-1) * (vectors.mT @ g))).squeeze(-1)


def test_the_closed_form_is_the_pseudo_inverse_of_gauss_newton() -> None:
    found = flatten(gauss_newton_inverse(START, BATCH))
    assert relative(found, dense_pseudo_inverse(START, BATCH)) < TOLERANCE


def test_the_equivariant_direction_solves_the_same_system_without_touching_the_gauge() -> None:
    found = gauss_newton_inverse(START, BATCH, gauge="equivariant")
    GN = gauss_newton(START, BATCH.cov_x)
    grad = flatten(gradients(START, BATCH))
    assert relative((GN @ flatten(found).unsqueeze(-1)).squeeze(-1), grad) < TOLERANCE
    shortest = flatten(gauss_newton_inverse(START, BATCH))
    assert (flatten(found).norm(dim=-1) > 1.01 * shortest.norm(dim=-1)).all()


@pytest.mark.parametrize("rows", [40, 4], ids=["rows>=d", "rows<d"])
@pytest.mark.parametrize("damping", [1e-2, 1.0])
def test_the_split_damped_solve_is_the_dense_one(damping: float, rows: int) -> None:
    batch = batches(TRUTH, 1, rows=rows)[0]
    GN = gauss_newton(START, batch.cov_x)
    shifted = GN + damping * torch.eye(GN.shape[-1], dtype=GN.dtype)
    expected = torch.linalg.solve(shifted, flatten(gradients(START, batch)))
    found = flatten(damped_gauss_newton_inverse(START, batch, damping=damping))
    assert relative(found, expected) < TOLERANCE


def test_steps_subtract_the_direction_over_several_batches() -> None:
    method = OPTIMIZERS["ngd"](step_size=0.3)
    weights, expected = START, flatten(START)
    for batch in batches(TRUTH, 5):
        expected = flatten(weights) - 0.3 * dense_pseudo_inverse(weights, batch)
        weights, _ = method.step(weights, {}, batch)
        assert relative(flatten(weights), expected) < TOLERANCE


def test_sylvester() -> None:
    F, G = START
    P, Q = F.mT @ F, G @ G.mT
    A = F.mT @ G[..., :4].mT
    assert relative(solve_sylvester(P, Q, P @ A + A @ Q), A) < TOLERANCE


def per_sample_oracle(weights: Weights, batch: Batch, r: int) -> Tensor:
    """Return the gradients of the single samples of replicate r by autograd, in a loop."""
    assert batch.inputs is not None
    assert batch.targets is not None
    rows = []
    for x, y in zip(batch.inputs[r], batch.targets[r], strict=True):
        model = TwoLayerLinear(Weights(weights.head[r], weights.representation[r]))
        (0.5 * (model(x.unsqueeze(0)) - y).square().sum()).backward()
        head, representation = model.head.grad, model.representation.grad
        assert head is not None
        assert representation is not None
        rows.append(torch.cat([representation.T.flatten(), head.T.flatten()]))
    return torch.stack(rows)


@pytest.mark.parametrize("rows", [40, 12], ids=["rows>=parameters", "rows<parameters"])
def test_empirical_fisher_against_a_loop_over_samples(rows: int) -> None:
    """20 parameters; with 12 rows the solve goes through the n-by-n Gram matrix."""
    method = OPTIMIZERS["ngd_empirical"](step_size=0.1, damping=0.05)
    weights = START
    for batch in batches(TRUTH, 5, rows=rows):
        before = weights
        weights, _ = method.step(weights, {}, batch)
        for r in range(2):
            U = per_sample_oracle(before, batch, r)
            fisher = U.T @ U / rows + 0.05 * torch.eye(20, dtype=U.dtype)
            expected = flatten(before)[r] - 0.1 * torch.linalg.solve(fisher, U.mean(0))
            assert relative(flatten(weights)[r], expected) < TOLERANCE


@pytest.mark.parametrize("rows", [40, 12], ids=["rows>=parameters", "rows<parameters"])
def test_undamped_empirical_fisher_is_the_pseudo_inverse(rows: int) -> None:
    batch = batches(TRUTH, 1, rows=rows)[0]
    found = empirical_fisher_inverse(sample_gradients(START, batch.inputs, batch.targets))
    for r in range(2):
        U = per_sample_oracle(START, batch, r)
        left, s, right = torch.linalg.svd(U, full_matrices=False)
        kept = min(rows, 20 - GAUGE_DIM)
        inverse = torch.where(torch.arange(len(s)) < kept, 1 / s, 0.0)
        expected = right.T @ (inverse * (left.T @ torch.ones(rows, dtype=U.dtype)))
        # the Gram matrix squares the condition number of U
        condition = float((s[0] / s[kept - 1]) ** 2)
        assert relative(found[r], expected) < machine_tolerance(
            U.dtype, dim=20, condition=condition
        )


def test_the_mean_of_sample_gradients_is_the_gradient() -> None:
    U = sample_gradients(START, BATCH.inputs, BATCH.targets)
    assert relative(U.mean(-2), flatten(gradients(START, BATCH))) < TOLERANCE


def test_gradients_that_vanish_give_no_step() -> None:
    assert empirical_fisher_inverse(torch.zeros(1, 7, 5)).abs().max() == 0


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"damping=0\.1, needs 0 with gauge='equivariant'"):
        OPTIMIZERS["ngd"](damping=0.1, gauge="equivariant")
    with pytest.raises(ValueError, match="batch_size=5, needs >= input_dim=6"):
        OPTIMIZERS["ngd"]().step(START, {}, batches(TRUTH, 1, rows=5)[0])
    with pytest.raises(ValueError, match="needs a batch with inputs and targets"):
        OPTIMIZERS["ngd_empirical"]().step(START, {}, Batch(BATCH.cov_x, BATCH.cross))
