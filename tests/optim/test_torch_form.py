"""Rules on torch modules: the same moves as on the linear representation, a good torch citizen."""

import copy
import io

import pytest
import torch
from torch import nn

from lpfl.optim import OPTIMIZERS
from lpfl.optim.adam import Adam
from lpfl.optim.kfac import Kfac
from lpfl.optim.muon import Muon
from lpfl.optim.rule import MatrixRule
from lpfl.optim.sgd_momentum import SgdMomentum
from lpfl.optim.torch_form import RuleOptimizer, torch_optimizer
from lpfl.problems.linear_representation import Batch, Weights
from tests.optim.cases import batches, one, problem, relative

RULES = [
    factory.optimizer
    for factory in OPTIMIZERS.values()
    if issubclass(factory.optimizer, MatrixRule)
]
FREE = [rule for rule in RULES if not rule.needs_layer]
STEPS = 6


def drawn() -> tuple[Weights, list[Batch]]:
    truth, start = problem(1)
    data = [one(batch, 0) for batch in batches(truth, STEPS, rows=40)]
    return Weights(start.head[0], start.representation[0]), data


def module_of(start: Weights) -> nn.Sequential:
    model = nn.Sequential(
        nn.Linear(start.representation.shape[1], start.representation.shape[0], bias=False),
        nn.Linear(start.head.shape[1], start.head.shape[0], bias=False),
    ).double()
    model[0].weight.data.copy_(start.representation)
    model[1].weight.data.copy_(start.head)
    return model


def loss_of(model: nn.Module, batch: Batch) -> torch.Tensor:
    assert batch.inputs is not None
    assert batch.targets is not None
    residual = model(batch.inputs.squeeze(0)) - batch.targets.squeeze(0)
    return 0.5 * residual.square().sum() / len(residual)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, data: list[Batch]) -> None:
    for batch in data:
        optimizer.zero_grad()
        loss_of(model, batch).backward()
        optimizer.step()


@pytest.mark.parametrize("rule", FREE, ids=lambda rule: rule.name)
def test_the_torch_form_moves_as_the_method_does(rule: type[MatrixRule]) -> None:
    start, data = drawn()
    model = module_of(start)
    # SOAP's step is arbitrary while a statistic has a null space
    options = {"warmup": 4} if rule.name == "soap" else {}
    train(model, torch_optimizer(rule)(model.parameters(), lr=1e-2, **options), data)
    method = OPTIMIZERS[rule.name](step_size=1e-2, **options)
    weights = Weights(*[W.unsqueeze(0) for W in start])
    memory = method.init(weights)
    for batch in data:
        weights, memory = method.step(weights, memory, batch)
    for layer, expected in ((model[1], weights.head), (model[0], weights.representation)):
        # two orders of summation, magnified by the inverse gaps of SOAP's eigenvalues
        assert relative(layer.weight.detach(), expected[0]) < 1e-6


def test_kfac_on_a_module_is_joint_kfac() -> None:
    """P = F'F from autograd, Q from hooks; the last layer has P = I."""
    start, data = drawn()
    model = module_of(start)
    train(model, RuleOptimizer(model, rule=Kfac, lr=0.1, damping=0.01), data)
    method = OPTIMIZERS["kfac_joint"](step_size=0.1, damping=0.01)
    weights = Weights(*[W.unsqueeze(0) for W in start])
    memory = method.init(weights)
    for batch in data:
        weights, memory = method.step(weights, memory, batch)
    for layer, expected in ((model[1], weights.head), (model[0], weights.representation)):
        assert relative(layer.weight.detach(), expected[0]) < 1e-9


def test_a_bias_is_a_column_for_a_constant_input() -> None:
    """A layer with a bias moves as a layer without one on inputs with a 1 appended."""
    generator = torch.Generator().manual_seed(3)
    X = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    Y = torch.randn(30, 3, generator=generator, dtype=torch.float64)
    with_bias, without = nn.Linear(4, 3).double(), nn.Linear(5, 3, bias=False).double()
    without.weight.data.copy_(torch.cat([with_bias.weight, with_bias.bias[:, None]], dim=1))
    wide = torch.cat([X, torch.ones(30, 1, dtype=X.dtype)], dim=1)
    for model, rows in ((with_bias, X), (without, wide)):
        optimizer = RuleOptimizer(model, rule=Kfac, lr=0.2, damping=0.1, averaging=0.5)
        for _ in range(4):
            optimizer.zero_grad()
            (model(rows) - Y).square().sum(1).mean().backward()
            optimizer.step()
    joined = torch.cat([with_bias.weight, with_bias.bias[:, None]], dim=1)
    assert relative(joined.detach(), without.weight.detach()) < 1e-12


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_saved_run_goes_on_bit_for_bit(rule: type[MatrixRule]) -> None:
    start, data = drawn()
    build = torch_optimizer(rule)
    model = module_of(start)
    optimizer = build(model if rule.needs_layer else model.parameters(), lr=1e-2)
    train(model, optimizer, data[:3])
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    twin = copy.deepcopy(module_of(start))
    twin.load_state_dict(model.state_dict())
    other = build(twin if rule.needs_layer else twin.parameters(), lr=0.5)
    other.load_state_dict(torch.load(file, weights_only=True))
    train(model, optimizer, data[3:])
    train(twin, other, data[3:])
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_step_size_of_zero_keeps_the_weights_and_moves_the_state() -> None:
    p = nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
    optimizer = RuleOptimizer([p], rule=SgdMomentum, lr=0.1, momentum=0.5)
    optimizer.param_groups[0]["lr"] = 0.0
    p.grad = torch.ones_like(p)
    optimizer.step()
    assert torch.equal(p.detach(), torch.ones(3, 2, dtype=torch.float64))
    optimizer.param_groups[0]["lr"] = 1.0
    optimizer.step()
    assert torch.allclose(p.detach(), torch.full((3, 2), 1 - 1.5, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 2), (4, 2, 3, 3)])
def test_other_shapes_are_matrices(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(shape, generator=generator, dtype=torch.float64)
    grads = torch.randn(3, *shape, generator=generator, dtype=torch.float64)
    p, q = nn.Parameter(W.clone()), nn.Parameter(W.clone().reshape(shape[0] if shape else 1, -1))
    for parameter in (p, q):
        optimizer = RuleOptimizer([parameter], rule=Muon, lr=0.1)
        for grad in grads:
            parameter.grad = grad.reshape(parameter.shape).clone()
            optimizer.step()
    assert torch.equal(p.detach().reshape(q.shape), q.detach())


def test_bounds_hold_in_the_torch_form_too() -> None:
    p = nn.Parameter(torch.ones(2, 2))
    with pytest.raises(ValueError, match=r"beta1=1.0, needs 0 <= . < 1"):
        RuleOptimizer([p], rule=Adam, beta1=1.0)
    with pytest.raises(ValueError, match="needs the module"):
        RuleOptimizer([p], rule=Kfac)
    with pytest.raises(ValueError, match="has 0 linear layers"):
        RuleOptimizer(nn.Sequential(nn.ReLU()), rule=Kfac)
    with pytest.raises(ValueError, match="outside linear layers"):
        RuleOptimizer(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), rule=Kfac)


@pytest.mark.parametrize("name", ["sgd", "muon", "shampoo"])
def test_a_parameter_without_entries_is_left_alone(name):
    """Torch's own optimizers take them too."""
    empty, full = (nn.Parameter(torch.ones(rows, 3)) for rows in (0, 2))
    optimizer = torch_optimizer(OPTIMIZERS[name].optimizer)([empty, full], lr=0.1)
    for parameter in (empty, full):
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    assert empty.shape == (0, 3)
    assert (full < 1.0).all()
