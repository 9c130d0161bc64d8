"""What the docstring of an optimizer's module says of the layers that it is for."""

import sys

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance import toy_kfac


class Holding(toy_kfac.Kfac):
    """Holds what other layers have too, and does not train it."""

    def __init__(self, model, lr=0.1, damping=1e-4):
        super().__init__(model, lr, damping)
        others = [m for m in model.modules() if not isinstance(m, torch.nn.Linear)]
        if rest := [p for m in others for p in m.parameters(recurse=False)]:
            self.add_param_group({"params": rest})

    def step(self):
        held = self.param_groups
        self.param_groups = held[: len(self.layers)]
        super().step()
        self.param_groups = held


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
    for module in (toy_kfac, sys.modules[__name__]):
        monkeypatch.setattr(module, "__doc__", said)
    spec = OptimizerSpec("kfac", Holding, claims={"kfac"}, needs={"model"})
    report = check_optimizer(spec, on_fail=None, checks=["layer.kinds"], quick=True)
    found = [r.outcome for r in report.results if "convolution of one dimension" in r.message]
    assert found == [graded]
