"""A limit over sizes: the weights, and what a wrong limit does to the decay."""

import numpy as np
import pytest

from lpfl.decide import Outcome
from lpfl.verify.expect import Near, Shown
from lpfl.verify.setups import sizes
from lpfl.verify.setups.sizes import Law, decided, limit_weights, seen, sizes_of, slope_weights
from lpfl.verify.tolerance import judgement

DIMS = [24, 48, 96, 192]
LIMIT, ALPHA = 0.4, 1e-6


def found(wrong_by: float = 0.0, power: float = -0.5) -> list[sizes.Seen]:
    """Runs whose mean is off by 1/d and whose spread is 0.5 d^power, read against a limit."""
    rng = np.random.default_rng(5)
    return [
        seen(
            d,
            Near(
                part="limit",
                samples=LIMIT + 1.0 / d + 0.5 * d**power * rng.normal(size=2048),
                predicted=LIMIT * (1.0 + wrong_by),
                tolerance=judgement(1.0, "not decided"),
            ),
        )
        for d in DIMS
    ]


def outcomes(runs: list[sizes.Seen], law: Law) -> list[Outcome]:
    """What is decided about the exponent, then about the limit."""
    items = [
        item.comparison if isinstance(item, Shown) else item for item in decided(law, runs, "d")
    ]
    return [item.decide(ALPHA).outcome for item in items]


def test_sizes_are_halves():
    assert sizes_of(192) == [24, 48, 96, 192]
    assert sizes_of(100) == [25, 50, 100]
    with pytest.raises(ValueError, match="needs at least three"):
        sizes_of(80)


def test_weights_are_exact_for_what_they_fit():
    x = np.array(DIMS, dtype=float)
    assert limit_weights(x, -1.0) @ (0.3 + 7.0 / x) == pytest.approx(0.3)
    assert limit_weights(x, -2 / 3) @ (0.3 + 7.0 * x ** (-2 / 3)) == pytest.approx(0.3)
    assert slope_weights(np.log(x)) @ (2.0 - 0.5 * np.log(x)) == pytest.approx(-0.5)


def test_a_true_limit_is_confirmed_and_drawn():
    assert outcomes(found(), Law("limit", next_order=2.0)) == [Outcome.CONFIRMED] * 2
    first = next(decided(Law("limit"), found(), "input_dim"))
    assert isinstance(first, Shown)
    assert first.picture is not None
    assert first.picture["x_label"] == "input dimension d"
    assert first.picture["series"][0]["x"] == DIMS


def test_a_wrong_limit_neither_decays_nor_is_pointed_to():
    exponent, limit = outcomes(found(wrong_by=0.25), Law("limit", next_order=2.0))
    assert exponent is not Outcome.CONFIRMED
    assert limit is Outcome.REFUTED


def test_no_decay_and_another_power_are_noticed():
    assert outcomes(found(power=0.0), Law("limit"))[0] is not Outcome.CONFIRMED
    assert outcomes(found(power=-1.0), Law("limit", next_order=2.0))[0] is Outcome.REFUTED


def test_large_anchors_run_from_ci_on():
    from lpfl.verify.registry import CHECKS
    from lpfl.verify.running.runner import Plan, scenarios_of

    check = CHECKS["SI-02"]
    assert check.space.large
    quick, ci = (scenarios_of(check, Plan(("SI-02",), profile=name)) for name in ("quick", "ci"))
    assert not set(check.space.large) & set(quick)
    assert set(check.space.large) <= set(ci)
