"""SI-25: the regression on one coordinate and the rest, for each law; drawn labels; refusals."""

import numpy as np
import pytest

from theory.core.gauss.hermite import link_statistics
from theory.single_index.variants.input_law import LAWS, _nodes, regression


@pytest.mark.parametrize("law", LAWS)
def test_laws_have_mean_zero_and_variance_one(law: str) -> None:
    z, p = _nodes(law)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert p @ z == pytest.approx(0, abs=1e-12)
    assert p @ z**2 == pytest.approx(1, abs=1e-12)


def test_a_rademacher_coordinate() -> None:
    """On z = -1, 1: z + (z^2 - 1)/2 = z; tanh(z) = tanh(1) z; nothing is left."""
    fit = regression("he12", "rademacher", share=1.0, noise_std=0.3)
    assert (fit.coordinate, fit.residual_var) == pytest.approx((1.0, 0.09))
    fit = regression("tanh", "rademacher", share=1.0, noise_std=0.0)
    assert (fit.coordinate, fit.residual_var) == pytest.approx((np.tanh(1.0), 0.0))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("link", ["tanh", "he12"])
def test_a_small_share_is_gaussian(law: str, link: str) -> None:
    fit = regression(link, law, share=1e-8, noise_std=0.2)
    gaussian = link_statistics(link, noise_std=0.2)
    assert fit.rest == pytest.approx(gaussian.c1, abs=1e-6)
    assert fit.residual_var == pytest.approx(gaussian.residual_var, abs=1e-6)


@pytest.mark.parametrize("law", LAWS)
def test_linear_labels_have_no_other_vector(law: str) -> None:
    fit = regression("identity", law, share=0.4, noise_std=0.5)
    assert fit.cosine2 == pytest.approx(1)
    assert fit.slope == pytest.approx(1)
    assert fit.residual_var == pytest.approx(0.25)


def test_drawn_labels() -> None:
    """He_1 + He_2/2 of skewed inputs: the least-squares vector is not the teacher."""
    rng, share, N = np.random.default_rng(1), 0.5, 1_000_000
    z, x = rng.exponential(size=N) - 1, rng.normal(size=N)
    index = share**0.5 * z + (1 - share) ** 0.5 * x
    y = index + (index**2 - 1) / 2
    fit = regression("he12", "exponential", share=share, noise_std=0.0)
    assert fit.coordinate == pytest.approx(np.mean(y * z), abs=0.02)
    assert fit.rest == pytest.approx(np.mean(y * x), abs=0.02)
    assert fit.cosine2 == pytest.approx(0.936, abs=1e-3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"law": "cauchy"}, "law='cauchy'"),
        ({"link": "cosh"}, "link='cosh'"),
        ({"share": 0.0}, "share=0.0"),
        ({"noise_std": -1.0}, "noise_std=-1.0"),
    ],
)
def test_refusals_name_the_value(changed: dict[str, object], message: str) -> None:
    values = {"link": "tanh", "law": "uniform", "share": 0.5, "noise_std": 0.1, **changed}
    with pytest.raises(ValueError, match=message):
        regression(values.pop("link"), values.pop("law"), **values)
