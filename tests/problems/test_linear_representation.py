"""The linear representation problem: laws of the draws, moments, oracles, simulation."""

import math

import pytest
import torch
from hypothesis import given

from lpfl import linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import OPTIMIZERS, kfac, sgd
from lpfl.problems import linear_representation as model
from lpfl.seeding import generator
from lpfl.simulate import simulate
from lpfl.verify.space import Covariances

D, K, M, R = 7, 2, 4, 3


def problem(noise_std: float = 0.3, law: str = "gaussian", spec: CovarianceSpec | None = None):
    spec = spec or CovarianceSpec(D, "geometric", 1.0, "haar", 2)
    heads = torch.tensor([1.0, 0.25], dtype=torch.float64)
    return model.LinearRepresentation(
        head_star=model.draw_head(R, heads, M, generator(0, "head")),
        representation_star=model.draw_representation(R, K, D, generator(0, "G")),
        cov_x=spec.matrix(),
        root=spec.root(),
        noise_std=noise_std,
        input_law=law,
    )


def weights() -> model.Weights:
    draw = generator(0, "weights")
    return model.Weights(
        torch.randn(R, M, K, generator=draw, dtype=torch.float64),
        torch.randn(R, K, D, generator=draw, dtype=torch.float64),
    )


def test_truth_has_the_spectrum_asked_for():
    truth = problem()
    eigenvalues = torch.linalg.eigvalsh(truth.head_star.mT @ truth.head_star)
    assert torch.allclose(eigenvalues, torch.tensor([0.25, 1.0], dtype=torch.float64).expand(R, 2))
    G = truth.representation_star
    assert torch.allclose(G @ G.mT, torch.eye(K, dtype=G.dtype).expand(R, K, K))
    assert float((truth.complement @ G.mT).abs().max()) < 1e-14


@pytest.mark.parametrize("law", model.INPUT_LAWS)
def test_batches_have_the_stated_moments(law):
    """Means over 200000 rows, against 6 standard errors of the slowest entry."""
    truth = problem(law=law)
    n = 200_000
    batch = model.sample(truth, n, generator(0, "moments", law))
    largest = float(truth.cov_x.abs().max())
    width = 6 * 2 * largest / math.sqrt(n)
    assert float((batch.cov_x - truth.cov_x).abs().max()) < width
    residual = batch.targets - batch.inputs @ truth.product_star.mT
    noise = residual.mT @ residual / n
    expected = 0.09 * torch.eye(M, dtype=noise.dtype)
    assert float((noise - expected).abs().max()) < 6 * 0.09 * math.sqrt(2 / n)
    if law == "rademacher":
        white = batch.inputs @ torch.linalg.inv(truth.root)
        assert torch.allclose(white.abs(), torch.ones_like(white))


@given(Covariances(max_log10_cond=4.0).strategy({"input_dim": D}))
def test_population_gradient_vanishes_at_the_truth(spec):
    truth = problem(spec=spec)
    at_truth = model.Weights(truth.head_star, truth.representation_star)
    slopes = model.gradients(at_truth, model.population_batch(truth))
    assert all(float(slope.abs().max()) < 1e-13 for slope in slopes)
    assert float(model.population_loss(at_truth, truth).abs().max()) < 1e-13


def test_gauss_newton_is_the_hessian_of_the_noiseless_fit():
    """At the truth the Gauss-Newton matrix is the Hessian of the population loss (autograd)."""
    truth = problem()
    at_truth = model.Weights(truth.head_star, truth.representation_star)
    predicted = model.gauss_newton(at_truth, truth.cov_x)[0]

    def loss_of(flat: torch.Tensor) -> torch.Tensor:
        G = linalg.unvec(flat[: K * D], K)
        F = linalg.unvec(flat[K * D :], M)
        gap = F @ G - truth.product_star[0]
        return 0.5 * ((gap @ truth.cov_x) * gap).sum()

    hessian = torch.autograd.functional.hessian(loss_of, model.flatten(at_truth)[0])
    assert torch.allclose(predicted, hessian, atol=1e-12)


def test_least_squares_head_has_no_gradient():
    batch = model.sample(problem(), 50, generator(0, "ls"))
    G = weights().representation
    F = model.least_squares_head(G, batch)
    slope = model.gradients(model.Weights(F, G), batch).head
    scale = float(batch.cross.abs().max()) * float(torch.linalg.cond(G).max()) ** 2
    assert float(slope.abs().max()) < 1e-13 * scale


def test_tilt_sets_the_largest_tangent():
    truth = problem()
    G = model.tilt(truth.representation_star, 0.3, generator(0, "tilt"))
    largest = linalg.principal_tangents(G, truth.representation_star)[:, 0]
    assert torch.allclose(largest, torch.full_like(largest, 0.3))


def test_simulation_records_every_step_and_broadcasts():
    """Running three replicates at once is running each alone."""
    truth = problem()
    batches = [model.sample(truth, 40, generator(0, "batch", t)) for t in range(4)]
    look = {"distance": lambda w: linalg.subspace_distance(w.representation,
                                                           truth.representation_star)}  # fmt: skip
    last, seen = simulate(
        kfac.kfac(step_size=0.2), weights(), lambda t: batches[t], num_steps=4, observe=look
    )
    assert seen["distance"].shape == (5, R)
    for r in range(R):
        alone = [model.Batch(*(x[r : r + 1] for x in batch)) for batch in batches]
        start = model.Weights(*(x[r : r + 1] for x in weights()))
        single, _ = simulate(
            kfac.kfac(step_size=0.2), start, lambda t, alone=alone: alone[t], num_steps=4
        )
        assert torch.allclose(single.representation[0], last.representation[r], atol=1e-12)


def test_divergence_is_an_error_not_a_nan():
    truth = problem()
    batch = model.population_batch(truth)
    with pytest.raises(ValueError, match=r"sgd: .* entries not finite"):
        simulate(sgd.sgd(step_size=1e6), weights(), lambda t: batch, num_steps=200)


def test_kfac_needs_enough_rows():
    truth = problem()
    batch = model.sample(truth, D - 1, generator(0, "few"))
    with pytest.raises(ValueError, match=f"batch_size={D - 1}, needs >= input_dim={D}"):
        OPTIMIZERS["kfac"](step_size=0.1).step(weights(), {}, batch)
    OPTIMIZERS["kfac"](step_size=0.1, damping=0.1).step(weights(), {}, batch)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input_law": "cauchy"}, "input_law='cauchy'"),
        ({"noise_std": -1.0}, "noise_std=-1.0, needs finite and >= 0"),
        ({"noise_std": math.nan}, "noise_std=nan"),
        ({"cov_x": torch.eye(D + 1, dtype=torch.float64)}, f"needs {D + 1}"),
        ({"cov_x": -torch.eye(D, dtype=torch.float64)}, "smallest eigenvalue -1"),
        ({"head_star": torch.ones(R, 1, K, dtype=torch.float64)}, "needs .*m >= 2"),
    ],
)
def test_bad_truth_is_named(change, words):
    from dataclasses import replace

    with pytest.raises(ValueError, match=words):
        replace(problem(), **change)


@pytest.mark.parametrize("name", ["sgd", "amgd", "kfac"])
@pytest.mark.parametrize("step_size", [0.0, -0.1, math.inf, math.nan])
def test_bad_step_size_is_named(name, step_size):
    with pytest.raises(ValueError, match=f"step_size={step_size}, needs 0 <"):
        OPTIMIZERS[name](step_size=step_size)
