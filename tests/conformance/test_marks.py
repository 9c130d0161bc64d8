"""A subject's process leaves the marks of a profiler out; what is counted does not depend on it."""

import pytest
import torch
from torch.autograd import profiler

from lpfl.conformance.drives.marks import marks
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.spec import resolve
from lpfl.conformance.subject import Subject


def marks_of_a_step() -> list[str]:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([p], lr=0.5)
    p.grad = torch.ones(3)
    with profiler.profile() as seen:
        optimizer.step()
    assert torch.equal(p.detach(), torch.full((3,), 0.5))
    return [event.name for event in seen.function_events if "Optimizer.step" in event.name]


def test_a_step_is_marked_or_not() -> None:
    assert marks_of_a_step()
    with marks(False):
        assert not marks_of_a_step()
        with marks(True):
            assert marks_of_a_step()
        assert not marks_of_a_step()
    assert marks_of_a_step()


def test_the_marks_come_back_after_an_error() -> None:
    outer = profiler.record_function
    with pytest.raises(KeyError), marks(False):
        raise KeyError
    assert profiler.record_function is outer


def test_calls_are_counted_with_marks() -> None:
    counted = calls_per_step(Subject(resolve("torch.optim:Adam")))
    with marks(False):
        assert calls_per_step(Subject(resolve("torch.optim:Adam"))) == counted
