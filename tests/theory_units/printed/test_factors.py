"""Figures of earlier simulations of KFAC's factors, one row each, against the public functions.

A row with a standard error is a simulation of the optimizer: three errors are allowed. A row
without one is a printed value of a formula or a limit: its last digit is allowed.
"""

import math

import numpy as np
import pytest

from theory.linear_representation import (
    damped_rate,
    factor_floor,
    output_factor,
    scale_exponents,
)
from theory.linear_representation.variants.factors.empirical_far import LR_34
from theory.linear_representation.variants.factors.input_factor import LR_29
from theory.linear_representation.variants.factors.input_factor_average import LR_30

SIZES = {"d": 8, "k": 2}


@pytest.mark.parametrize(("n", "simulated", "printed"), [(60, 0.1076, 0.1077), (20, 0.2806, 0.28)])
def test_the_mean_square_that_no_step_size_takes_away(
    n: int, simulated: float, printed: float
) -> None:
    """No standard error is printed; the simulations agree to 0.3 percent."""
    sizes = {"batch_size": n, "input_dim": 8, "rank": 2}
    least = LR_29["no_one_step_solution"].number(**sizes)
    assert least == pytest.approx(printed, abs=5e-5)
    assert least == pytest.approx(simulated, rel=3e-3)
    best = LR_29["best_step"].number(**sizes)
    reached = LR_29["mean_square"].number(step_size=float(best), **sizes)
    assert reached == pytest.approx(least, rel=1e-12)


def test_cross_talk_of_the_population_factor() -> None:
    found = LR_29["cross_talk"].number(step_size=0.2, input_dim=8, rank=2, batch_size=60)
    assert found == pytest.approx(4.03e-3, rel=0.01)
    assert found == pytest.approx(4.00e-3, rel=1e-9)


@pytest.mark.parametrize("eta", [0.1, 0.5, 1.0])
@pytest.mark.parametrize(("n", "d", "k"), [(60, 8, 2), (20, 8, 2), (200, 30, 4)])
def test_the_population_factor_has_the_lower_floor(eta: float, n: int, d: int, k: int) -> None:
    """The ratio of the floors tends to (n - d - 1)/n for small steps."""
    sizes = {"n": n, "d": d, "k": k}
    same = factor_floor("same_batch", step_size=eta, **sizes)
    assert factor_floor("population", step_size=eta, **sizes) < same
    small = [factor_floor(f, step_size=1e-9, **sizes) for f in ("population", "same_batch")]
    assert small[0] / small[1] == pytest.approx((n - d - 1) / n, rel=1e-6)


@pytest.mark.parametrize(
    ("includes", "eta", "seen", "error"),
    [(True, 0.1, 0.9939, 0.0016), (True, 0.3, 0.9887, 0.0011), (False, 0.3, 1.028, 0.0012)],
)
def test_an_average_over_few_rows_nears_the_population(
    includes: bool, eta: float, seen: float, error: float
) -> None:
    """Six rows in eight dimensions, decay 0.98; the next order in d/n (1 - decay) is 0.0007."""
    few = {"step_size": eta, "n": 6, **SIZES}
    average = factor_floor("average", decay=0.98, includes_current=includes, **few)
    ratio = average / factor_floor("population", **few)
    assert ratio == pytest.approx(seen, abs=3 * error + 7e-4)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_signature_of_the_decay(decay: float) -> None:
    """2 b^2/(1 + b) times eta^2 (p + 1)/n: nothing for the same batch."""
    known = {"step_size": 0.3, "batch_size": 60, "input_dim": 8, "rank": 2}
    found = LR_30["signature"].number(factor_decay=decay, current_share=1 - decay, **known)
    printed = 2 * decay**2 / (1 + decay) * 0.09 * 7 / 60
    assert found == pytest.approx(printed, rel=1e-12, abs=1e-18)


@pytest.mark.parametrize(
    ("n", "step", "seen", "error", "printed"),
    [
        (12, 0.5, 0.39929, 0.0011, 0.40000),
        (20, 0.5, 0.44401, 0.0006, 0.44444),
        (20, 0.3, 0.66643, 0.0003, 0.66667),
    ],
)
@pytest.mark.parametrize("noise_std", [1.0, 0.1])
def test_contraction_of_the_empirical_factor(
    n: int, step: float, seen: float, error: float, printed: float, noise_std: float
) -> None:
    given = {"step_size": step * noise_std**2, "noise_std": noise_std}
    found, _ = output_factor("empirical", n=n, **SIZES, **given)
    assert abs(found - seen) < 3 * error
    assert found == pytest.approx(printed, abs=5e-6)


@pytest.mark.parametrize(
    ("n", "step", "seen"), [(60, 0.2, 0.995), (60, 0.5, 0.983), (30, 0.5, 0.968)]
)
def test_floor_of_the_empirical_factor(n: int, step: float, seen: float) -> None:
    """Simulated over printed floor: the formula leaves out about (k + 1) step/n."""
    _, found = output_factor("empirical", step_size=step, noise_std=1.0, n=n, **SIZES)
    beta = step * n / (n - 5 + 6 * step / (2 - step))
    assert found == pytest.approx(beta / (2 - beta) / (n - 9), rel=1e-12)
    assert abs(1 - seen) < 3 * step / n + 0.005


@pytest.mark.parametrize(
    ("kind", "change", "seen"),
    [("sampled", {"n": 120}, 0.974), ("empirical", {"noise_std": 2.0}, 0.245)],
)
def test_rates_over_rates(kind: str, change: dict[str, float], seen: float) -> None:
    """How the log-rate answers to twice the rows, and to twice the noise."""
    plain = {"n": 60, "noise_std": 1.0}
    rates = []
    for values in (plain, {**plain, **change}):
        if kind == "sampled":
            del values["noise_std"]
            values |= {"samples_per_row": 1}
        rates.append(-math.log(output_factor(kind, step_size=0.05, **SIZES, **values)[0]))
    assert rates[1] / rates[0] == pytest.approx(seen, abs=1e-3)


def test_far_from_the_solution() -> None:
    """A square falls by 2 eta per step; at noise 0.4 eta the cycle has 0.3162, seen 0.3149."""
    before = 10.0
    after = LR_34["map"].number(singular_tangent=before, step_size=1e-6, noise_std=0.1)
    assert before**2 - float(after) ** 2 == pytest.approx(2e-6, rel=2e-4)
    cycle = LR_34["two_cycle"].number(step_size=1.0, noise_std=math.sqrt(0.4))
    assert math.sqrt(cycle) == pytest.approx(0.3162, abs=5e-5)
    assert math.sqrt(cycle) == pytest.approx(0.3149, rel=5e-3)


TABLE = {  # y (F* and the noise), the noise, x with the function unchanged, rows
    "kfac": (0, 0, 0, 0),
    "kfac_sampled": (0, 0, 0, 0),
    "kfac_empirical": (-2, -2, 0, 0),
    "kfac_clipped": (-1, -1, 0, 0.5),
    "kfac_grafted": (2, 0, 2, 0),
    "sgd": (2, 0, 2, 0),
    "adam": (0, -1, 1, 0.5),
    "shampoo": (0, -1, 1, 0.5),  # exponent 1/4: 2 - 8q, -4q, 2 - 4q, 2q
    "muon": (0, -1, 1, 0.5),
    "ngd_empirical": (-2, -2, 0, 0),
    "ngd": (0, 0, 0, 0),
}


@pytest.mark.parametrize("method", TABLE)
def test_scale_exponents(method: str) -> None:
    assert scale_exponents(method) == dict(
        zip(("y", "noise", "x", "n"), TABLE[method], strict=True)
    )


COV = np.array([[1.0, 0.2, 0.3], [0.2, 1.5, 0.4], [0.3, 0.4, 0.8]])


@pytest.mark.parametrize(
    ("kind", "scales", "printed"),
    [
        ("factor", {"damping": 2.0}, 2.0),
        ("kronecker", {"damping": 2.0}, 2.0),
        ("pi", {"damping": 2.0}, math.sqrt(2.0)),
        ("factor", {"y": 2.0}, 1.0),
        ("output", {"y": 2.0}, 0.25),
        ("kronecker", {"y": 2.0}, 0.25),
        ("pi", {"y": 2.0}, 0.5),
        ("factor", {"cov": 4.0}, 0.25),
        ("output", {"cov": 4.0}, 1.0),
        ("kronecker", {"cov": 4.0}, 0.25),
        ("pi", {"cov": 4.0}, 0.5),
    ],
)
def test_signatures_of_damping(kind: str, scales: dict[str, float], printed: float) -> None:
    """What is missing to the full rate of the slowest mode; 1.9998 and 1.4055 at small damping."""

    def deficit(damping: float = 1.0, y: float = 1.0, cov: float = 1.0) -> float:
        amount = 1e-8 * damping
        given = {"damping": 0.0, "output_damping": amount} if kind == "output" else {}
        rates = damped_rate(
            "factor" if kind == "output" else kind,
            step_size=1.0,
            head_eigenvalues=[y**2, 0.5 * y**2],
            cov_x=cov * COV,
            **{"damping": amount, **given},
        )
        return float(rates.max())

    assert deficit(**scales) / deficit() == pytest.approx(printed, rel=1e-3)
