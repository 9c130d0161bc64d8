"""References against what is known about them without running anybody's code."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from lpfl.conformance.oracles import oracle_of, oracles
from lpfl.conformance.oracles.layer_axes import FISHER, LayerSeen
from lpfl.conformance.oracles.layer_steps import precondition
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES
from lpfl.conformance.oracles.matrices import QUINTIC, newton_schulz, polar, power


def normal(*shape: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draw, dtype=torch.float64)


def run(
    claim: str, start: Tensor, gradients: list[Tensor], convention: Any = None, **options: Any
) -> Tensor:
    oracle = oracle_of(claim)
    assert oracle is not None
    rows = [[g] for g in gradients]
    return oracle.trajectory([start], rows, options=options, convention=convention)[-1][0]


def test_soap_on_vectors_is_adam_one_gradient_late() -> None:
    gradients = [normal(5, seed=t) for t in range(8)]
    options = {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3}
    later = {"eps": "outside, before bias correction"}
    adam = run("adam", normal(5, seed=99), gradients[1:], later, **options)
    assert torch.allclose(run("soap", normal(5, seed=99), gradients, **options), adam, rtol=1e-12)


def test_soap_with_fixed_diagonal_statistics_is_adam() -> None:
    """Gradients with one entry per row and column leave the coordinate axes as the basis."""
    sizes = torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64)
    gradients = [torch.diag(sizes * (1 + 0.01 * t)) for t in range(6)]
    options = {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3}
    later = {"eps": "outside, before bias correction"}
    adam = run("adam", torch.zeros(4, 4).double(), gradients[1:], later, **options)
    soap = run("soap", torch.zeros(4, 4).double(), gradients, **options)
    assert torch.allclose(soap, adam, atol=1e-12)


def test_soap_turns_with_its_gradients() -> None:
    Q = torch.linalg.qr(normal(4, 4, seed=7)).Q
    gradients = [normal(4, 4, seed=t) for t in range(6)]
    start = normal(4, 4, seed=50)
    turned = run("soap", Q @ start, [Q @ g for g in gradients], lr=0.1)
    assert torch.allclose(turned, Q @ run("soap", start, gradients, lr=0.1), atol=1e-9)


def test_shampoo_on_diagonal_gradients_is_adagrad_with_epsilon_inside() -> None:
    gradients = [torch.diag(normal(4, seed=t)) for t in range(5)]
    shampoo = run("shampoo", torch.zeros(4, 4).double(), gradients, lr=0.1, eps=1e-2)
    # two roots of order four of the same sums: one square root
    inside = {"eps": "inside the root"}
    adagrad = run("adagrad", torch.zeros(4, 4).double(), gradients, inside, lr=0.1, eps=1e-2)
    assert torch.allclose(shampoo.diagonal(), adagrad.diagonal(), rtol=1e-12)
    assert float((shampoo - torch.diag(shampoo.diagonal())).abs().max()) < 1e-15


def test_shampoo_of_a_transposed_matrix_is_transposed() -> None:
    gradients = [normal(3, 5, seed=t) for t in range(5)]
    one = run("shampoo", torch.zeros(3, 5).double(), gradients)
    other = run("shampoo", torch.zeros(5, 3).double(), [g.T for g in gradients])
    assert torch.allclose(one, other.T, atol=1e-13)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5)])
def test_the_first_muon_step_is_the_polar_factor(shape: tuple[int, int]) -> None:
    g = normal(*shape)
    exact = {"orthogonalisation": "exact polar factor", "shape factor": "1"}
    step = -run("muon", torch.zeros(shape).double(), [g], exact, lr=1.0)
    U, _, Vh = torch.linalg.svd(g, full_matrices=False)
    assert torch.allclose(step, U @ Vh, atol=1e-12)


def test_newton_schulz_keeps_singular_vectors_and_is_one_polynomial_of_singular_values() -> None:
    M = normal(6, 4)
    U, s, Vh = torch.linalg.svd(M, full_matrices=False)
    values = s / s.norm()
    for _ in range(5):
        a, b, c = QUINTIC
        values = a * values + b * values**3 + c * values**5
    assert torch.allclose(newton_schulz(M, (QUINTIC,) * 5), (U * values) @ Vh, atol=1e-11)
    assert torch.allclose(polar(M).T @ polar(M), torch.eye(4, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("exponent", [-0.5, -0.25, -1 / 6])
def test_powers_of_statistics(exponent: float) -> None:
    S = normal(5, 9) @ normal(5, 9).T
    root = power(S, exponent, 0.1)
    back = torch.linalg.matrix_power(root, round(-1 / exponent))
    assert torch.allclose(
        back @ (S + 0.1 * torch.eye(5, dtype=S.dtype)), torch.eye(5).double(), atol=1e-9
    )


def test_adafactor_is_exact_for_second_moments_of_rank_one() -> None:
    rows, columns = normal(6, 1).abs() + 0.1, normal(1, 4, seed=1).abs() + 0.1
    signs = normal(6, 4, seed=2).sign()
    step = run(
        "adafactor", torch.ones(6, 4).double(), [signs * rows * columns], {"scale": "none"}, lr=0.5
    )
    assert torch.allclose(torch.ones(6, 4).double() - step, 0.5 * signs, atol=1e-9)


@pytest.mark.parametrize(
    ("claim", "convention"),
    [
        ("adam", {}),
        ("adopt", {}),
        ("lion", {}),
        ("muon", {}),
        ("soap", {}),
        ("adan", {}),
        ("ademamix", {}),
        ("radam", {}),
    ],
)
def test_steps_that_do_not_depend_on_the_size_of_gradients(claim: str, convention: Any) -> None:
    gradients = [normal(4, 4, seed=t) for t in range(10)]
    small: dict[str, Any] = {"eps": 1e-30} if claim != "lion" else {}
    one = run(claim, torch.zeros(4, 4).double(), gradients, convention, **small)
    two = run(claim, torch.zeros(4, 4).double(), [1e3 * g for g in gradients], convention, **small)
    bounded = claim == "radam"  # its first steps are momentum, in the gradient's own units
    assert torch.allclose(one, two, atol=1e-9) is not bounded


def test_lamb_moves_every_matrix_by_lr_of_its_norm() -> None:
    start = normal(5, 3)
    step = run("lamb", start, [normal(5, 3, seed=1)], lr=0.01, weight_decay=0.1) - start
    assert abs(float(step.norm() / start.norm()) - 0.01) < 1e-12


def test_dog_steps_are_as_long_as_the_way_gone() -> None:
    g = normal(3)
    step = run("dog", torch.zeros(3).double(), [g], first_distance=0.25)
    assert abs(float(step.norm()) - 0.25) < 1e-12


def test_schedule_free_sgd_without_interpolation_averages_plain_sgd() -> None:
    gradients = [normal(4, seed=t) for t in range(6)]
    end = run("schedule-free-sgd", torch.zeros(4).double(), gradients, lr=0.1, beta1=0.0)
    path = torch.stack([-0.1 * sum(gradients[: t + 1]) for t in range(6)])  # type: ignore[misc]
    assert torch.allclose(end, path.mean(0), atol=1e-13)


def test_prodigy_grows_its_estimate_on_a_steady_gradient() -> None:
    oracle = oracle_of("prodigy")
    assert oracle is not None
    rows = [[torch.ones(3).double()] for _ in range(60)]
    path = oracle.trajectory([torch.zeros(3).double()], rows, options={"d0": 1e-4})
    moves = [float((b[0] - a[0]).norm()) for a, b in itertools.pairwise(path)]
    assert moves[-1] > 100 * moves[0]


def seen(n: int = 30) -> LayerSeen:
    X, B, J = normal(n, 4), normal(n, 3, seed=1), normal(2, n, 3, seed=2)
    return LayerSeen(X, B, J, has_bias=False)


@pytest.mark.parametrize("fisher", FISHER)
def test_kfac_inverts_the_kronecker_product(fisher: str) -> None:
    layer, damping = seen(), 0.1
    oracle = next(
        o for o in LAYER_ORACLES if o.claim == ("foof" if fisher == "identity" else "kfac")
    )
    convention = {"Fisher": fisher, "damping": "to each factor"}
    step = oracle.updates(
        [[torch.zeros(3, 4).double()]],
        [[layer]],
        options={"lr": 1.0, "damping": damping},
        convention=convention,
    )[0][0]
    X, n = layer.inputs, len(layer.inputs)
    rows = {"type-2": layer.jacobian.reshape(-1, 3), "empirical": layer.output_gradients}
    G = rows[fisher].T @ rows[fisher] / n if fisher in rows else torch.eye(3).double()
    eye = lambda k: damping * torch.eye(k, dtype=torch.float64)  # noqa: E731
    dense = torch.kron(G + eye(3), X.T @ X / n + eye(4))
    wanted = -torch.linalg.solve(dense, layer.gradient.reshape(-1)).reshape(3, 4)
    assert torch.allclose(step, wanted, atol=1e-10)


def test_damping_of_products_is_that_of_the_dense_matrix() -> None:
    A, G = normal(4, 9) @ normal(4, 9).T, normal(3, 9) @ normal(3, 9).T
    grad = normal(3, 4)
    step = precondition(grad, A, G, 0.3, "to products of eigenvalues")
    dense = torch.kron(G, A) + 0.3 * torch.eye(12, dtype=torch.float64)
    assert torch.allclose(step.reshape(-1), torch.linalg.solve(dense, grad.reshape(-1)), atol=1e-10)


def test_every_reference_runs_under_each_of_its_conventions() -> None:
    start, rows = normal(4, 3), [[normal(4, 3, seed=t)] for t in range(3)]
    for oracle in oracles().values():
        for axis, values in oracle.conventions.items():
            for value in values:
                end = oracle.trajectory([start], rows, convention={axis: value})[-1][0]
                assert bool(end.isfinite().all()), (oracle.claim, axis, value)
