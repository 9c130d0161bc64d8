"""Inputs that are not Gaussian: moments of the components, rows of drawn scales."""

import pytest
import torch

from lpfl.problems.linear_representation import input_laws as laws
from lpfl.seeding import generator

ROWS = 400_000


@pytest.mark.parametrize("law", list(laws.EXCESS_KURTOSIS))
def test_components_have_unit_variance_and_the_stated_kurtosis(law):
    z = laws.component_rows(law, ROWS, 1, generator=generator(0, law)).double()
    assert float(z.mean()) == pytest.approx(0.0, abs=0.01)
    assert float(z.square().mean()) == pytest.approx(1.0, abs=0.02)
    assert float((z**3).mean()) == pytest.approx(0.0, abs=0.1)
    assert float((z**4).mean()) - 3.0 == pytest.approx(laws.EXCESS_KURTOSIS[law], abs=0.3)


def test_rows_share_their_scale():
    z = laws.scaled_rows((0.5, 1.5), ROWS, 2, generator=generator(0, "scales"))
    assert float(z.square().mean()) == pytest.approx(1.0, abs=0.02)
    together = float((z[:, 0].square() * z[:, 1].square()).mean())
    assert together == pytest.approx((0.5**2 + 1.5**2) / 2, abs=0.05)
    assert torch.isfinite(z).all()


@pytest.mark.parametrize("scales", [(0.5, 1.0), (-1.0, 3.0), ()])
def test_bad_scales_are_refused(scales):
    with pytest.raises(ValueError, match="needs positive numbers with mean 1"):
        laws.scaled_rows(scales, 10, 2, generator=generator(0, "scales"))


def test_another_law_is_refused():
    with pytest.raises(ValueError, match="law='cauchy', needs one of"):
        laws.component_rows("cauchy", 10, 2, generator=generator(0, "law"))
