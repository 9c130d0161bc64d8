"""How many replicates a floor's check plans."""

import pytest

from lpfl.verify.setups.linear.floor import (
    LEAST_REPLICATES,
    MOST_REPLICATES,
    QUANTILE,
    replicates_for,
)


def test_as_many_as_give_the_half_width():
    assert replicates_for(2.0, 0.1) == 2.0 * QUANTILE**2 * 100
    assert replicates_for(1e-9, 0.1) == LEAST_REPLICATES


@pytest.mark.parametrize("half_width", [0.0, 1e-12])
def test_a_prediction_on_its_rival_does_not_ask_for_ever_more(half_width):
    assert replicates_for(2.0, half_width) == MOST_REPLICATES
