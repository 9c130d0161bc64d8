"""Options that do nothing, accumulation, formats of paths, and what a checkpoint brings back."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import faulty_options as faulty
from tests.conformance.faulty_long import DecaysBeside


def told(factory, check):
    spec = OptimizerSpec("s", factory)
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    accused = [r for r in report.results if str(r.outcome) in ("limit", "deviates")]
    assert all(r.snippet for r in accused)
    return {str(r.outcome) for r in accused}, " ".join(r.message for r in accused)


@pytest.mark.parametrize(
    "right",
    [faulty.Falling, faulty.Clipped, faulty.SignsAlone, faulty.Gated, faulty.ToldToWait],
)
def test_options_that_act_or_cannot_are_not_accused(right):
    assert told(right, "api.options") == (set(), "")


@pytest.mark.parametrize(
    ("wrong", "name"), [(faulty.NeverFalls, "decay"), (faulty.NeverClips, "max_norm")]
)
def test_an_option_off_by_default_acts_when_it_is_on(wrong, name):
    found, message = told(wrong, "api.options")
    assert found == {"limit"}
    assert f"The effect of {name}=0.5" in message


@pytest.mark.parametrize("right", [faulty.Rounds, faulty.SaysHowMany, faulty.RefusesMore])
def test_rounds_that_act_or_are_bounded_in_words_are_not_accused(right):
    assert told(right, "api.options") == (set(), "")


def test_rounds_above_the_default_are_made():
    found, message = told(faulty.RoundsOfATable, "api.options")
    assert found == {"limit"}
    assert "rounds above 3 are taken and not made" in message


@pytest.mark.parametrize("right", [faulty.Accumulates, faulty.SquaresOfEach])
def test_two_calls_are_one_step_by_their_mean(right):
    assert told(right, "api.micro-batches") == (set(), "")


@pytest.mark.parametrize(
    ("wrong", "outcome", "words"),
    [
        (faulty.DecaysAtEachCall, "deviates", "weight_decay=0.5"),
        (faulty.CountsCalls, "limit", "equal gradients"),
    ],
)
def test_two_calls_are_not_two_steps(wrong, outcome, words):
    found, message = told(wrong, "api.micro-batches")
    assert found == {outcome}
    assert words in message


def test_paths_of_two_formats_are_named_by_their_formats():
    assert told(DecaysBeside, "api.paths") == (set(), "")
    found, message = told(faulty.DecaysPerFormat, "api.paths")
    assert found == {"deviates"}
    assert "parameters of float32 and float64" in message


def test_what_differs_right_after_loading_is_listed():
    assert "betas (0.9, 0.999) -> (0.999, 0.9)" in told(faulty.TurnsBetas, "api.resume")[1]
    message = told(faulty.HoldsElsewhere, "api.resume")[1]
    assert "its groups and its state are as saved" in message
