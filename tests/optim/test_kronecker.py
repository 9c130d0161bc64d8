"""KFAC in its forms, FOOF and DFW against dense Kronecker solves and the identities they imply."""

import pytest
import torch
from torch import Tensor

from lpfl.linalg import kron, machine_tolerance, orthonormal_rows, unvec, vec
from lpfl.optim import OPTIMIZERS
from lpfl.optim.kfac import kfac_step
from lpfl.problems.linear_representation import (
    Batch,
    Weights,
    gradients,
    least_squares_head,
    population_batch,
)
from tests.optim.cases import batches, problem, relative

TRUTH, START = problem()
BATCHES = batches(TRUTH, 6)
# the factors have condition numbers below 100 at 40 rows, and a step inverts two of them
TOLERANCE = machine_tolerance(torch.float64, dim=8, condition=1e4)
FORMS = ("kfac", "kfac_joint", "kfac_sequential", "foof")


def eye(size: int) -> Tensor:
    return torch.eye(size, dtype=torch.float64)


def solve_kron(grad: Tensor, Q: Tensor, P: Tensor) -> Tensor:
    """Return the matrix whose vec is (Q (x) P)^{-1} vec(grad), by a dense solve."""
    return unvec(torch.linalg.solve(kron(Q, P), vec(grad)), grad.shape[-2])


def oracle(form: str, weights: Weights, batch: Batch, eta: float, damping: float) -> Weights:
    """Return one step with every layer's Kronecker matrix formed."""
    F, G = weights
    S = batch.cov_x + damping * eye(6)
    if form in ("kfac", "foof"):
        F = least_squares_head(G, batch)
    slope = gradients(Weights(F, G), batch)
    hidden = G @ batch.cov_x @ G.mT + damping * eye(2)
    F_next = F - eta * solve_kron(slope.head, hidden, eye(4).expand(2, 4, 4))
    if form in ("kfac", "foof"):
        F_next = F
    if form == "kfac_sequential":
        F = F_next
        slope = gradients(Weights(F, G), batch)
    P = eye(2).expand(2, 2, 2) if form == "foof" else F.mT @ F
    return Weights(F_next, G - eta * solve_kron(slope.representation, S, P))


@pytest.mark.parametrize("damping", [0.0, 0.3])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_solves_its_kronecker_systems(form: str, damping: float) -> None:
    method = OPTIMIZERS[form](step_size=0.2, damping=damping)
    weights, memory, expected = START, method.init(START), START
    for batch in BATCHES:
        weights, memory = method.step(weights, memory, batch)
        expected = oracle(form, expected, batch, 0.2, damping)
        assert relative(weights.representation, expected.representation) < TOLERANCE
        assert relative(weights.head, expected.head) < TOLERANCE


def averaged(values: list[Tensor], decay: float) -> Tensor:
    """Return the mean of ``values`` with weights decay^age."""
    weights = [decay ** (len(values) - 1 - i) for i in range(len(values))]
    total = sum(w * value for w, value in zip(weights, values, strict=True))
    return total / sum(weights)


@pytest.mark.parametrize("form", FORMS)
def test_moving_averages_of_the_factors(form: str) -> None:
    method = OPTIMIZERS[form](step_size=0.2, averaging=0.7)
    weights, memory = START, method.init(START)
    seen: dict[str, list[Tensor]] = {"left": [], "input": [], "hidden": []}
    for batch in BATCHES:
        before = weights
        weights, memory = method.step(weights, memory, batch)
        F, G = before
        if form in ("kfac", "foof"):
            F = least_squares_head(G, batch)
        seen["hidden"].append(G @ batch.cov_x @ G.mT)
        if form in ("kfac_joint", "kfac_sequential"):
            grad_F = gradients(before, batch).head
            hidden = averaged(seen["hidden"], 0.7)
            head = F - 0.2 * torch.linalg.solve(hidden, grad_F, left=False)
            assert relative(weights.head, head) < TOLERANCE
            F = head if form == "kfac_sequential" else F
        seen["input"].append(batch.cov_x)
        seen["left"].append(eye(2).expand(2, 2, 2) if form == "foof" else F.mT @ F)
        Q, P = averaged(seen["input"], 0.7), averaged(seen["left"], 0.7)
        moved = solve_kron(gradients(Weights(F, G), batch).representation, Q, P)
        assert relative(weights.representation, G - 0.2 * moved) < TOLERANCE


def test_the_sequential_head_is_a_moving_average_of_least_squares() -> None:
    method = OPTIMIZERS["kfac_sequential"](step_size=0.2, head_step_size=0.3)
    after, _ = method.step(START, {}, BATCHES[0])
    fitted = least_squares_head(START.representation, BATCHES[0])
    assert relative(after.head, 0.7 * START.head + 0.3 * fitted) < TOLERANCE


def test_the_sequential_form_with_full_head_steps_is_the_alternating_one() -> None:
    sequential = OPTIMIZERS["kfac_sequential"](step_size=0.2, head_step_size=1.0)
    alternating = OPTIMIZERS["kfac"](step_size=0.2)
    left = right = START
    for batch in BATCHES:
        left, right = sequential.step(left, {}, batch)[0], alternating.step(right, {}, batch)[0]
    assert relative(left.representation, right.representation) < TOLERANCE


@pytest.mark.parametrize(
    ("form", "gap"), [("kfac_joint", 1 - 0.2 - 0.3), ("kfac_sequential", (1 - 0.2) * (1 - 0.3))]
)
def test_the_gauge_free_part_contracts_as_stated(form: str, gap: float) -> None:
    """Start at G = G*, F = F* (I + a A): the product error lies in F* A G*, LR-19's k^2 part."""
    small = 1e-6
    truth, _ = problem(noise_std=0.0)
    A = torch.tensor([[0.3, -0.5], [0.2, 0.4]], dtype=torch.float64)
    start = Weights(truth.head_star @ (eye(2) + small * A), truth.representation_star)
    method = OPTIMIZERS[form](step_size=0.2, head_step_size=0.3)
    after, _ = method.step(start, {}, population_batch(truth))
    error = after.head @ after.representation - truth.product_star
    before = start.head @ start.representation - truth.product_star
    # what is left out is quadratic in the error, a multiple small of it
    assert relative(error, gap * before) < 10 * small


def test_dfw_takes_head_and_gradient_from_different_batches() -> None:
    method = OPTIMIZERS["dfw"](step_size=0.2)
    G = orthonormal_rows(START.representation)
    after, _ = method.step(Weights(START.head, G), {}, (BATCHES[0], BATCHES[1]))
    F = least_squares_head(G, BATCHES[0])
    grad_G = gradients(Weights(F, G), BATCHES[1]).representation
    moved = G - 0.2 * solve_kron(grad_G, BATCHES[1].cov_x, eye(2).expand(2, 2, 2))
    Q = after.representation
    assert relative(after.head, F) < TOLERANCE
    assert relative(Q @ Q.mT, eye(2).expand(2, 2, 2)) < TOLERANCE
    assert relative(moved @ Q.mT @ Q, moved) < TOLERANCE


@pytest.mark.parametrize("form", FORMS)
def test_fewer_rows_than_inputs_need_damping(form: str) -> None:
    few = batches(TRUTH, 1, rows=5)[0]
    with pytest.raises(ValueError, match="batch_size=5, needs >= input_dim=6"):
        OPTIMIZERS[form](step_size=0.2).step(START, {}, few)
    damped, _ = OPTIMIZERS[form](step_size=0.2, damping=0.1).step(START, {}, few)
    assert torch.isfinite(damped.representation).all()


def test_a_head_without_full_column_rank_is_refused() -> None:
    F, G = START
    flat = torch.cat([F[..., :1], 2 * F[..., :1]], dim=-1)
    grad_G = gradients(Weights(flat, G), BATCHES[0]).representation
    with pytest.raises(ValueError, match="head has singular value ratio"):
        kfac_step(G, flat, grad_G, BATCHES[0].cov_x, step_size=0.1)
    for form in ("kfac_joint", "ngd"):
        method = OPTIMIZERS[form]()
        with pytest.raises(ValueError, match="head has singular value ratio"):
            method.step(Weights(flat, G), {}, BATCHES[0])


def test_dfw_refuses_a_single_batch() -> None:
    with pytest.raises(ValueError, match="needs two"):
        OPTIMIZERS["dfw"]().step(START, {}, BATCHES[0])
