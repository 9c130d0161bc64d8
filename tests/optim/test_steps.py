"""SignSGD, Scion, Polyak, batch-norm and the choices of the head, each from its definition."""

import pytest
import torch
from torch import Tensor

from lpfl.linalg import machine_tolerance, orthonormal_rows
from lpfl.optim import OPTIMIZERS
from lpfl.optim.batch_norm import batch_norm_gradients, centred, hidden_std
from lpfl.optim.polyak import polyak_step_size
from lpfl.optim.scion import scion_step, spectral_lmo
from lpfl.optim.sign_sgd import sign_sgd_step
from lpfl.problems.linear_representation import (
    Batch,
    Weights,
    gradients,
    least_squares_head,
    loss,
)
from tests.optim.cases import batches, gradient_sequence, problem, relative

TRUTH, START = problem()
BATCHES = batches(TRUTH, 5)
TOLERANCE = machine_tolerance(torch.float64, dim=8, condition=1e3)


def test_amgd_fits_the_head_steps_and_orthonormalises() -> None:
    method = OPTIMIZERS["amgd"](step_size=0.2)
    weights = Weights(START.head, orthonormal_rows(START.representation))
    for batch in BATCHES:
        G = weights.representation
        F = batch.cross @ G.mT @ torch.linalg.inv(G @ batch.cov_x @ G.mT)
        moved = G - 0.2 * F.mT @ (F @ G @ batch.cov_x - batch.cross)
        weights, _ = method.step(weights, {}, batch)
        Q = weights.representation
        assert relative(weights.head, F) < TOLERANCE
        assert relative(moved @ Q.mT @ Q, moved) < TOLERANCE
        assert (Q @ Q.mT - torch.eye(2, dtype=Q.dtype)).abs().max() < TOLERANCE


def test_signum_follows_its_average() -> None:
    W, average = torch.zeros(3, 4, dtype=torch.float64), torch.zeros(3, 4, dtype=torch.float64)
    seen, expected = torch.zeros_like(W), torch.zeros_like(W)
    for grad in gradient_sequence(3, 4):
        W, average = sign_sgd_step(W, grad, average, step_size=0.1, momentum=0.5)
        seen = 0.5 * seen + grad
        expected = expected - 0.1 * torch.sign(seen)
    assert torch.equal(W, expected)


def test_the_lmo_attains_the_dual_norm_inside_the_ball() -> None:
    for grad in gradient_sequence(3, 5):
        Z = spectral_lmo(grad, radius=2.0)
        nuclear = torch.linalg.svdvals(grad).sum()
        assert torch.linalg.matrix_norm(Z, ord=2) < 2.0 * (1 + TOLERANCE)
        assert abs((grad * Z).sum() / nuclear + 2.0) < TOLERANCE


def test_constrained_scion_stays_in_the_ball_and_moves_to_its_vertex() -> None:
    W = gradient_sequence(3, 5)[0]
    average = seen = torch.zeros_like(W)
    for grad in gradient_sequence(3, 5):
        seen = 0.6 * seen + 0.4 * grad
        U, _, Vh = torch.linalg.svd(seen, full_matrices=False)
        expected = 0.7 * W - 0.3 * 2.0 * U @ Vh
        W, average = scion_step(W, grad, average, step_size=0.3, radius=2.0, momentum=0.6)
        assert relative(W, expected) < TOLERANCE
        assert torch.linalg.matrix_norm(W, ord=2) < 2.0 * (1 + TOLERANCE)


@pytest.mark.parametrize("damping", [0.0, 0.2])
@pytest.mark.parametrize("preconditioner", ["none", "kfac"])
def test_polyak_divides_the_gap_by_the_squared_slope(preconditioner: str, damping: float) -> None:
    method = OPTIMIZERS["polyak"](
        step_size=0.5, loss_star=0.01, preconditioner=preconditioner, damping=damping
    )
    for batch in BATCHES:
        after, _ = method.step(START, {}, batch)
        F, G = START
        slope = gradients(START, batch)
        moves = slope
        if preconditioner == "kfac":
            S = batch.cov_x + damping * torch.eye(6, dtype=F.dtype)
            hidden = G @ batch.cov_x @ G.mT + damping * torch.eye(2, dtype=F.dtype)
            inner = torch.linalg.inv(F.mT @ F) @ slope.representation @ torch.linalg.inv(S)
            moves = Weights(slope.head @ torch.linalg.inv(hidden), inner)
        assert batch.inputs is not None
        assert batch.targets is not None
        for r in range(2):
            gap = loss(START, batch.inputs, batch.targets)[r] - 0.01
            squared = sum((a[r] * b[r]).sum() for a, b in zip(slope, moves, strict=True))
            for W, move, found in zip(START, moves, after, strict=True):
                assert relative(found[r], W[r] - 0.5 * gap / squared * move[r]) < TOLERANCE


def test_polyak_stands_still_below_the_optimum_and_at_a_zero_slope() -> None:
    slope = gradients(START, BATCHES[0])
    flat = Weights(*[torch.zeros_like(W) for W in slope])
    gap = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    assert polyak_step_size(slope, slope, gap)[0] == 0
    assert torch.equal(polyak_step_size(flat, flat, gap), torch.zeros(2, dtype=torch.float64))
    assert polyak_step_size(slope, slope, gap, max_step_size=1e-9)[1] == 1e-9


def network_loss(F: Tensor, G: Tensor, batch: Batch) -> Tensor:
    """Return the loss of F BN(G x), the batch statistics taken from the hidden units."""
    assert batch.inputs is not None
    assert batch.targets is not None
    hidden = batch.inputs @ G.mT
    hidden = hidden - hidden.mean(-2, keepdim=True)
    hidden = hidden / hidden.square().mean(-2, keepdim=True).sqrt()
    residual = hidden @ F.mT - batch.targets
    return 0.5 * residual.square().sum() / residual.shape[-2]


def test_batch_norm_gradients_are_those_of_autograd() -> None:
    F, G = (W.clone().requires_grad_() for W in START)
    network_loss(F, G, BATCHES[0]).backward()
    found = batch_norm_gradients(START, centred(BATCHES[0]))
    assert relative(found.head, F.grad) < TOLERANCE
    assert relative(found.representation, G.grad) < TOLERANCE
    along = (found.representation * START.representation).sum(-1)
    assert along.abs().max() < TOLERANCE * found.representation.norm()


def test_batch_norm_with_a_fitted_head_is_gradient_descent_without_it() -> None:
    """LR-25: on centred data the gradient at the least-squares head is the plain one."""
    method = OPTIMIZERS["batch_norm"](step_size=0.05)
    weights, expected = START, START
    for batch in BATCHES:
        weights, _ = method.step(weights, {}, batch)
        plain = centred(batch)
        F = least_squares_head(expected.representation, plain)
        slope = gradients(Weights(F, expected.representation), plain)
        expected = Weights(F, expected.representation - 0.05 * slope.representation)
        assert relative(weights.head, expected.head) < TOLERANCE
        assert relative(weights.representation, expected.representation) < TOLERANCE


def test_batch_norm_joint_steps_unfold_and_fold_the_head() -> None:
    method = OPTIMIZERS["batch_norm"](step_size=0.05, head="joint")
    weights, memory = START, method.init(START)
    G = START.representation
    F = START.head * hidden_std(G, centred(BATCHES[0]).cov_x).unsqueeze(-2)
    for batch in BATCHES:
        weights, memory = method.step(weights, memory, batch)
        slope = batch_norm_gradients(Weights(F, G), centred(batch))
        F, G = F - 0.05 * slope.head, G - 0.05 * slope.representation
        folded = F / hidden_std(G, centred(batch).cov_x).unsqueeze(-2)
        assert relative(weights.representation, G) < TOLERANCE
        assert relative(weights.head, folded) < TOLERANCE


def test_batch_norm_on_moments_divides_by_the_root_mean_square() -> None:
    moments = Batch(BATCHES[0].cov_x, BATCHES[0].cross)
    found, _ = OPTIMIZERS["batch_norm"](step_size=0.05, centre=False).step(START, {}, moments)
    F = least_squares_head(START.representation, moments)
    grad_G = gradients(Weights(F, START.representation), moments).representation
    assert relative(found.representation, START.representation - 0.05 * grad_G) < TOLERANCE


@pytest.mark.parametrize("name", ["sgd", "adam", "muon", "shampoo"])
def test_the_head_can_be_frozen_or_refitted(name: str) -> None:
    batch = BATCHES[0]
    frozen, _ = both(name, "frozen", batch)
    assert torch.equal(frozen.head, START.head)
    joint, _ = both(name, "joint", batch)
    assert torch.equal(frozen.representation, joint.representation)
    refitted, fresh_start = both(name, "least_squares", batch)
    F = least_squares_head(START.representation, batch)
    assert torch.equal(refitted.head, F)
    from_fit, _ = OPTIMIZERS[name](head="frozen").step(
        Weights(F, START.representation), fresh_start, batch
    )
    assert torch.equal(refitted.representation, from_fit.representation)


def both(name: str, head: str, batch: Batch) -> tuple[Weights, dict[str, object]]:
    """Return the weights after one step with this head, and the memory it started from."""
    method = OPTIMIZERS[name](head=head)
    memory = dict(method.init(START))
    return method.step(START, memory, batch)[0], memory
