"""Floors and mean steps of KFAC's input factors: limits, simulated values, refusals."""

import itertools

import numpy as np
import pytest

from theory.linear_representation import factor_floor, factor_multiplier, tangent_floor

SIZES = {"n": 60, "d": 8, "k": 2}


@pytest.mark.parametrize("eta", [0.1, 0.5, 0.9])
def test_an_average_lies_between_two_exact_ends(eta: float) -> None:
    def floor(factor: str, **options: float) -> float:
        return factor_floor(factor, step_size=eta, **SIZES, **options)

    same = factor_floor("same_batch", step_size=eta, **SIZES)
    assert floor("average", decay=0.0) == pytest.approx(same, rel=1e-12)
    population = floor("population")
    for includes in (True, False):
        limit = factor_floor(
            "average", step_size=eta, **SIZES, decay=1 - 1e-9, includes_current=includes
        )
        assert limit == pytest.approx(population, rel=1e-7)
    assert floor("independent", factor_rows=10**8) == pytest.approx(population, rel=1e-6)
    assert population < same


def test_the_same_batch_is_the_floor_of_kfac() -> None:
    unit = 0.1**2 * (1 + 1 / 0.5) * (1 + 1 / 2.0 + 1 / 3.0)
    expected = tangent_floor(
        "kfac",
        step_size=0.3,
        noise_std=0.1,
        n=20,
        head_eigenvalues=[1.0, 0.5],
        schur_eigenvalues=[1.0, 2.0, 3.0],
    )
    found = factor_floor("same_batch", step_size=0.3, n=20, d=5, k=2)
    assert found * unit == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("includes", "simulated"), [(True, 0.004830), (False, 0.005611)])
def test_simulated_floors_of_averages(includes: bool, simulated: float) -> None:
    """6000 chains of the optimizer's definition: standard error 0.3 percent, next order 1 or 2."""
    found = factor_floor(
        "average", step_size=0.2, n=24, d=6, k=2, decay=0.5, includes_current=includes
    )
    assert found == pytest.approx(simulated, rel=0.025)


def test_multipliers_at_their_ends() -> None:
    assert factor_multiplier("same_batch", step_size=0.3, **SIZES) == pytest.approx(0.7)
    assert factor_multiplier("population", step_size=0.3, **SIZES) == pytest.approx(
        1 - 0.3 * 58 / 60
    )
    assert factor_multiplier("average", step_size=0.3, **SIZES, decay=0.0) == pytest.approx(0.7)
    fast = factor_multiplier("independent", step_size=0.3, **SIZES, factor_rows=12)
    assert fast == pytest.approx(1 - 0.3 * 58 / 60 * 12 / 3)
    joint = factor_multiplier("population", step_size=0.3, **SIZES, head="joint")
    assert joint == pytest.approx(0.7)


def test_a_head_that_moves_too_adds_to_the_floor() -> None:
    alone = factor_floor("population", step_size=0.2, n=60, d=8, k=2)
    floors = [
        factor_floor(
            "population", step_size=0.2, **SIZES, head="joint", head_step_size=head_step_size
        )
        for head_step_size in (0.0, 0.3, 0.9)
    ]
    assert alone < floors[0]
    assert all(low < high for low, high in itertools.pairwise(floors))
    same = factor_floor("same_batch", step_size=0.2, **SIZES)
    found = factor_floor("same_batch", step_size=0.2, **SIZES, head="joint", head_step_size=0.5)
    assert found == same


@pytest.mark.parametrize(
    ("sizes", "steps", "rows", "simulated"),
    [
        ({"n": 24, "d": 5, "k": 2}, (0.3, 0.3), 30, 0.01491),
        ({"n": 20, "d": 4, "k": 1}, (0.4, 0.5), 24, 0.03054),
        ({"n": 40, "d": 6, "k": 3}, (0.2, 0.6), 40, 0.005124),
    ],
)
def test_simulated_floors_with_factors_of_another_batch_on_both_layers(
    sizes: dict[str, int], steps: tuple[float, float], rows: int, simulated: float
) -> None:
    """8000 chains of the optimizer's definition, standard error 0.3 percent."""
    found = factor_floor(
        "independent",
        step_size=steps[0],
        **sizes,
        factor_rows=rows,
        head="joint",
        head_step_size=steps[1],
    )
    assert found == pytest.approx(simulated, rel=0.015)


def joint_step(eta: float, eta_F: float, n: int, rows: int, start: str) -> np.ndarray:
    """Errors (R, 2, 4) of F G after one noise-free step of both layers on other batches' factors.

    From the definition, k = 2, d = 4, m = 2, Sigma = I, F* = I; start: "tangent" or "head", an
    error of size 1 in one entry.
    """
    rng, R, eps = np.random.default_rng(7), 30_000, 1e-6
    G = np.broadcast_to(np.eye(2, 4), (R, 2, 4)).copy()
    F = np.broadcast_to(np.eye(2), (R, 2, 2)).copy()
    if start == "tangent":
        G[:, 0, 2] += eps
    else:
        F[:, 0, 0] += eps
    X, other = rng.standard_normal((R, n, 4)), rng.standard_normal((R, rows, 4))
    S, W = (A.swapaxes(1, 2) @ A / A.shape[1] for A in (X, other))
    error = (F @ G - np.eye(2, 4)) @ S
    F_t, G_t = F.swapaxes(1, 2), G.swapaxes(1, 2)
    new_G = G - eta * np.linalg.solve(F_t @ F, F_t @ error) @ np.linalg.inv(W)
    new_F = F - eta_F * error @ G_t @ np.linalg.inv(G @ W @ G_t)
    return (new_F @ new_G - np.eye(2, 4)) / eps


def test_both_layers_are_stable_up_to_the_step_that_is_refused() -> None:
    """There the mean squares within and outside the rows of the truth have multiplier 1.

    30000 draws: standard error 0.007 of the multiplier.
    """
    sizes = {"n": 20, "d": 4, "k": 2, "factor_rows": 30, "head": "joint", "head_step_size": 0.3}

    def stable(eta: float) -> bool:
        try:
            return factor_floor("independent", step_size=eta, **sizes) > 0
        except ValueError:
            return False

    low, high = 0.1, 1.6
    assert stable(low)
    with pytest.raises(ValueError, match="needs smaller ones: no floor"):
        factor_floor("independent", step_size=high, **sizes)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if stable(middle) else (low, middle)
    map_of = np.zeros((2, 2))
    for column, start in enumerate(("head", "tangent")):
        squares = np.square(joint_step(low, 0.3, 20, 30, start)).mean(0)
        map_of[:, column] = squares[:, :2].sum(), squares[:, 2:].sum()
    assert np.abs(np.linalg.eigvals(map_of)).max() == pytest.approx(1.0, abs=0.02)


def test_the_mean_step_with_factors_of_another_batch_on_both_layers() -> None:
    """30000 draws of the definition: standard error 0.0014."""
    found = factor_multiplier(
        "independent", step_size=0.4, n=20, d=4, k=2, factor_rows=30, head="joint",
        head_step_size=0.3,
    )  # fmt: skip
    drawn = joint_step(0.4, 0.3, 20, 30, "tangent")[:, 0, 2].mean()
    assert found == pytest.approx(drawn, abs=0.004)


def test_many_rows_of_another_batch_are_the_population() -> None:
    options = {"step_size": 0.2, **SIZES, "head": "joint", "head_step_size": 0.3}
    many = factor_floor("independent", **options, factor_rows=10**8)
    assert many == pytest.approx(factor_floor("population", **options), rel=1e-6)


def test_fewer_rows_than_inputs_need_another_factor() -> None:
    assert factor_floor("population", step_size=0.5, n=6, d=8, k=2) > 0
    with pytest.raises(ValueError, match="n=6, needs an integer >= 10"):
        factor_floor("same_batch", step_size=0.5, n=6, d=8, k=2)


def test_the_floor_of_kfac_takes_the_factor_by_keyword() -> None:
    known = {
        "step_size": 0.3,
        "noise_std": 0.1,
        "n": 40,
        "head_eigenvalues": [1.0, 0.5],
        "schur_eigenvalues": [1.0, 2.0, 4.0],
    }
    unit = 0.1**2 * 3.0 * 1.75
    found = tangent_floor("kfac", **known, factor="average", decay=0.9, includes_current=False)
    expected = factor_floor(
        "average", step_size=0.3, n=40, d=5, k=2, decay=0.9, includes_current=False
    )
    assert found == pytest.approx(unit * expected, rel=1e-12)
    with pytest.raises(ValueError, match="factor='population' for method 'amgd', needs 'kfac'"):
        tangent_floor("amgd", **known, factor="population")


@pytest.mark.parametrize(
    ("factor", "options", "message"),
    [
        ("fresh", {}, "factor='fresh', needs one of"),
        ("population", {"step_size": 1.9}, "step_size=1.9, needs < 1.8"),
        ("population", {"step_size": 0.0}, "step_size=0.0, needs a number in"),
        ("independent", {}, "factor_rows=None"),
        ("independent", {"factor_rows": 11}, "factor_rows=11, needs an integer >= 12"),
        ("independent", {"factor_rows": 12, "step_size": 0.5}, "step_size=0.5, needs <"),
        ("average", {}, "decay=None"),
        ("average", {"decay": 1.0}, "decay=1.0, needs a number in"),
        ("average", {"decay": 0.5, "step_size": 1.0}, "step_size=1, needs < 1"),
        ("average", {"decay": 0.5, "head": "joint"}, "head='joint', needs 'least_squares'"),
        ("population", {"head": "joint"}, "head_step_size=None"),
        (
            "independent",
            {"head": "joint", "head_step_size": 0.9, "factor_rows": 14},
            "head_step_size=0.9, needs smaller ones",
        ),
        ("population", {"head": "joint", "head_step_size": 1.9}, "needs < 1.96"),
        ("same_batch", {"head": "frozen"}, "head='frozen', needs one of"),
        ("same_batch", {"n": 9}, "n=9, needs an integer >= 10"),
        ("population", {"d": 2}, "d=2, needs an integer >= 3"),
    ],
)
def test_refusals_show_value_and_bound(
    factor: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        factor_floor(factor, **{"step_size": 0.2, **SIZES, **options})
