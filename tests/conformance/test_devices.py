"""Tensors of two devices, found without an accelerator."""

import pytest
import torch

from lpfl.conformance.drives.accelerator import DEVICE, TwoDevicesError, accelerator
from tests.conformance import faulty_devices as faulty
from tests.conformance.twin_answers import judged, require_apart

PAIRS = [
    (faulty.Momentum, faulty.MadeOnTheHost, "aten::add_ is given"),
    (faulty.Takes, faulty.TakesFromTheHost, "with centred=True, aten::sub is given"),
    (faulty.Totals, faulty.TotalsOfTheGroup, "resumed from a checkpoint"),
]


@pytest.mark.parametrize(("right", "wrong", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(right, wrong, words):
    require_apart("api.device", right, wrong, "limit", words)


def test_the_line_that_mixes_is_told():
    assert "faulty_devices.py, line " in judged(faulty.MadeOnTheHost, "api.device")[1]


@pytest.mark.parametrize("kind", [faulty.Coefficients, faulty.Offloads])
def test_tables_and_memory_of_the_host_are_fine(kind):
    assert judged(kind, "api.device")[0] == "conforms"


def test_constants_on_the_default_device_are_a_convention():
    outcome, said, _ = judged(faulty.Damped, "api.device")
    assert (outcome, "default device" in said) == ("conforms up to a convention", True)


def test_an_own_way_to_load_that_leaves_tensors_where_they_lie_is_a_convention():
    outcome, said, _ = judged(faulty.LoadsAsSaved, "api.device")
    assert (outcome, "where they lie" in said) == ("conforms up to a convention", True)


def test_what_is_said_to_be_for_the_cpu_is_a_variant():
    assert judged(faulty.SaysWhere, "api.device")[0] == "documented variant"


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.ASGD, torch.optim.LBFGS])
def test_torch_itself_is_not_accused(kind):
    assert judged(kind, "api.device")[0] == "conforms"


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.tensor([1.0], device=DEVICE),
        lambda: torch.as_tensor([1.0], device=DEVICE),
        lambda: torch.zeros(3, device=DEVICE).new_tensor([1.0]),
        lambda: torch.ones(1).to(DEVICE),
        lambda: torch.full((1,), 1.0, device=DEVICE),
    ],
)
def test_numbers_come_back_from_there(make):
    with accelerator():
        made = make()
        assert (made.device.type, made.item()) == (DEVICE, 1.0)
        assert made.cpu().device.type == "cpu"


def test_a_number_of_the_host_may_be_mixed_in_and_a_vector_may_not():
    with accelerator():
        there = torch.ones(2, device=DEVICE)
        assert there.add_(torch.tensor(2.0)) is there
        assert there.tolist() == [3.0, 3.0]
        with pytest.raises(TwoDevicesError, match="aten::add is given"):
            there + torch.ones(2)


def test_steps_in_place_and_views_reach_the_numbers():
    with accelerator():
        there = torch.zeros(2, 2, device=DEVICE)
        there.view(-1)[1:].mul_(0.0).add_(5.0)
        there[0, 0] = 1.0
    assert there.held.tolist() == [[1.0, 5.0], [5.0, 5.0]]


def test_gradients_lie_there_as_well():
    with accelerator():
        p = torch.nn.Parameter(torch.ones(2, device=DEVICE))
        (p * p).sum().backward()
        assert (p.grad.device.type, p.grad.tolist()) == (DEVICE, [2.0, 2.0])
