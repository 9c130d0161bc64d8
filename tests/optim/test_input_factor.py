"""Where KFAC's factors come from: another batch, averages without the current one, renewals."""

import pytest
import torch
from torch import Tensor, nn

from lpfl.linalg import machine_tolerance
from lpfl.optim import OPTIMIZERS
from lpfl.optim.kfac import Kfac
from lpfl.optim.muon import Muon
from lpfl.optim.torch_form import RuleOptimizer
from lpfl.problems.linear_representation import (
    Batch,
    Weights,
    gradients,
    least_squares_head,
    population_batch,
)
from tests.optim.cases import batches, problem, relative

TRUTH, START = problem()
BATCHES, OTHERS = batches(TRUTH, 6), batches(TRUTH, 12)[6:]
TOLERANCE = machine_tolerance(torch.float64, dim=8, condition=1e4)
ETA, DECAY = 0.2, 0.7


def stepped(G: Tensor, F: Tensor, batch: Batch, Q: Tensor, P: Tensor) -> Tensor:
    """Return G after one step with dense solves by the factors Q and P."""
    slope = gradients(Weights(F, G), batch).representation
    return G - ETA * torch.linalg.solve(P, torch.linalg.solve(Q, slope, left=False))


def mean_of(values: list[Tensor]) -> Tensor:
    weights = [DECAY ** (len(values) - 1 - i) for i in range(len(values))]
    total = sum(w * value for w, value in zip(weights, values, strict=True))
    return total / sum(weights)


@pytest.mark.parametrize("includes", [True, False])
@pytest.mark.parametrize("every", [1, 3])
def test_averages_hold_the_batches_they_say(includes: bool, every: int) -> None:
    method = OPTIMIZERS["kfac"](
        step_size=ETA, averaging=DECAY, includes_current=includes, factor_every=every
    )
    weights, memory = START, method.init(START)
    Qs: list[Tensor] = []
    Ps: list[Tensor] = []
    for t, batch in enumerate(BATCHES):
        G = weights.representation
        F = least_squares_head(G, batch)
        past = (list(Qs), list(Ps))
        if t % every == 0:
            Qs.append(batch.cov_x)
            Ps.append(F.mT @ F)
        used = (Qs, Ps) if includes or t == 0 else past
        expected = stepped(G, F, batch, mean_of(used[0]), mean_of(used[1]))
        weights, memory = method.step(weights, memory, batch)
        assert relative(weights.representation, expected) < TOLERANCE


def test_stale_factors_without_an_average() -> None:
    method = OPTIMIZERS["kfac"](step_size=ETA, factor_every=2)
    weights, memory = START, method.init(START)
    for t, batch in enumerate(BATCHES):
        G = weights.representation
        F = least_squares_head(G, batch)
        if t % 2 == 0:
            Q, P = batch.cov_x, F.mT @ F
        weights, memory = method.step(weights, memory, batch)
        assert relative(weights.representation, stepped(G, F, batch, Q, P)) < TOLERANCE


@pytest.mark.parametrize("other", ["batch", "population"])
def test_the_separate_factor(other: str) -> None:
    method = OPTIMIZERS["kfac"](step_size=ETA, input_factor="separate")
    assert method.batches == 2
    weights, memory = START, method.init(START)
    for batch, another in zip(BATCHES, OTHERS, strict=True):
        second = another if other == "batch" else population_batch(TRUTH)
        G = weights.representation
        F = least_squares_head(G, batch)
        weights, memory = method.step(weights, memory, (batch, second))
        expected = stepped(G, F, batch, second.cov_x, F.mT @ F)
        assert relative(weights.representation, expected) < TOLERANCE


def test_the_joint_head_takes_the_separate_factor_too() -> None:
    method = OPTIMIZERS["kfac_joint"](step_size=ETA, input_factor="separate")
    batch, second = BATCHES[0], population_batch(TRUTH)
    after, _ = method.step(START, method.init(START), (batch, second))
    F, G = START
    hidden = G @ second.cov_x @ G.mT
    head = F - ETA * torch.linalg.solve(hidden, gradients(START, batch).head, left=False)
    assert relative(after.head, head) < TOLERANCE
    expected = stepped(G, F, batch, second.cov_x, F.mT @ F)
    assert relative(after.representation, expected) < TOLERANCE


def test_one_batch_is_refused_where_two_are_needed() -> None:
    method = OPTIMIZERS["kfac"](step_size=ETA, input_factor="separate")
    with pytest.raises(ValueError, match="got one batch, needs two"):
        method.step(START, method.init(START), BATCHES[0])


def test_the_default_is_the_batch_itself() -> None:
    plain = OPTIMIZERS["kfac"](step_size=ETA)
    spelled = OPTIMIZERS["kfac"](
        step_size=ETA, includes_current=True, factor_every=1, input_factor="batch"
    )
    one, two = plain.step(START, {}, BATCHES[0])[0], spelled.step(START, {}, BATCHES[0])[0]
    assert torch.equal(one.representation, two.representation)


def module_of(weights: Weights) -> nn.Sequential:
    F, G = weights.head[0], weights.representation[0]
    model = nn.Sequential(
        nn.Linear(G.shape[1], G.shape[0], bias=False), nn.Linear(F.shape[1], F.shape[0], bias=False)
    ).double()
    model[0].weight.data.copy_(G)
    model[1].weight.data.copy_(F)
    return model


@pytest.mark.parametrize(
    "options",
    [
        {"input_factor": "separate"},
        {"averaging": DECAY, "includes_current": False, "factor_every": 2},
        {"averaging": DECAY, "input_factor": "separate"},
    ],
    ids=["separate", "renewed without the current one", "average of separate ones"],
)
def test_the_torch_form_has_the_options(options: dict[str, object]) -> None:
    model = module_of(START)
    optimizer = RuleOptimizer(model, rule=Kfac, lr=ETA, **options)
    method = OPTIMIZERS["kfac_joint"](step_size=ETA, **options)
    start = Weights(*[W[:1] for W in START])
    weights, memory = start, method.init(start)
    for batch, another in zip(BATCHES, OTHERS, strict=True):
        one, two = (
            Batch(*[None if x is None else x[:1] for x in item]) for item in (batch, another)
        )
        assert one.inputs is not None
        assert one.targets is not None
        assert two.inputs is not None
        with optimizer.separate_pass(), torch.no_grad():
            model(two.inputs[0])
        optimizer.zero_grad()
        residual = model(one.inputs[0]) - one.targets[0]
        (0.5 * residual.square().sum() / len(residual)).backward()
        optimizer.step()
        separate = options.get("input_factor") == "separate"
        weights, memory = method.step(weights, memory, (one, two) if separate else one)
    for layer, expected in ((model[1], weights.head), (model[0], weights.representation)):
        assert relative(layer.weight.detach(), expected[0]) < 1e-9  # autograd sums in another order


def test_a_separate_pass_must_come_first() -> None:
    model = module_of(START)
    optimizer = RuleOptimizer(model, rule=Kfac, lr=ETA, input_factor="separate")
    inputs = BATCHES[0].inputs
    assert inputs is not None
    model(inputs[0]).square().sum().backward()
    with pytest.raises(ValueError, match="no separate inputs"):
        optimizer.step()
    with pytest.raises(TypeError, match="needs no separate pass"):
        RuleOptimizer(model.parameters(), rule=Muon, lr=ETA).separate_pass()
