"""Deep linear chains: products, gradients, solutions, one step of every layer."""

import pytest
import torch

from lpfl.optim.core.chain import chain_step
from lpfl.optim.drive import on_linear_representation
from lpfl.optim.kfac import Kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import chain
from lpfl.seeding import generator


def problem(rank=2, d=6, m=4):
    eye = torch.eye(d, dtype=torch.float64)
    cov_x = eye + 0.3 * torch.ones(d, d, dtype=torch.float64)
    spectrum = torch.linspace(1.0, 0.5, rank, dtype=torch.float64)
    return model.LinearRepresentation(
        head_star=model.draw_head(1, spectrum, m, generator(0, "head")),
        representation_star=model.draw_representation(1, rank, d, generator(0, "rows")),
        cov_x=cov_x,
        root=torch.linalg.cholesky(cov_x),
        noise_std=0.0,
    )


@pytest.mark.parametrize("widths", [(2,), (2, 2), (2, 2, 2), (2, 3), (2, 3, 4)])
def test_drawn_chains_solve_the_problem(widths):
    truth = problem()
    layers = chain.draw_chain(truth, widths, generator(1, "chain"))
    assert [W.shape[-2] for W in layers] == [*widths, 4]
    assert torch.allclose(chain.product(layers), truth.product_star)
    assert all(int(torch.linalg.matrix_rank(W)) == min(W.shape[-2:]) for W in layers)


def test_gradients_are_those_of_torch():
    truth = problem()
    layers = chain.draw_chain(truth, (2, 3), generator(2, "chain"))
    layers = tuple((W + 0.1).requires_grad_() for W in layers)
    batch = model.population_batch(truth)
    gap = chain.product(layers) - truth.product_star
    loss = 0.5 * ((gap @ batch.cov_x) * gap).sum()
    wanted = torch.autograd.grad(loss, layers)
    found = chain.chain_gradients(layers, batch)
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("order", "drive"), [("joint", "joint"), ("in_turn", "representation_first")]
)
def test_two_layers_move_like_the_linear_representation(order, drive):
    truth = problem()
    layers = tuple(W + 0.1 for W in chain.draw_chain(truth, (2,), generator(3, "chain")))
    batch = model.population_batch(truth)
    rules = (Kfac(step_size=0.3), Kfac(step_size=0.2))
    (G, F), _ = chain_step(rules, layers, ((), ()), batch, order=order)
    method = on_linear_representation(rules[0], head=drive, head_rule=rules[1])
    start = model.Weights(layers[1], layers[0])
    after, _ = method.step(start, method.init(start), batch)
    assert torch.allclose(G, after.representation)
    assert torch.allclose(F, after.head)


def test_refusals_name_the_value_and_the_bound():
    truth = problem()
    with pytest.raises(ValueError, match=r"widths=\[3\], needs 2 <= ... <= 4"):
        chain.draw_chain(truth, (3,), generator(0, "chain"))
    with pytest.raises(ValueError, match=r"widths=\[2, 5\], needs"):
        chain.draw_chain(truth, (2, 5), generator(0, "chain"))
    with pytest.raises(ValueError, match="needs at least one layer"):
        chain.product(())
    layers = chain.draw_chain(truth, (2,), generator(0, "chain"))
    with pytest.raises(ValueError, match="layer 2 has 6 inputs, needs 4"):
        chain.product(layers[::-1])
    batch = model.population_batch(truth)
    with pytest.raises(ValueError, match="1 rules, needs 2"):
        chain_step((Kfac(),), layers, ((),), batch)
    with pytest.raises(ValueError, match="order='backwards', needs one of"):
        chain_step((Kfac(), Kfac()), layers, ((), ()), batch, order="backwards")
