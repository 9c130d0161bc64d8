"""Where a claim was looked at."""

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.results.schema import region_rule
from lpfl.verify.region import STRENGTH, region_of
from lpfl.verify.registry import CHECKS
from lpfl.verify.scenario import Scenario
from theory.core.part import Kind


def scenario(dim: int, log10_cond: float, law: str) -> Scenario:
    covariance = CovarianceSpec(dim, "geometric", log10_cond, "haar", 3)
    return Scenario({"input_dim": dim, "covariance": covariance, "input_law": law, "cov_seed": 5})


def test_ranges_words_and_condition_numbers():
    seen = region_of([scenario(3, 0.0, "signs"), scenario(40, 2.0, "gaussian")])
    assert seen["input_dim"] == [3.0, 40.0]
    assert seen["input_law"] == ["gaussian", "signs"]
    assert seen["condition_number"][0] == 1.0
    assert abs(seen["condition_number"][1] - 100.0) < 1e-6
    assert "cov_seed" not in seen
    assert "noise_std" not in seen


def test_the_region_of_every_check_fits_the_record():
    for check in CHECKS.values():
        region = region_of([*check.space.fixed, *check.space.sobol(3, 0)])
        assert region
        assert region_rule(region) is None
    assert region_rule({"input_dim": [4.0, 3.0]}) is not None
    assert region_rule({"input_dim": [1.0, 2.0, 3.0]}) is not None


def test_every_kind_has_a_strength():
    assert set(STRENGTH) == {kind.value for kind in Kind}
