"""Groups, their entries, hooks of checkpoints and the tensor of a rate, as torch keeps them."""

import pytest
import torch

from tests.conformance import faulty_bookkeeping as faulty
from tests.conformance.twin_answers import judged, require_apart

PAIRS = [
    (faulty.TakesTwice, "times its way"),
    (faulty.KeepsItsOwnEntries, "loses 'name' and 'initial_lr'"),
    (faulty.LoadsByHand, "never called: load_state_dict_pre_hook"),
    (faulty.LoadsWhatFits, "the checkpoint of one parameter for two"),
    (faulty.ForgetsGradients, "zero_grad(set_to_none=False) sets gradients to None"),
    (faulty.ReplacesTheRate, "another object in the place of the tensor"),
]


@pytest.mark.parametrize(("wrong", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(wrong, words):
    require_apart("api.bookkeeping", faulty.Momentum, wrong, "limit", words)


@pytest.mark.parametrize("kind", [faulty.TakesOnce, faulty.FindsTheRate])
def test_another_way_to_keep_them_is_fine(kind):
    assert judged(kind, "api.bookkeeping")[0] == "conforms"


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.LBFGS, torch.optim.SGD])
def test_torch_itself_is_not_accused(kind):
    assert judged(kind, "api.bookkeeping")[0] == "conforms"
