"""An optimizer may say in the docstring of its module that it is for linear layers alone."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance import toy_kfac


@pytest.mark.parametrize(
    ("said", "graded"),
    [
        ("A small KFAC for networks of linear layers.", Outcome.VARIANT),
        ("A small KFAC for linear layers and convolutions.", Outcome.LIMIT),
        ("A small KFAC.", Outcome.LIMIT),
    ],
)
def test_the_module_counts_as_documentation(
    said: str, graded: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy_kfac, "__doc__", said)
    spec = OptimizerSpec("kfac", toy_kfac.Kfac, claims={"kfac"}, needs={"model"})
    report = check_optimizer(spec, on_fail=None, checks=["layer.kinds"], quick=True)
    found = [r.outcome for r in report.results if "convolution of one dimension" in r.message]
    assert found == [graded]
