"""The two-layer network: closed-form gradients against automatic differentiation."""

import pytest
import torch
from torch import Tensor

from lpfl.linalg import machine_tolerance
from lpfl.one_step import one_step, scaled_gradient
from lpfl.problems.links import Activation, activation_named, tanh_shifted
from lpfl.problems.single_index import Sample, draw_problem, sample
from lpfl.problems.single_index.module import SingleIndexModule
from lpfl.problems.single_index.network import (
    TwoLayerNetwork,
    batch_norm_first_layer_gradient,
    first_layer_gradient,
    forward,
    initialise,
    loss,
)
from lpfl.seeding import generator

R, N, D, ROWS = 3, 8, 5, 11
TOLERANCE = machine_tolerance(torch.float64, dim=N * ROWS)


def draw(
    activation: str | Activation, *, normalised: bool = True
) -> tuple[TwoLayerNetwork, Sample]:
    stream = generator(0, "network", activation_named(activation).name, int(normalised))
    S = torch.linspace(0.5, 1.5, D, dtype=torch.float64)
    problem = draw_problem(S, replicates=R, generator=stream, link="relu", noise_std=0.1)
    network = initialise(
        replicates=R,
        dim=D,
        width=N,
        generator=stream,
        activation=activation,
        normalised=normalised,
    )
    return network, sample(problem, ROWS, generator=stream)


def relative_gap(seen: Tensor, expected: Tensor) -> float:
    return float((seen - expected).abs().max() / expected.abs().max())


def batch_norm_loss(network: TwoLayerNetwork, G: Tensor, rows: Sample) -> Tensor:
    H = rows.inputs @ G.mT
    H = (H - H.mean(1, keepdim=True)) / H.std(1, correction=0, keepdim=True)
    outputs = torch.einsum("rnk,rk->rn", torch.tanh(H), network.second_layer) / N**0.5
    return (outputs - rows.targets).square().mean(-1) / 2


@pytest.mark.parametrize("activation", ["tanh", "erf", "relu", "identity", tanh_shifted(0.7)])
@pytest.mark.parametrize("normalised", [True, False])
def test_gradient_is_the_derivative_of_the_loss(
    activation: str | Activation, normalised: bool
) -> None:
    network, rows = draw(activation, normalised=normalised)
    G = network.first_layer.clone().requires_grad_()
    value = loss(network.with_first_layer(G), rows.inputs, rows.targets).sum()
    (expected,) = torch.autograd.grad(value, G)
    seen = first_layer_gradient(network, rows.inputs, rows.targets)
    assert relative_gap(seen, expected) < TOLERANCE


def test_batch_norm_gradient_is_the_derivative_of_the_loss() -> None:
    network, rows = draw("tanh")
    G = network.first_layer.clone().requires_grad_()
    (expected,) = torch.autograd.grad(batch_norm_loss(network, G, rows).sum(), G)
    seen = batch_norm_first_layer_gradient(network, rows.inputs, rows.targets)
    assert relative_gap(seen, expected) < TOLERANCE * 10  # one division by a batch deviation


@pytest.mark.parametrize("normalised", [True, False])
def test_module_computes_the_same_function_and_gradient(normalised: bool) -> None:
    network, rows = draw("tanh", normalised=normalised)
    module = SingleIndexModule(network, replicate=1)
    outputs = forward(network, rows.inputs)[1]
    assert relative_gap(module(rows.inputs[1]).detach(), outputs) < TOLERANCE
    module.loss(rows.inputs[1], rows.targets[1]).backward()
    expected = first_layer_gradient(network, rows.inputs, rows.targets)[1]
    assert module.first.weight.grad is not None
    assert relative_gap(module.first.weight.grad, expected) < TOLERANCE
    with pytest.raises(ValueError, match="replicate=3, needs 0 <= replicate < 3"):
        SingleIndexModule(network, replicate=3)


def test_output_of_a_hand_made_network() -> None:
    G = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [0.0, 0.0]]], dtype=torch.float64)
    f = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    x = torch.tensor([[[1.0, -1.0], [2.0, 3.0]]], dtype=torch.float64)
    outputs = torch.tensor([[1.0, 29.0]], dtype=torch.float64)  # f^T relu(G x)
    assert torch.equal(forward(TwoLayerNetwork(G, f, "relu"), x), outputs / 2)
    assert torch.equal(forward(TwoLayerNetwork(G, f, "relu", normalised=False), x), outputs)


def test_initial_layers_have_the_stated_variances() -> None:
    network = initialise(replicates=400, dim=20, width=50, generator=generator(1, "init"))
    # Sum of squares over its expectation: chi-square over its degrees k, sd sqrt(2/k).
    for layer, variance in ((network.first_layer, 1 / 20), (network.second_layer, 1 / 50)):
        ratio = float(layer.square().mean()) / variance
        assert abs(ratio - 1) < 5.5 * (2 / layer.numel()) ** 0.5


def test_one_step_moves_against_the_scaled_gradient() -> None:
    for normalised, scale in ((True, N**0.5), (False, 1.0)):
        network, rows = draw("tanh", normalised=normalised)
        gradient = first_layer_gradient(network, rows.inputs, rows.targets)
        assert torch.allclose(
            scaled_gradient(network, rows.inputs, rows.targets), scale * gradient, rtol=1e-14
        )
        stepped = one_step(network, rows.inputs, rows.targets, step_size=0.7)
        assert torch.allclose(
            stepped.first_layer, network.first_layer - 0.7 * scale * gradient, rtol=1e-13
        )
        assert torch.equal(stepped.second_layer, network.second_layer)


def test_one_step_takes_any_preconditioner_and_batch_norm() -> None:
    network, rows = draw("tanh")
    seen: list[Tensor] = []

    def record(gradient: Tensor, inputs: Tensor) -> Tensor:
        seen.extend([gradient, inputs])
        return torch.ones_like(gradient)

    stepped = one_step(
        network, rows.inputs, rows.targets, step_size=2.0, precondition=record, batch_norm=True
    )
    expected = batch_norm_first_layer_gradient(network, rows.inputs, rows.targets)
    assert torch.allclose(seen[0], N**0.5 * expected, rtol=1e-14)
    assert seen[1] is rows.inputs
    assert torch.equal(stepped.first_layer, network.first_layer - 2.0)


def test_bad_input_is_refused() -> None:
    network, rows = draw("tanh")
    with pytest.raises(ValueError, match="step_size=nan"):
        one_step(network, rows.inputs, rows.targets, step_size=float("nan"))
    with pytest.raises(ValueError, match="width=0, needs >= 1"):
        initialise(replicates=1, dim=2, width=0, generator=generator(0, "none"))
    with pytest.raises(ValueError, match="activation='step'"):
        TwoLayerNetwork(network.first_layer, network.second_layer, "step")
    with pytest.raises(ValueError, match="second_layer \\(3, 7\\)"):
        TwoLayerNetwork(network.first_layer, network.second_layer[:, :7])
    with pytest.raises(ValueError, match="n=1, needs >= 2"):
        batch_norm_first_layer_gradient(network, rows.inputs[:, :1], rows.targets[:, :1])
