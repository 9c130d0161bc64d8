"""``local_rate`` of variants: against differentiated update maps, means over batches, and runs."""

import numpy as np
import pytest
import torch

from lpfl import linalg
from lpfl.optim import amgd, kfac
from lpfl.optim.kfac import joint as kfac_joint
from lpfl.problems import linear_representation as model
from lpfl.verify.setups.linear.jacobian import schur_spectrum, tangent_jacobian
from lpfl.verify.setups.linear.scenarios import repeated
from tests.optim.local_rate_cases import TOLERANCE, drawn, largest, largest_moving
from theory.linear_representation import damped_eigenvalues, local_rate

SEEDS = range(4)


def frame_covariance(truth: model.LinearRepresentation) -> np.ndarray:
    frame = torch.cat([truth.representation_star[0], truth.complement[0]])
    turned = frame @ truth.cov_x @ frame.mT
    return ((turned + turned.mT) / 2).numpy()


def diagonal(case):
    """The problem in the basis in which H is diagonal, as the joint spectrum is stated."""
    F = case.truth.head_star[0]
    _, turn = torch.linalg.eigh(F.mT @ F)
    return model.LinearRepresentation(
        head_star=(F @ turn).unsqueeze(0),
        representation_star=turn.mT @ case.truth.representation_star,
        cov_x=case.truth.cov_x,
        root=case.truth.root,
        noise_std=0.0,
    )


KINDS = [
    ("factor", {"damping": 0.3, "output_damping": 0.2}),
    ("kronecker", {"damping": 0.3, "damping_kind": "kronecker"}),
    ("pi", {"damping": 0.3, "damping_kind": "pi"}),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_kinds_of_damping(seed, kind, options):
    case = drawn(seed)
    method = kfac.kfac(step_size=case.step_size, **options)
    batch = model.population_batch(case.truth)
    jacobian = tangent_jacobian(method, case.truth, batch)
    known = {"cov_x": frame_covariance(case.truth), "head_eigenvalues": case.head_eigenvalues}
    predicted = local_rate("kfac", step_size=case.step_size, **known, **options)
    assert largest(jacobian) == pytest.approx(predicted, abs=TOLERANCE)
    left = options.get("output_damping", 0.0)
    nu = damped_eigenvalues(
        rank=case.sizes["rank"], kind=kind, damping=0.3, output_damping=left, **known
    )
    stated = np.sort(1.0 - case.step_size * nu.ravel())
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(jacobian).real), stated, atol=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_kinds_of_damping_with_both_layers(seed, kind, options):
    case = drawn(seed)
    truth = diagonal(case)
    steps = {"step_size": case.step_size, "head_step_size": case.head_step_size}
    solution = model.Weights(truth.head_star, truth.representation_star)
    batch = model.population_batch(truth)
    measured = largest_moving(kfac_joint.kfac_joint(**steps, **options), solution, batch)
    predicted = local_rate(
        "kfac_joint",
        **steps,
        **options,
        cov_x=frame_covariance(truth),
        head_eigenvalues=np.linalg.eigvalsh((truth.head_star[0].mT @ truth.head_star[0]).numpy()),
        output_dim=case.sizes["output_dim"],
    )
    assert measured == pytest.approx(predicted, abs=TOLERANCE)


MOMENTUM = [("heavy_ball", 0.5), ("averaged", 0.8), ("nesterov", 0.3)]
REAL = [("heavy_ball", 0.1, 0.3), ("averaged", 0.5, 0.1), ("nesterov", 0.3, 0.2)]


def last_ratio(method, truth, steps):
    """|T| after the last step over |T| before it, of a run from a small generic tangent."""
    stream = torch.Generator().manual_seed(3)
    k, d = truth.representation_star.shape[-2:]
    tangent = 1e-4 * torch.randn(1, k, d - k, generator=stream, dtype=torch.float64)
    G_star, B = truth.representation_star, truth.complement
    weights = model.Weights(truth.head_star, G_star + tangent @ B)
    memory, batch, sizes = method.init(weights), model.population_batch(truth), []
    for _ in range(steps):
        weights, memory = method.step(weights, memory, batch)
        sizes.append(float(linalg.tangent_matrix(weights.representation, G_star, B).norm()))
    return sizes[-1] / sizes[-2]


@pytest.mark.parametrize(("kind", "b", "eta"), REAL)
@pytest.mark.parametrize("damping", [0.0, 0.4])
def test_a_run_of_kfac_with_momentum_falls_at_the_rate(kind, b, eta, damping):
    """Both multipliers are real and apart, so that the larger one is left after some steps."""
    case = drawn(4)
    variant = {"momentum": b, "momentum_kind": kind, "damping": damping}
    measured = last_ratio(kfac.kfac(step_size=eta, **variant), case.truth, 40)
    known = {"cov_x": frame_covariance(case.truth), "rank": case.sizes["rank"]}
    assert measured == pytest.approx(
        local_rate("kfac", step_size=eta, **variant, **known), abs=0.003
    )
    without = local_rate("kfac", step_size=eta, damping=damping, **known)
    assert measured != pytest.approx(without, abs=0.003)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("kind", "b"), MOMENTUM)
def test_the_map_of_momentum_has_these_multipliers(seed, kind, b):
    """The map of weights and velocity, built from the differentiated plain step, as blocks."""
    case = drawn(seed)
    eta = 0.7 * case.step_size
    plain = tangent_jacobian(
        amgd.amgd(step_size=eta), case.truth, model.population_batch(case.truth)
    )
    one = np.eye(len(plain))
    step = one - plain
    share = 1.0 - b if kind == "averaged" else 1.0
    ahead = b if kind == "nesterov" else 0.0
    # v_+ = b v + share step T; T_+ = T - v_+, for Nesterov T - step T - b v_+.
    velocity = np.hstack([share * step, b * one])
    moved = (
        np.hstack([one - step, 0.0 * one]) - ahead * velocity
        if ahead
        else np.hstack([one, 0.0 * one]) - velocity
    )
    predicted = local_rate(
        "amgd",
        step_size=eta,
        head_eigenvalues=case.head_eigenvalues,
        schur_eigenvalues=schur_spectrum(case.truth),
        momentum=b,
        momentum_kind=kind,
    )
    assert largest(np.vstack([moved, velocity])) == pytest.approx(predicted, abs=TOLERANCE)


FACTORS = [
    {"factor": "population"},
    {"factor": "independent", "factor_rows": 16},
    {"output_factor": "sampled", "samples_per_row": 2},
]


@pytest.mark.parametrize("options", FACTORS)
def test_the_mean_step_of_other_factors(options):
    """The mean over noiseless batches of what a step keeps of T, up to five standard errors."""
    case, rows, runs, eta = drawn(5), 14, 4000, 0.5
    truth = repeated(case.truth, runs)
    name = next(iter(options))
    chosen = {"input_factor": "separate"} if name == "factor" else dict(options, sample_seed=1)
    method = kfac.kfac(step_size=eta, **chosen)
    T = 1e-5 * linalg.standard_normal(
        runs, 3, truth.complement.shape[-2], generator=case.stream, dtype=torch.float64
    )
    G_star, B = truth.representation_star, truth.complement
    start = model.Weights(truth.head_star, G_star + T @ B)
    batch = model.sample(truth, rows, case.stream)
    other = model.population_batch(truth)
    if options.get("factor") == "independent":
        other = model.sample(truth, 16, case.stream)
    given = (batch, other) if name == "factor" else batch
    after, _ = method.step(start, method.init(start), given)
    moved = linalg.tangent_matrix(after.representation, G_star, B)
    kept = ((moved * T).sum((-2, -1)) / T.square().sum((-2, -1))).numpy()
    sizes = {"rank": case.sizes["rank"], "cov_x": frame_covariance(case.truth)}
    predicted = local_rate("kfac", step_size=eta, n=rows, **sizes, **options)
    error = 5.0 * kept.std() / runs**0.5
    assert kept.mean() == pytest.approx(predicted, abs=error)
    assert error < 0.5 * abs(predicted - (1.0 - eta))


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("gd", {"momentum": 0.5}, r"momentum=0\.5, needs 0 with method='gd': .* kfac and amgd"),
        ("amgd", {"factor": "population"}, "factor='population', needs 'same_batch' with method"),
        ("kfac", {"factor": "fresh"}, "factor='fresh', needs one of"),
        ("kfac", {"factor": "population"}, "rank=None, needs"),
        ("kfac", {"factor": "population", "rank": 2}, "n=None, needs"),
        ("kfac", {"factor": "population", "rank": 2, "n": 9}, "input_dim=None, needs"),
        ("kfac", {"decay": 0.9}, r"decay=0\.9, needs factor='average'"),
        ("kfac", {"samples_per_row": 2}, "samples_per_row=2, needs output_factor='sampled'"),
        ("kfac", {"momentum": 1.0}, r"momentum=1\.0, needs a number in"),
        ("kfac", {"momentum_kind": "adam"}, "momentum_kind='adam', needs one of"),
        ("kfac", {"damping_kind": "trace"}, "damping_kind='trace', needs one of"),
        (
            "kfac",
            {"damping": 0.1, "factor": "population"},
            r"damping=0\.1 with factor='population', needs one of them alone",
        ),
        (
            "kfac",
            {"momentum": 0.5, "weight_decay": 0.1},
            r"weight_decay=0\.1 with momentum=0\.5, needs one of them alone",
        ),
        (
            "kfac",
            {"momentum": 0.5, "factor": "average", "decay": 0.9},
            r"factor='average' with momentum=0\.5, needs one of them alone",
        ),
        ("kfac", {"weight_decay": 20.0}, r"step_size times weight_decay=2\.0, needs"),
        (
            "kfac",
            {"output_damping": 0.1, "damping_kind": "pi"},
            r"output_damping=0\.1, needs 0 with damping_kind='pi'",
        ),
        (
            "kfac_joint",
            {"head_step_size": 0.1, "weight_decay": 0.1, "rank": 1, "in_turn": True},
            "in_turn=True with weight_decay, needs False",
        ),
    ],
)
def test_what_no_statement_knows_is_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        local_rate(method, step_size=0.1, **options)


def test_weight_decay():
    """The printed multipliers, LR-39: the tangents alone, and the slowest of both layers."""
    assert local_rate("kfac", step_size=0.5, weight_decay=0.2) == pytest.approx(1 - 0.5 / 0.9)
    joint = {"step_size": 0.5, "head_step_size": 0.3, "weight_decay": 0.2, "rank": 2}
    assert local_rate("kfac_joint", **joint) == pytest.approx(1 - 0.3 * 1.2)
    assert local_rate("kfac_joint", **joint, output_dim=2) == pytest.approx(1 - 0.5 * 1.2)
