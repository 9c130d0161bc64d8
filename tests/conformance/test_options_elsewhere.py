"""Options that are off by default, in drives that are right without them."""

import pytest
import torch

from lpfl import check_optimizer
from lpfl.conformance.checks.optional.off import off_by_default
from lpfl.conformance.checks.optional.past_end import HORIZON, LENGTH
from lpfl.conformance.spec import OptimizerSpec
from lpfl.conformance.subject import Subject
from tests.conformance import faulty_ends, faulty_optional
from tests.conformance.twin_answers import require_apart


@pytest.mark.parametrize(
    ("check", "right", "wrong", "outcome", "words"), [*faulty_optional.PAIRS, *faulty_ends.PAIRS]
)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (torch.optim.AdamW, [{"amsgrad": True}]),
        (torch.optim.SGD, [{"momentum": 0.5, "nesterov": True}]),
        (faulty_optional.Averages, [{"ema_decay": 0.9}]),
        (faulty_ends.Accumulates, [{"accumulation_steps": 5}, {"max_grad_norm": 0.5}]),
        (torch.optim.LBFGS, []),
    ],
)
def test_options_off_by_default_are_switched_on(kind, options):
    found = off_by_default(Subject(OptimizerSpec("s", kind)))
    assert all(option in found for option in options), found
    assert bool(found) == bool(options)


@pytest.mark.parametrize("name", ["t_total", "total_steps", "T_max", "max_iters", "decay_steps"])
def test_lengths_of_schedules_are_known_by_name(name):
    assert HORIZON.search(name)
    assert name == "T_max" or LENGTH.search(name)


@pytest.mark.parametrize("name", ["steps", "ns_steps", "warmup_steps", "update_steps", "max_norm"])
def test_other_numbers_are_no_lengths(name):
    assert not (HORIZON.search(name) and LENGTH.search(name))


def test_a_restart_that_nothing_tells_of_is_not_judged():
    outer, faulty_ends.Restarts.__doc__ = faulty_ends.Restarts.__doc__, "Adam."
    try:
        spec = OptimizerSpec("s", faulty_ends.RestartsMoments)
        assert not check_optimizer(spec, on_fail=None, checks=["api.restarts"]).results
    finally:
        faulty_ends.Restarts.__doc__ = outer
