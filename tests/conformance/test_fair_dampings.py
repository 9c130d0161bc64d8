"""Damping in other units: of a sum over the rows, or relative to the factor that it is added to."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import fair_layers as toys


def judged(kind, check):
    """Return the answer of a check about an optimizer that claims FOOF."""
    spec = OptimizerSpec("s", kind, claims={"foof"}, needs={"model"})
    report = check_optimizer(spec, on_fail=None, checks=[check])
    (found,) = [r for r in report.results if r.check == check]
    return found


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (toys.Summed, "input factor times: n"),
        (toys.OfMean, "times its mean eigenvalue"),
        (toys.OfLargest, "times its largest eigenvalue"),
    ],
)
def test_another_unit_of_damping_is_a_convention(kind, words):
    found = judged(kind, "def.trajectory")
    assert (str(found.outcome), words in found.message) == ("conforms up to a convention", True)


def test_a_unit_that_is_no_size_of_the_factor_is_another_formula():
    found = judged(toys.OfFirst, "def.trajectory")
    assert (str(found.outcome), "damped" in found.message) == ("deviates", True), found.message


@pytest.mark.parametrize("kind", [toys.Summed, toys.OfMean, toys.OfLargest])
def test_the_first_step_is_aligned_as_with_the_damping_that_acts(kind):
    assert str(judged(kind, "theory.alignment").outcome).startswith("conforms")


def test_a_first_step_that_is_damped_otherwise_is_not_aligned_as_claimed():
    found = judged(toys.OverDamped, "theory.alignment")
    assert (str(found.outcome), bool(found.snippet)) == ("deviates", True), found


@pytest.mark.parametrize("kind", [toys.Foof, toys.OfMean, toys.OfLargest])
def test_relative_damping_does_not_make_a_layer_called_twice_move_less(kind):
    assert str(judged(kind, "layer.shared").outcome) == "conforms"


def test_a_layer_called_twice_and_moved_twice_is_told():
    found = judged(toys.TwiceMoved, "layer.shared")
    assert (str(found.outcome), "2 times" in found.message) == ("limit", True), found.message
