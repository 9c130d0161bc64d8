"""The ridge fit of the second layer and its errors."""

import pytest
import torch

from lpfl.measure.ridge import (
    RidgeErrors,
    error_on_fresh_rows,
    fit_and_test,
    fit_ridge,
    predict,
    refit_errors,
)
from lpfl.problems.single_index import SingleIndexProblem, draw_problem, sample
from lpfl.problems.single_index.network import TwoLayerNetwork, features, initialise
from lpfl.seeding import generator


def normal(*size: int, name: str = "matrix") -> torch.Tensor:
    return torch.randn(size, generator=generator(0, name, *size), dtype=torch.float64)


@pytest.mark.parametrize("width", [4, 30])
def test_ridge_fit_is_the_minimiser(width: int) -> None:
    F, y, penalty = normal(2, 12, width, name="features") + 0.5, normal(2, 12, name="y") + 2, 0.3

    def objective(a: torch.Tensor, intercept: torch.Tensor) -> torch.Tensor:
        residual = y - torch.einsum("rnk,rk->rn", F, a) - intercept[:, None]
        return residual.square().mean(-1) + penalty * a.square().sum(-1)

    fit = fit_ridge(F, y, penalty=penalty)
    a, c = fit.coefficients.clone().requires_grad_(), fit.intercept.clone().requires_grad_()
    slopes = torch.autograd.grad(objective(a, c).sum(), (a, c))
    assert max(float(g.abs().max()) for g in slopes) < 1e-12  # strictly convex: one minimiser
    residual = (y - predict(fit, F)).square().mean(-1)
    assert torch.allclose(fit.train_error, residual, rtol=1e-12)
    with pytest.raises(ValueError, match=r"penalty=0\.0, needs finite and > 0"):
        fit_ridge(F, y, penalty=0.0)
    with pytest.raises(ValueError, match="entries not finite"):
        fit_ridge(float("nan") * F, y, penalty=0.3)


def test_error_on_fresh_rows_of_a_linear_network_is_its_population_risk() -> None:
    s = torch.linspace(0.5, 1.5, 4, dtype=torch.float64)
    teacher, G = normal(3, 4, name="teacher"), normal(3, 6, 4, name="G")
    problem = SingleIndexProblem(s, teacher, link="identity", noise_std=0.4)
    network = TwoLayerNetwork(G, normal(3, 6, name="f"), "identity")
    rows = sample(problem, 8, generator=generator(1, "fit"))
    fit = fit_ridge(features(network, rows.inputs), rows.targets, penalty=0.1)
    gap = teacher - torch.einsum("rkd,rk->rd", G, fit.coefficients)
    risk = (s * gap.square()).sum(-1) + fit.intercept.square() + 0.16
    seen = error_on_fresh_rows(
        problem, network, fit, rows=40_001, generator=generator(1, "test"), chunk=5000
    )
    # Gaussian residual r of variance V and mean m: var r^2 = 2 V^2 + 4 m^2 V <= 2 (E r^2)^2.
    assert bool(((seen - risk).abs() < 5.5 * risk * (2 / 40_001) ** 0.5).all())
    with pytest.raises(ValueError, match="rows=0"):
        error_on_fresh_rows(problem, network, fit, rows=0, generator=generator(1, "none"))


def test_a_fit_is_tested_on_the_rows_that_are_given() -> None:
    s = torch.linspace(0.5, 1.5, 4, dtype=torch.float64)
    problem = draw_problem(s, replicates=2, generator=generator(3, "teacher"), noise_std=0.1)
    network = initialise(replicates=2, dim=4, width=6, generator=generator(3, "network"))
    rows, test = (sample(problem, n, generator=generator(3, "rows", n)) for n in (20, 30))
    fit, error = fit_and_test(network, rows, test, penalty=0.1)
    own = fit_ridge(features(network, rows.inputs), rows.targets, penalty=0.1)
    assert torch.equal(fit.coefficients, own.coefficients)
    gap = test.targets - predict(own, features(network, test.inputs))
    assert torch.allclose(error, gap.square().mean(-1))


def test_refit_errors_tell_fresh_rows_from_the_rows_of_the_step() -> None:
    def stream(name: str) -> torch.Generator:
        return generator(2, name)

    s = torch.linspace(0.5, 1.5, 4, dtype=torch.float64)
    problem = draw_problem(s, replicates=2, generator=stream("teacher"), noise_std=0.1)
    network = initialise(replicates=2, dim=4, width=6, generator=stream("network"))
    sizes = {"penalty": 0.1, "fit_rows": 20, "test_rows": 50}

    def refit(**options: object) -> RidgeErrors:
        return refit_errors(problem, network, generator=stream("refit"), **sizes, **options)  # type: ignore[arg-type]

    fresh_rows = sample(problem, 20, generator=stream("refit"))
    step_rows = sample(problem, 20, generator=stream("step"))
    for rows, seen in ((fresh_rows, refit()), (step_rows, refit(same_rows=step_rows))):
        fit = fit_ridge(features(network, rows.inputs), rows.targets, penalty=0.1)
        assert torch.equal(seen.train, fit.train_error)
        assert seen.data == ("same" if rows is step_rows else "fresh")
    with pytest.raises(ValueError, match="same_rows has 19 rows, needs 20"):
        refit(same_rows=sample(problem, 19, generator=stream("short")))
