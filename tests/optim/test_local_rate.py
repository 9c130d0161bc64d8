"""``local_rate`` against the largest modulus of the differentiated update map, over drawn problems.

The maps are those of the optimizers, on infinite data or on the batches that the prediction names.
"""

import numpy as np
import pytest
import torch

from lpfl.optim import amgd, kfac, ngd, sgd
from lpfl.optim.kfac import joint as kfac_joint
from lpfl.optim.kfac import sequential as kfac_sequential
from lpfl.problems import linear_representation as model
from lpfl.verify.setups.linear.jacobian import schur_spectrum, tangent_jacobian
from tests.optim.local_rate_cases import SEEDS, TOLERANCE, drawn, largest, largest_moving
from theory.linear_representation import local_rate


def balanced(truth: model.LinearRepresentation) -> model.Weights:
    k = truth.head_star.shape[-1]
    U, s, Vh = torch.linalg.svd(truth.product_star, full_matrices=False)
    root = s[..., :k].sqrt()
    return model.Weights(U[..., :k] * root.unsqueeze(-2), root.unsqueeze(-1) * Vh[..., :k, :])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("square_head", [False, True])
def test_gradient_descent(seed, square_head):
    case = drawn(seed, square_head=square_head)
    measured = largest_moving(sgd.sgd(step_size=case.step_size), balanced(case.truth), case.white)
    predicted = local_rate("gd", step_size=case.step_size, head_eigenvalues=case.head_eigenvalues)
    assert measured == pytest.approx(predicted, abs=TOLERANCE)


def test_gradient_descent_is_seen_from_both_ends_of_its_spectrum():
    """Head eigenvalues 0.5 and 2 at step 0.9: the steepest joint direction, not the flattest."""
    assert local_rate("gd", step_size=0.9, head_eigenvalues=[0.5, 2.0]) == pytest.approx(
        abs(1.0 - 0.9 * 2.0 * np.sqrt(2.0))
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("square_head", [False, True])
@pytest.mark.parametrize("in_turn", [False, True])
def test_joint_kfac(seed, square_head, in_turn):
    """A square head (m = k) has no direction of its own: then 1 - head_step_size is no multiplier.

    The step of the representation is 1, so that this direction would be the slowest.
    """
    case = drawn(seed, square_head=square_head)
    eta = 1.0 if seed % 2 else case.step_size
    steps = {"step_size": eta, "head_step_size": case.head_step_size}
    build = kfac_sequential.kfac_sequential if in_turn else kfac_joint.kfac_joint
    measured = largest_moving(build(**steps), case.solution, model.population_batch(case.truth))
    predicted = local_rate("kfac_joint", **steps, **case.sizes, in_turn=in_turn)
    assert measured == pytest.approx(predicted, abs=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("gauge", ["minimum_norm", "equivariant"])
def test_natural_gradient(seed, gauge):
    case = drawn(seed)
    method = ngd.ngd(step_size=case.step_size, gauge=gauge)
    measured = largest_moving(method, case.solution, model.population_batch(case.truth))
    assert measured == pytest.approx(local_rate("ngd", step_size=case.step_size), abs=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_kfac_with_the_least_squares_head(seed, damping):
    case = drawn(seed)
    truth = case.truth
    frame = torch.cat([truth.representation_star[0], truth.complement[0]])
    turned = frame @ truth.cov_x @ frame.mT
    method = kfac.kfac(step_size=case.step_size, damping=damping)
    measured = largest(tangent_jacobian(method, truth, model.population_batch(truth)))
    predicted = local_rate(
        "kfac",
        step_size=case.step_size,
        damping=damping,
        cov_x=((turned + turned.mT) / 2).numpy(),
        rank=case.sizes["rank"],
    )
    assert measured == pytest.approx(predicted, abs=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_amgd(seed):
    case = drawn(seed)
    method = amgd.amgd(step_size=case.step_size)
    measured = largest(tangent_jacobian(method, case.truth, model.population_batch(case.truth)))
    predicted = local_rate(
        "amgd",
        step_size=case.step_size,
        head_eigenvalues=case.head_eigenvalues,
        schur_eigenvalues=schur_spectrum(case.truth),
    )
    assert measured == pytest.approx(predicted, abs=TOLERANCE)


@pytest.mark.parametrize("seed", [2, 5])
def test_amgd_on_noiseless_batches(seed):
    """The mean of the Jacobians over batches of n rows, up to five standard errors."""
    case = drawn(seed)
    rows, runs, k = 2 * case.sizes["rank"] + 2, 400, case.sizes["rank"]
    method = amgd.amgd(step_size=case.step_size)
    jacobians = np.stack(
        [
            tangent_jacobian(method, case.truth, model.sample(case.truth, rows, case.stream))
            for _ in range(runs)
        ]
    )
    predicted = local_rate(
        "amgd",
        step_size=case.step_size,
        head_eigenvalues=case.head_eigenvalues,
        schur_eigenvalues=schur_spectrum(case.truth),
        n=rows,
    )
    error = 5.0 * np.linalg.norm(jacobians.std(0)) / np.sqrt(runs)
    assert largest(jacobians.mean(0)) == pytest.approx(predicted, abs=error)
    assert k < rows


@pytest.mark.parametrize("method", ["amgd", "gd", "ngd", "ngd_empirical", "adam"])
def test_damping_is_refused_where_its_rate_is_not_known(method):
    with pytest.raises(ValueError, match=r"damping=0\.3, needs 0 with method"):
        local_rate(method, step_size=0.1, damping=0.3)


def test_a_head_without_a_rank_is_refused():
    with pytest.raises(ValueError, match="rank=None, needs a real number"):
        local_rate("kfac_joint", step_size=0.1, head_step_size=0.1, output_dim=3)
