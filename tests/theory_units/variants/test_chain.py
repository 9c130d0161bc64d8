"""LR-43: the spectrum of a chain as a public function."""

import numpy as np
import pytest

from theory.linear_representation import chain_spectrum, kfac_spectrum

SIZES = {"rank": 2, "input_dim": 5, "output_dim": 3}
STEPS = {"step_size": 0.1, "head_step_size": 0.3}


@pytest.mark.parametrize("in_turn", [False, True])
def test_two_layers_are_joint_kfac(in_turn):
    found = chain_spectrum(**STEPS, middle_step_size=0.7, num_layers=2, in_turn=in_turn, **SIZES)
    assert found == pytest.approx(kfac_spectrum(**STEPS, in_turn=in_turn, **SIZES))


def test_every_weight_has_a_multiplier():
    found = chain_spectrum(**STEPS, middle_step_size=0.2, num_layers=5, **SIZES)
    assert found.size == 2 * (5 + 3) + 3 * 2**2
    assert np.sum(np.isclose(found, 1 - 0.1 - 3 * 0.2 - 0.3)) == 2**2


def test_a_common_step_is_stable_below_two_over_the_depth():
    def radius(step):
        found = chain_spectrum(
            step_size=step, middle_step_size=step, head_step_size=step, num_layers=4, **SIZES
        )
        return np.abs(found).max()

    assert radius(0.499) == 1.0  # the gauge
    assert radius(0.501) > 1.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_layers": 1}, "num_layers=1, needs an integer >= 2"),
        ({"middle_step_size": -0.1}, "middle_step_size=-0.1, needs a number in"),
        ({"rank": 6}, "input_dim=5, needs an integer >= 6"),
    ],
)
def test_bad_arguments_are_refused(wrong, message):
    given = {**STEPS, "middle_step_size": 0.2, "num_layers": 3, **SIZES, **wrong}
    with pytest.raises(ValueError, match=message):
        chain_spectrum(**given)
