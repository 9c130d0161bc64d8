"""Two layers with biases: gradients of torch, one step against a homogeneous problem."""

import pytest
import torch

from lpfl.optim.core.affine import affine_step
from lpfl.optim.kfac import Kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import affine
from lpfl.seeding import generator


def problem(d=4, k=2, m=3):
    eye = torch.eye(d, dtype=torch.float64)
    return model.LinearRepresentation(
        head_star=model.draw_head(1, torch.tensor([1.0, 0.5], dtype=torch.float64), m,
                                  generator(0, "head")),
        representation_star=model.draw_representation(1, k, d, generator(0, "rows")),
        cov_x=eye,
        root=eye,
        noise_std=0.1,
    )  # fmt: skip


MEAN = torch.tensor([1.0, -0.5, 0.0, 2.0], dtype=torch.float64)


def weights(truth):
    return model.Weights(*(W + 0.1 for W in affine.affine_truth(truth)))


def test_gradients_are_those_of_torch():
    truth = problem()
    batch = affine.affine_sample(truth, MEAN, 12, generator(0, "batch"))
    at = model.Weights(*(W.requires_grad_() for W in weights(truth)))
    out = batch.inputs @ affine.affine_product(at).mT
    wanted = torch.autograd.grad(0.5 * (batch.targets - out).square().sum() / 12, at)
    found = affine.affine_gradients(at, batch)
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))


def test_moments_of_many_rows_are_those_of_the_population():
    truth = problem()
    many = affine.affine_sample(truth, MEAN, 200_000, generator(1, "batch"))
    population = affine.affine_population(truth, MEAN)
    assert torch.allclose(many.cov_x, population.cov_x, atol=0.05)
    assert torch.allclose(many.cross, population.cross, atol=0.05)


def test_the_truth_stays_without_noise():
    truth = problem()
    at = affine.affine_truth(truth)
    batch = affine.affine_population(truth, MEAN)
    for factor in ("shared", "own"):
        rule = Kfac(step_size=0.5)
        after = affine_step(rule, at, batch, head_rule=rule, bias_factor=factor)
        assert all(torch.allclose(a, b) for a, b in zip(after, at, strict=True))


def test_a_head_without_a_rule_stays():
    truth = problem()
    at = weights(truth)
    after = affine_step(Kfac(), at, affine.affine_population(truth, MEAN), head_rule=None)
    assert torch.equal(after.head, at.head)


def test_refusals_name_the_value_and_the_bound():
    truth = problem()
    with pytest.raises(ValueError, match=r"mean has shape \(3,\), needs \(4,\)"):
        affine.affine_population(truth, MEAN[:3])
    with pytest.raises(ValueError, match="batch_size=0, needs >= 1"):
        affine.affine_sample(truth, MEAN, 0, generator(0, "batch"))
    batch = affine.affine_population(truth, MEAN)
    with pytest.raises(ValueError, match="bias_factor='none', needs one of"):
        affine_step(Kfac(), weights(truth), batch, head_rule=None, bias_factor="none")
