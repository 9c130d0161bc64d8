"""inv.convolution and inv.transpose: one map, two layers, one training."""

import pytest
import torch

from lpfl.conformance.outcomes import Outcome
from tests.conformance.invariance.test_fingerprint import claimed, outcome, toy


class RowMean(torch.optim.Optimizer):
    """Steps in units of each row's size: columns are treated otherwise than rows."""

    def __init__(self, params, lr=0.05):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(p.grad / p.grad.abs().mean(-1, keepdim=True), alpha=group["lr"])


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad"])
def test_entrywise_methods_do_not_care_about_shapes(name):
    claims = (name.lower(), "transpose-equivariant")
    assert outcome(claimed(name, *claims), "inv.convolution") is Outcome.CONFORMS
    assert outcome(claimed(name, *claims), "inv.transpose") is Outcome.CONFORMS


def test_steps_that_depend_on_the_last_axis_are_told():
    assert outcome(toy(RowMean, "sgd"), "inv.convolution") is Outcome.DEVIATES
    assert outcome(toy(RowMean, "transpose-equivariant"), "inv.transpose") is Outcome.DEVIATES


def test_without_a_claim_nothing_is_held_against_it():
    assert outcome(toy(RowMean), "inv.convolution") is Outcome.NOT_CLAIMED
    assert outcome(toy(RowMean), "inv.transpose") is Outcome.NOT_CLAIMED
