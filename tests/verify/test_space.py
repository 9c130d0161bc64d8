"""Scenario spaces: valid, far-reaching, simple where they shrink to, the same for both readers."""

import json

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from lpfl.linalg.covariance import FAMILIES, CovarianceSpec
from lpfl.verify.registry import CHECKS
from lpfl.verify.scenario import Scenario, scenario_from_json
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals, ScenarioSpace
from theory.claims import CLAIMS

SPACE = ScenarioSpace(
    axes=(
        *setup.SIZES,
        setup.BATCH_SIZE,
        setup.COVARIANCE,
        setup.HEAD_COND,
        setup.STEP_SIZE,
        setup.INPUT_LAW,
    )
)


@pytest.mark.parametrize("claim_id", list(CHECKS))
def test_drawn_scenarios_are_valid(claim_id):
    """Every drawn scenario lies in the space and in the claim's domain."""
    check = CHECKS[claim_id]

    @settings(max_examples=50)
    @given(check.space.strategy())
    def valid(scenario):
        check.space.require(scenario)
        check.require_domain(CLAIMS[claim_id], scenario)

    valid()


@pytest.mark.parametrize("claim_id", list(CHECKS))
def test_sobol_scenarios_and_anchors_are_valid(claim_id):
    check = CHECKS[claim_id]
    for scenario in (*check.space.sobol(64, 3), *check.space.fixed):
        check.space.require(scenario)
        check.require_domain(CLAIMS[claim_id], scenario)


def test_simplest_case():
    """Shrinking ends at the smallest sizes, the identity and the full step."""
    simplest = find(SPACE.strategy(), lambda scenario: True)
    assert simplest.input_dim == 3
    assert simplest.rank == 1
    assert simplest.covariance == CovarianceSpec(3)
    assert simplest.step_size == 1.0
    assert simplest.input_law == "gaussian"


@pytest.mark.parametrize(
    "reached",
    [
        lambda s: s.input_dim >= 20,
        lambda s: s.rank == s.input_dim - 1,
        lambda s: s.covariance.family == FAMILIES[-1],
        lambda s: s.covariance.log10_cond > 3.5,
        lambda s: s.covariance.rotation == "haar",
        lambda s: s.step_size < 0.1,
        lambda s: s.input_law == "rademacher",
    ],
)
def test_reach(reached):
    """Both readers come near every end of the space."""
    find(SPACE.strategy(), reached, settings=settings(max_examples=2000, phases=[Phase.generate]))
    assert any(reached(scenario) for scenario in SPACE.sobol(128, 0))


def test_sobol_is_reproducible_and_depends_on_the_seed():
    assert SPACE.sobol(8, 1) == SPACE.sobol(8, 1)
    assert SPACE.sobol(8, 1) != SPACE.sobol(8, 2)
    assert SPACE.sobol(0, 1) == []


@given(SPACE.strategy())
def test_canonical_json_round_trip(scenario):
    again = scenario_from_json(scenario.canonical())
    assert again == scenario
    assert again.canonical() == scenario.canonical()


def test_scenarios_are_frozen():
    scenario = SPACE.sobol(1, 0)[0]
    with pytest.raises(AttributeError, match="frozen"):
        scenario.rank = 3
    with pytest.raises(AttributeError, match="no field"):
        _ = scenario.nothing


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rank": 50}, "rank=50, needs an integer in"),
        ({"rank": True}, "rank=True"),
        ({"step_size": -1.0}, r"step_size=-1.0, needs a number in \[0.01, 1.0\]"),
        ({"step_size": float("nan")}, "step_size=nan"),
        ({"input_law": "cauchy"}, "input_law='cauchy', needs one of"),
        ({"covariance": CovarianceSpec(7)}, "covariance dim=7, needs 3"),
        ({"covariance": CovarianceSpec(3, "spiked", 6.0)}, "log10_cond=6.0, needs <= 4.0"),
        ({"extra": 1}, r"unknown \['extra'\]"),
    ],
)
def test_a_scenario_outside_is_named(change, words):
    simplest = find(SPACE.strategy(), lambda scenario: True)
    with pytest.raises(ValueError, match=words):
        SPACE.require(Scenario({**simplest, **change}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "needs a JSON object"),
        (json.dumps({"covariance": 3}), "covariance=3"),
        (json.dumps({"covariance": {"dim": 0}}), "dim=0, needs an integer >= 1"),
        (json.dumps({"covariance": {"dim": 3, "shape": 1}}), "unknown fields"),
        (json.dumps({"covariance": {"family": "identity"}}), "lacks the field 'dim'"),
    ],
)
def test_foreign_json_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        scenario_from_json(text)


def test_spaces_refuse_repeated_axes_and_foreign_anchors():
    axis = Reals("step_size", 0.0, 1.0)
    with pytest.raises(ValueError, match="repeat a name"):
        ScenarioSpace(axes=(axis, axis))
    with pytest.raises(ValueError, match="anchor fields"):
        ScenarioSpace(axes=(axis,), anchors=(Scenario({"rank": 1}),))


def test_an_empty_axis_is_an_error():
    space = ScenarioSpace(axes=(Integers("rank", 5, 4),))
    with pytest.raises(ValueError, match="axis rank is empty"):
        space.sobol(1, 0)


@given(st.data())
def test_axes_agree_with_their_own_bounds(data):
    """Whatever an axis draws, by either reader, it accepts."""
    axes = (
        Integers("input_dim", 3, 40, log=True),
        Reals("noise_std", 1e-3, 10.0, log=True),
        Reals("step_size", 0.0, 2.0, easy="high"),
        Choice("input_law", ("a", "b", "c")),
        Covariances(max_log10_cond=6.0),
    )
    values = {}
    for axis in axes:
        unit = [data.draw(st.floats(0, 1, exclude_max=True)) for _ in range(axis.width)]
        axis.require(axis.from_unit(unit, {"input_dim": 5, **values}), {"input_dim": 5, **values})
        values[axis.name] = data.draw(axis.strategy(values))
        axis.require(values[axis.name], values)
