"""Output factors, kinds of damping, scale exponents: values, limits and refusals."""

import math

import numpy as np
import pytest

from theory.linear_representation import (
    damped_rate,
    kfac_spectrum,
    local_rate,
    output_factor,
    scale_exponents,
    tangent_floor,
)

SIZES = {"n": 60, "d": 8, "k": 2}
HEADS = (1.0, 0.3)
ROOT = np.random.default_rng(5).standard_normal((6, 6))
COV = ROOT @ ROOT.T / 6 + 0.3 * np.eye(6)
APART = np.diag([2.0, 0.5, 1.0, 0.7, 0.3, 1.5])
KINDS = ("factor", "kronecker", "pi")


def test_gauss_newton_has_the_floor_of_kfac() -> None:
    multiplier, level = output_factor("gauss_newton", step_size=0.3, **SIZES)
    schurs = np.array([1.0, 2.0, 3.0, 0.5, 1.0, 4.0])
    whole = tangent_floor(
        "kfac", step_size=0.3, noise_std=0.1, n=60, head_eigenvalues=HEADS,
        schur_eigenvalues=schurs,
    )  # fmt: skip
    assert multiplier == pytest.approx(0.7)
    scale = 0.01 * (1.0 + 1.0 / 0.3) * (1.0 / schurs).sum()
    assert level * scale == pytest.approx(whole)


def test_many_samples_are_gauss_newton() -> None:
    many = output_factor("sampled", step_size=0.3, samples_per_row=10**7, **SIZES)
    assert many == pytest.approx(output_factor("gauss_newton", step_size=0.3, **SIZES), rel=1e-6)


@pytest.mark.parametrize(
    ("n", "step", "measured", "error"),
    [(12, 0.5, 0.39929, 0.0011), (20, 0.5, 0.44401, 0.0006), (20, 0.3, 0.66643, 0.0003)],
)
def test_the_empirical_multiplier_is_that_of_simulations(
    n: int, step: float, measured: float, error: float
) -> None:
    stated, _ = output_factor("empirical", step_size=4.0 * step, noise_std=2.0, n=n, d=8, k=2)
    assert abs(stated - measured) < 3.0 * error


@pytest.mark.parametrize(
    ("d", "k", "n", "step", "ratio", "error"),
    [
        (8, 2, 60, 0.5, 0.9807, 0.0029),
        (5, 1, 40, 0.5, 0.9798, 0.005),
        (6, 3, 60, 0.5, 0.9676, 0.0031),
    ],
)
def test_the_empirical_floor_is_off_by_the_next_order(
    d: int, k: int, n: int, step: float, ratio: float, error: float
) -> None:
    """Chains of the optimizer over the formula; it leaves out about (k + 1) step/n."""
    felt = step * n / (n - 2 * k - 1 + (d - k) * step / (2.0 - step))
    _, level = output_factor("empirical", step_size=step, noise_std=1.0, n=n, d=d, k=k)
    assert level == pytest.approx(felt / (2.0 - felt) / (n - d - 1))
    assert 0.0 < 1.0 - ratio < (k + 1) * step / n + 3.0 * error


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("none", {}, "kind='none', needs one of"),
        ("gauss_newton", {"step_size": 2.0}, "step_size=2.0, needs"),
        ("sampled", {}, "samples_per_row=None, needs"),
        ("sampled", {"samples_per_row": 1, "step_size": 1.95}, "step_size=1.95, needs"),
        ("empirical", {}, "noise_std=None, needs"),
        ("empirical", {"noise_std": 0.1}, "step_size=0.3, needs"),
        ("gauss_newton", {"n": 9}, "n=9, needs an integer >= 10"),
        ("gauss_newton", {"k": 8}, "d=8, needs an integer >= 9"),
    ],
)
def test_output_factor_refuses(kind: str, values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=r"needs") as caught:
        output_factor(kind, **{"step_size": 0.3, **SIZES, **values})
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_without_damping_every_kind_is_kfac(kind: str) -> None:
    known = {"step_size": 0.3, "damping": 0.0, "head_eigenvalues": HEADS, "cov_x": COV}
    assert damped_rate(kind, **known) == pytest.approx(np.full(8, 0.7))
    both = damped_rate(kind, head="joint", head_step_size=0.5, output_dim=5, **known)
    expected = kfac_spectrum(step_size=0.3, head_step_size=0.5, rank=2, input_dim=6, output_dim=5)
    assert both == pytest.approx(expected)


def test_input_damping_alone_is_the_known_rate() -> None:
    values = damped_rate("factor", step_size=0.3, damping=0.2, head_eigenvalues=HEADS, cov_x=COV)
    known = local_rate("kfac", step_size=0.3, damping=0.2, cov_x=COV, rank=2)
    assert np.abs(values).max() == pytest.approx(known)


def test_for_uncorrelated_inputs_the_product_is_closed_and_the_split_is_slower() -> None:
    known = {"step_size": 1.0, "damping": 0.1, "head_eigenvalues": HEADS, "cov_x": APART}
    products = np.outer(HEADS, np.diag(APART)[2:]).ravel()
    exact = damped_rate("kronecker", **known)
    assert exact == pytest.approx(np.sort(0.1 / (products + 0.1)))
    split = damped_rate("pi", **known)
    least = 1.0 - products / (np.sqrt(products) + 0.1**0.5) ** 2
    assert np.all(split >= np.sort(least) - 1e-12)


@pytest.mark.parametrize(
    ("kind", "change", "ratio"),
    [
        ("kronecker", "damping", 2.0),
        ("pi", "damping", math.sqrt(2.0)),
        ("kronecker", "y", 0.25),
        ("pi", "y", 0.5),
        ("kronecker", "x", 0.25),
        ("pi", "x", 0.5),
        ("factor", "y", 1.0),
        ("factor", "x", 0.25),
    ],
)
def test_the_signature_of_a_kind(kind: str, change: str, ratio: float) -> None:
    """What small damping takes from the slowest rate: doubled damping, y times 2, Sigma times 4."""
    deficits = []
    for factor in (1.0, 2.0):
        values = damped_rate(
            kind,
            step_size=1.0,
            damping=1e-8 * (factor if change == "damping" else 1.0),
            head_eigenvalues=np.array(HEADS) * (factor**2 if change == "y" else 1.0),
            cov_x=COV * (factor**2 if change == "x" else 1.0),
        )
        deficits.append(values.max())
    assert deficits[1] / deficits[0] == pytest.approx(ratio, rel=2e-3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "none"}, "kind='none', needs one of"),
        ({"head": "none"}, "head='none', needs one of"),
        ({"damping": -0.1}, "damping=-0.1, needs"),
        ({"kind": "pi", "output_damping": 0.1}, "output_damping=0.1, needs 0"),
        ({"head_eigenvalues": np.ones(6)}, "head_eigenvalues has 6 entries, needs < input_dim=6"),
        ({"head": "joint"}, "head_step_size=None, needs"),
        ({"head": "joint", "head_step_size": 0.1, "output_dim": 1}, "output_dim=1, needs"),
        ({"cov_x": -COV}, "cov_x has eigenvalue"),
    ],
)
def test_damped_rate_refuses(values: dict, message: str) -> None:
    known = {"step_size": 0.3, "damping": 0.1, "head_eigenvalues": HEADS, "cov_x": COV, **values}
    with pytest.raises(ValueError, match=r"needs") as caught:
        damped_rate(known.pop("kind", "factor"), **known)
    assert message in str(caught.value)


TABLE = {
    "kfac": (0, 0, 0, 0),
    "kfac_sampled": (0, 0, 0, 0),
    "kfac_empirical": (-2, -2, 0, 0),
    "kfac_clipped": (-1, -1, 0, 0.5),
    "kfac_grafted": (2, 0, 2, 0),
    "sgd": (2, 0, 2, 0),
    "adam": (0, -1, 1, 0.5),
    "muon": (0, -1, 1, 0.5),
    "ngd": (0, 0, 0, 0),
    "ngd_empirical": (-2, -2, 0, 0),
}


@pytest.mark.parametrize("method", TABLE)
def test_exponents_by_name(method: str) -> None:
    found = scale_exponents(method)
    assert tuple(found) == ("y", "noise", "x", "n")
    assert tuple(found.values()) == TABLE[method]


@pytest.mark.parametrize("q", [0.0, 0.25, 0.5, 1.0])
def test_exponents_of_shampoo(q: float) -> None:
    found = scale_exponents("shampoo", exponent=q)
    assert tuple(found.values()) == (2 - 8 * q, -4 * q, 2 - 4 * q, 2 * q)


@pytest.mark.parametrize("method", ["adam", "shampoo", "muon", "sgd"])
def test_exponents_are_those_of_the_local_rates(method: str) -> None:
    def rate(y: float = 1.0, noise: float = 1.0, x: float = 1.0, n: float = 1.0) -> float:
        known = {
            "head_eigenvalues": np.array(HEADS) * y**2,
            "schur_eigenvalues": np.array([1.0, 0.5]) * x**2,
        }
        if method != "sgd":
            known |= {"noise_std": y * noise, "n": round(400 * n)}
        if method in ("shampoo", "muon"):
            known["cov_trace"] = 2.0 * x**2
        name = "amgd" if method == "sgd" else method
        return 1.0 - local_rate(name, step_size=1e-6, **known)

    for probe, power in scale_exponents(method).items():
        ratio = rate(**{probe: 4.0}) / rate()
        assert math.log(ratio) / math.log(4.0) == pytest.approx(power, abs=1e-5)


@pytest.mark.parametrize(
    ("method", "values", "message"),
    [
        ("no such", {}, "method='no such', needs one of"),
        ("kfac_units", {}, "method='kfac_units', needs one of"),
        ("shampoo", {"exponent": 1.5}, "exponent=1.5, needs"),
    ],
)
def test_scale_exponents_refuses(method: str, values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=r"needs") as caught:
        scale_exponents(method, **values)
    assert message in str(caught.value)
