"""The output factor and the kinds of damping: dense oracles, the torch form, refusals."""

from itertools import pairwise

import pytest
import torch

from lpfl.linalg import kron, unvec, vec
from lpfl.optim import OPTIMIZERS
from lpfl.optim.kfac import Kfac
from lpfl.optim.torch_form import RuleOptimizer
from lpfl.problems.linear_representation import Batch, Weights, gradients
from lpfl.seeding import generator
from tests.optim.cases import batches, problem, relative
from tests.optim.test_torch_form import drawn, module_of, train

KINDS = {
    "gauss_newton": {},
    "empirical": {"output_factor": "empirical"},
    "sampled": {"output_factor": "sampled", "samples_per_row": 3, "sample_seed": 7},
    "identity": {"output_factor": "identity"},
}
DAMPINGS = {
    "factor": {"damping": 0.3, "output_damping": 0.2},
    "kronecker": {"damping": 0.3, "damping_kind": "kronecker"},
    "pi": {"damping": 0.3, "damping_kind": "pi"},
}


def moment(kind: str, weights: Weights, batch: Batch, step: int) -> torch.Tensor:
    """Return the second moment of what stands for the residual, (R, m, m)."""
    X, Y = batch.inputs, batch.targets
    R, n, m = Y.shape
    if kind == "empirical":
        r = Y - X @ weights.representation.mT @ weights.head.mT
        return torch.einsum("rni,rnj->rij", r, r) / n
    if kind == "sampled":
        stream = generator(7, "output factor", step)
        z = torch.randn(R, 3 * n, m, generator=stream, dtype=torch.float64)
        return torch.einsum("rni,rnj->rij", z, z) / (3 * n)
    return torch.eye(m, dtype=Y.dtype).expand(R, m, m)


def dense_direction(P, Q, grad, damping):
    """Solve the damped system of a layer as one of size a b."""
    a, b = P.shape[-1], Q.shape[-1]
    eyes = torch.eye(a, dtype=P.dtype), torch.eye(b, dtype=P.dtype)
    if damping == "kronecker":
        system = kron(Q, P) + 0.3 * torch.eye(a * b, dtype=P.dtype)
    elif damping == "factor":
        system = kron(Q + 0.3 * eyes[1], P + 0.2 * eyes[0])
    else:
        mean = [S.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None] for S in (P, Q)]
        pi = (mean[1] / mean[0]).sqrt()
        system = kron(Q + pi * 0.3**0.5 * eyes[1], P + 0.3**0.5 / pi * eyes[0])
    return unvec(torch.linalg.solve(system, vec(grad)), a)


@pytest.mark.parametrize("damping", DAMPINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_joint_steps_agree_with_dense_systems(kind: str, damping: str) -> None:
    truth, weights = problem(2)
    method = OPTIMIZERS["kfac_joint"](step_size=0.2, **KINDS[kind], **DAMPINGS[damping])
    memory = method.init(weights)
    for t, batch in enumerate(batches(truth, 3)):
        F, G = weights
        M = moment(kind, weights, batch, t)
        slope = gradients(weights, batch)
        eye = torch.eye(G.shape[-2], dtype=G.dtype).expand(2, -1, -1)
        P = eye if kind == "identity" else F.mT @ M @ F
        after = Weights(
            F - 0.2 * dense_direction(M, G @ batch.cov_x @ G.mT, slope.head, damping),
            G - 0.2 * dense_direction(P, batch.cov_x, slope.representation, damping),
        )
        weights, memory = method.step(weights, memory, batch)
        assert all(
            relative(W, expected) < 1e-10 for W, expected in zip(weights, after, strict=True)
        )


@pytest.mark.parametrize("damping", DAMPINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_torch_form_has_the_same_factors(kind: str, damping: str) -> None:
    start, data = drawn()
    options = {**KINDS[kind], **DAMPINGS[damping]}
    model = module_of(start)
    train(model, RuleOptimizer(model, rule=Kfac, lr=0.1, **options), data)
    method = OPTIMIZERS["kfac_joint"](step_size=0.1, **options)
    weights = Weights(*[W.unsqueeze(0) for W in start])
    memory = method.init(weights)
    for batch in data:
        weights, memory = method.step(
            weights,
            memory,
            Batch(*[part.unsqueeze(0) if part.dim() == 2 else part for part in batch]),
        )
    for layer, expected in ((model[1], weights.head), (model[0], weights.representation)):
        assert relative(layer.weight.detach(), expected[0]) < 1e-9


def test_a_saved_run_draws_the_same_samples() -> None:
    start, data = drawn()
    options = KINDS["sampled"]
    models = module_of(start), module_of(start)
    first = RuleOptimizer(models[0], rule=Kfac, lr=0.1, **options)
    train(models[0], first, data[:3])
    models[1].load_state_dict(models[0].state_dict())
    second = RuleOptimizer(models[1], rule=Kfac, lr=0.1, **options)
    second.load_state_dict(first.state_dict())
    for model, optimizer in zip(models, (first, second), strict=True):
        train(model, optimizer, data[3:])
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_samples_differ_from_step_to_step_and_by_seed() -> None:
    truth, start = problem(2)
    batch = batches(truth, 1)[0]
    moved = []
    for seed in (0, 1):
        method = OPTIMIZERS["kfac"](output_factor="sampled", sample_seed=seed)
        memory = method.init(start)
        first, memory = method.step(start, memory, batch)
        again, _ = method.step(start, memory, batch)
        moved += [first.representation, again.representation]
    assert all(relative(a, b) > 1e-6 for i, a in enumerate(moved) for b in moved[:i])


@pytest.mark.parametrize("kind", ["empirical", "sampled"])
def test_factors_of_single_rows_need_rows(kind: str) -> None:
    truth, start = problem()
    batch = batches(truth, 1)[0]
    method = OPTIMIZERS["kfac"](output_factor=kind)
    assert method.needs_rows
    with pytest.raises(ValueError, match=r"needs a batch with inputs and targets"):
        method.step(start, method.init(start), Batch(batch.cov_x, batch.cross))


def test_damping_of_the_product_leaves_no_second_damping() -> None:
    with pytest.raises(ValueError, match=r"output_damping=0\.1, needs 0 with 'pi' damping"):
        OPTIMIZERS["kfac"](damping=0.1, output_damping=0.1, damping_kind="pi")


class Branched(torch.nn.Module):
    """Two layers with a ReLU between them, and a third that only some forward passes call."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.first, self.last = torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)
        self.spare = torch.nn.Linear(3, 3)
        self.between, self.called = torch.nn.ReLU(inplace=inplace), False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.between(self.first(input=x))
        return self.last(x + self.spare(x) if self.called else x)


def branched(kind: str, inplace: bool, calls: tuple[bool, ...]) -> list[dict[str, torch.Tensor]]:
    """Return the weights after each step; calls: whether a step calls the third layer."""
    torch.manual_seed(0)
    model = Branched(inplace).double()
    options = {"damping": 0.1, "output_damping": 0.1, **KINDS[kind]}
    optimizer = RuleOptimizer(model, rule=Kfac, lr=0.1, **options)
    path = []
    for model.called in calls:
        optimizer.zero_grad()
        model(torch.randn(12, 4).double()).square().mean().backward()
        optimizer.step()
        path.append({n: p.detach().clone() for n, p in model.named_parameters()})
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_that_is_overwritten_was_seen_before(kind: str) -> None:
    plain, other = (branched(kind, inplace, (False, False)) for inplace in (False, True))
    assert all(torch.equal(plain[-1][name], other[-1][name]) for name in plain[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_that_is_not_called_stays_and_disturbs_no_other(kind: str) -> None:
    path = branched(kind, False, (False, True, False))
    moved = [not torch.equal(a["spare.weight"], b["spare.weight"]) for a, b in pairwise(path)]
    assert moved == [True, False]
