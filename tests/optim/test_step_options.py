"""KFAC with momentum three ways, weight decay two ways, a clip and a graft, from their formulas."""

import pytest
import torch
from torch import Tensor, nn

from lpfl.linalg import machine_tolerance
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.momentum import MOMENTUM_KINDS
from lpfl.optim.kfac import Kfac
from lpfl.optim.sgd_momentum import sgd_momentum_step
from lpfl.optim.torch_form import RuleOptimizer
from lpfl.problems.linear_representation import Batch, Weights, gradients
from tests.optim.cases import batches, gradient_sequence, one, problem, relative

TRUTH, START = problem()
BATCHES = batches(TRUTH, 5)
TOLERANCE = machine_tolerance(torch.float64, dim=8, condition=1e3)
OPTIONS = [
    {"momentum": 0.6, "momentum_kind": "averaged"},
    {"momentum": 0.6, "momentum_kind": "nesterov"},
    {"weight_decay": 0.3},
    {"weight_decay": 0.3, "decay_kind": "coupled"},
    {"kl_clip": 1e-4},
    {"graft": "sgd"},
    {"graft": "sgd", "kl_clip": 1e-4, "weight_decay": 0.1, "momentum": 0.5},
]


def directions(weights: Weights, batch: Batch, decay: float = 0.0) -> tuple[Weights, Weights]:
    """Return the gradients, and KFAC's directions for them, of head and representation."""
    F, G = weights
    g_F, g_G = gradients(weights, batch)
    g_F, g_G = g_F + decay * F, g_G + decay * G
    S = batch.cov_x
    D_F = g_F @ torch.linalg.inv(G @ S @ G.mT)
    D_G = torch.linalg.inv(F.mT @ F) @ g_G @ torch.linalg.inv(S)
    return Weights(g_F, g_G), Weights(D_F, D_G)


def size(A: Tensor) -> Tensor:
    return torch.linalg.matrix_norm(A, keepdim=True)


@pytest.mark.parametrize("kind", MOMENTUM_KINDS)
def test_velocities_of_kfac(kind: str) -> None:
    method = OPTIMIZERS["kfac_joint"](step_size=0.2, momentum=0.6, momentum_kind=kind)
    weights, memory, expected = START, method.init(START), START
    velocity = Weights(*[torch.zeros_like(W) for W in START])
    for batch in BATCHES:
        weights, memory = method.step(weights, memory, batch)
        _, D = directions(expected, batch)
        share = 0.4 if kind == "averaged" else 1.0
        velocity = Weights(*[0.6 * v + share * d for v, d in zip(velocity, D, strict=True)])
        ahead = [d + 0.6 * v for v, d in zip(velocity, D, strict=True)]
        moves = ahead if kind == "nesterov" else velocity
        expected = Weights(*[W - 0.2 * v for W, v in zip(expected, moves, strict=True)])
    for W, wanted in zip(weights, expected, strict=True):
        assert relative(W, wanted) < TOLERANCE


def test_averaged_momentum_of_sgd() -> None:
    W, velocity = torch.zeros(3, 4, dtype=torch.float64), torch.zeros(3, 4, dtype=torch.float64)
    expected, seen = torch.zeros_like(W), torch.zeros_like(W)
    for grad in gradient_sequence(3, 4):
        W, velocity = sgd_momentum_step(
            W, grad, velocity, step_size=0.1, momentum=0.8, averaged=True
        )
        seen = 0.8 * seen + 0.2 * grad
        expected = expected - 0.1 * seen
    assert relative(W, expected) < TOLERANCE


@pytest.mark.parametrize("coupled", [False, True])
def test_decay_is_beside_the_step_or_in_the_gradient(coupled: bool) -> None:
    kind = "coupled" if coupled else "decoupled"
    method = OPTIMIZERS["kfac_joint"](step_size=0.2, weight_decay=0.3, decay_kind=kind)
    after, _ = method.step(START, method.init(START), BATCHES[0])
    _, D = directions(START, BATCHES[0], decay=0.3 if coupled else 0.0)
    shrink = 1.0 if coupled else 1.0 - 0.2 * 0.3
    for W, start, d in zip(after, START, D, strict=True):
        assert relative(W, shrink * start - 0.2 * d) < TOLERANCE


def test_decay_of_sgd_is_the_same_either_way() -> None:
    method = OPTIMIZERS["sgd"](step_size=0.1, weight_decay=0.3)
    after, _ = method.step(START, method.init(START), BATCHES[0])
    for W, start, g in zip(after, START, gradients(START, BATCHES[0]), strict=True):
        assert relative(W, (1.0 - 0.03) * start - 0.1 * g) < TOLERANCE


@pytest.mark.parametrize("bound", [1e-4, 1e4])
def test_the_clip_is_one_number_for_both_layers(bound: float) -> None:
    method = OPTIMIZERS["kfac_joint"](step_size=0.2, head_step_size=0.5, kl_clip=bound)
    after, _ = method.step(START, method.init(START), BATCHES[0])
    slopes, D = directions(START, BATCHES[0])
    steps = Weights(0.5, 0.2)  # type: ignore[arg-type]
    total = sum(eta**2 * (g * d).sum((-2, -1)) for eta, g, d in zip(steps, slopes, D, strict=True))
    nu = (bound / total).sqrt().clamp(max=1.0)[:, None, None]
    assert bool((nu < 1.0).all()) == (bound < 1.0)
    for W, start, eta, d in zip(after, START, steps, D, strict=True):
        assert relative(W, start - nu * eta * d) < TOLERANCE


def test_a_graft_moves_each_layer_as_far_as_sgd() -> None:
    method = OPTIMIZERS["kfac_joint"](step_size=0.2, graft="sgd")
    after, _ = method.step(START, method.init(START), BATCHES[0])
    slopes, D = directions(START, BATCHES[0])
    for W, start, g, d in zip(after, START, slopes, D, strict=True):
        assert relative(W, start - 0.2 * size(g) / size(d) * d) < TOLERANCE


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_torch_form_has_the_same_options(options: dict[str, float | str]) -> None:
    truth, start = problem(1)
    module = nn.Sequential(nn.Linear(6, 2, bias=False), nn.Linear(2, 4, bias=False)).double()
    module[0].weight.data.copy_(start.representation[0])
    module[1].weight.data.copy_(start.head[0])
    optimizer = RuleOptimizer(module, rule=Kfac, lr=0.1, **options)
    method = OPTIMIZERS["kfac_joint"](step_size=0.1, **options)
    weights, memory = start, method.init(start)
    for batch in (one(batch, 0) for batch in batches(truth, 5)):
        weights, memory = method.step(weights, memory, batch)
        optimizer.zero_grad()
        residual = module(batch.inputs[0]) - batch.targets[0]
        (0.5 * residual.square().sum() / len(residual)).backward()
        optimizer.step()
    for layer, expected in ((module[0], weights.representation), (module[1], weights.head)):
        assert relative(layer.weight.detach(), expected[0]) < 1e2 * TOLERANCE
