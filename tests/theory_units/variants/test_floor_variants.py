"""``tangent_floor`` and ``damped_eigenvalues`` with the variants by keyword."""

import numpy as np
import pytest
import torch

from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.seeding import generator
from lpfl.verify.setups.linear import floor as floors
from theory.linear_representation import (
    cycle_floor,
    damped_eigenvalues,
    damped_rate,
    inverse_scale,
    momentum_floor,
    output_factor,
    tangent_floor,
)

KNOWN = {
    "step_size": 0.3,
    "noise_std": 0.1,
    "n": 40,
    "head_eigenvalues": [1.0, 0.5],
    "schur_eigenvalues": [1.0, 2.0, 4.0],
}
UNIT = 0.1**2 * 3.0 * 1.75
SIZES = {"n": 40, "d": 5, "k": 2}


def test_momentum() -> None:
    found = tangent_floor("kfac", **KNOWN, momentum=0.6, momentum_kind="nesterov")
    stated = momentum_floor("nesterov", step_size=0.3, momentum=0.6) / (40 - 5 - 1)
    assert found == pytest.approx(UNIT * stated, rel=1e-12)
    assert tangent_floor("kfac", **KNOWN, momentum=0.0) == tangent_floor("kfac", **KNOWN)


def test_output_factors() -> None:
    sampled = tangent_floor("kfac", **KNOWN, output_factor="sampled", samples_per_row=1)
    stated = output_factor("sampled", step_size=0.3, samples_per_row=1, **SIZES)[1]
    assert sampled == pytest.approx(UNIT * stated, rel=1e-12)
    small = {**KNOWN, "step_size": 0.003}
    empirical = tangent_floor("kfac", **small, output_factor="empirical")
    stated = output_factor("empirical", step_size=0.003, noise_std=0.1, **SIZES)[1]
    assert empirical == pytest.approx(UNIT * stated, rel=1e-12)


def test_a_factor_of_several_steps() -> None:
    stated = cycle_floor(factor_every=3, step_size=0.3, **SIZES)
    found = tangent_floor("kfac", **KNOWN, factor_every=3)
    assert found == pytest.approx(UNIT * stated, rel=1e-12)


def test_elliptical_inputs() -> None:
    scales = [0.5, 1.5]
    ratio = inverse_scale(n=40, d=5, scales=scales) / inverse_scale(n=40, d=5)
    for method in ("kfac", "ngd"):
        found = tangent_floor(method, **KNOWN, scales=scales)
        assert found == pytest.approx(ratio * tangent_floor(method, **KNOWN), rel=1e-12)


CASES = [
    ({"momentum": 0.6}, {"momentum": 0.6}),
    ({"factor_every": 2}, {"factor_every": 2}),
    ({"output_factor": "sampled", "samples_per_row": 1}, None),
]


@pytest.mark.parametrize(("options", "given"), CASES)
def test_floors_of_runs(options: dict, given: dict | None) -> None:
    """Mean square at the end of many short runs from the truth, up to five standard errors."""
    eta, rows, runs, steps = 0.6, 24, 3000, 12
    stream = generator(0, "floors", *options)
    truth = model.LinearRepresentation(
        head_star=model.draw_head(runs, torch.tensor([1.0, 0.5], dtype=torch.float64), 3, stream),
        representation_star=model.draw_representation(runs, 2, 5, stream),
        cov_x=torch.eye(5, dtype=torch.float64),
        root=torch.eye(5, dtype=torch.float64),
        noise_std=1e-4,
    )
    method = kfac.kfac(step_size=eta, **(given or {**options, "sample_seed": 3}))
    weights = model.Weights(truth.head_star, truth.representation_star)
    memory = method.init(weights)
    for _ in range(steps):
        weights, memory = method.step(weights, memory, model.sample(truth, rows, stream))
    squares = floors.squared_tangents(truth)(weights).numpy()
    known = {"head_eigenvalues": [1.0, 0.5], "schur_eigenvalues": np.ones(3), "noise_std": 1e-4}
    predicted = tangent_floor("kfac", step_size=eta, n=rows, **known, **options)
    plain = tangent_floor("kfac", step_size=eta, n=rows, **known)
    error = 5.0 * squares.std() / runs**0.5
    assert squares.mean() == pytest.approx(predicted, abs=error)
    assert abs(predicted - plain) > error


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("amgd", {"momentum": 0.5}, r"momentum=0\.5 for method 'amgd', needs 'kfac'"),
        ("adam", {"kurtosis": 1.0}, r"kurtosis=1\.0 for method 'adam', needs 'kfac' or 'ngd'"),
        ("ngd", {"factor_every": 2}, "factor_every=2 for method 'ngd', needs 'kfac'"),
        ("kfac", {"factor_every": 0}, "factor_every=0, needs an integer >= 1"),
        ("kfac", {"momentum": 1.0}, r"momentum=1\.0, needs a number in"),
        ("kfac", {"output_factor": "fisher"}, "output_factor='fisher', needs one of"),
        ("kfac", {"output_factor": "sampled"}, "samples_per_row=None, needs"),
        ("kfac", {"samples_per_row": 2}, "samples_per_row=2, needs output_factor='sampled'"),
        ("kfac", {"scales": [1.0, -1.0]}, "scales contains"),
        (
            "kfac",
            {"momentum": 0.5, "bias": True},
            r"bias=True with momentum=0\.5, needs one of them alone",
        ),
    ],
)
def test_floors_without_a_formula_are_refused(method: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tangent_floor(method, **KNOWN, **options)


COV = np.diag([2.0, 1.0, 1.5, 0.7]) + 0.2 * (np.ones((4, 4)) - np.eye(4))
HEADS = [0.5, 2.0]


@pytest.mark.parametrize("kind", ["factor", "kronecker", "pi"])
def test_damped_eigenvalues_are_those_of_the_rates(kind: str) -> None:
    added = {"damping": 0.3, "output_damping": 0.2 if kind == "factor" else 0.0}
    nu = damped_eigenvalues(COV, rank=2, kind=kind, head_eigenvalues=HEADS, **added)
    rates = damped_rate(kind, step_size=1.0, head_eigenvalues=HEADS, cov_x=COV, **added)
    assert nu.shape == (2, 2)
    np.testing.assert_allclose(np.sort(1.0 - nu.ravel()), rates, rtol=1e-13)


def test_damped_eigenvalues_keep_their_digits_under_heavy_damping() -> None:
    """What is left of the rate is small there: 1 - multiplier would lose it."""
    gamma = 1e14
    nu = damped_eigenvalues(COV, rank=2, damping=gamma, kind="kronecker", head_eigenvalues=HEADS)
    schur = COV[2:, 2:] - COV[2:, :2] @ np.linalg.solve(COV[:2, :2], COV[:2, 2:])
    stated = np.outer(HEADS, np.linalg.eigvalsh(schur)) / gamma
    np.testing.assert_allclose(nu, stated, rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "trace"}, "kind='trace', needs one of"),
        ({"kind": "pi"}, "head_eigenvalues=None, needs"),
        ({"kind": "pi", "head_eigenvalues": [1.0]}, "head_eigenvalues has 1 entries, needs rank=2"),
        ({"kind": "pi", "output_damping": 0.1}, r"output_damping=0\.1, needs 0 with kind='pi'"),
    ],
)
def test_damped_eigenvalues_name_what_is_wrong(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        damped_eigenvalues(COV, rank=2, damping=0.1, **options)
