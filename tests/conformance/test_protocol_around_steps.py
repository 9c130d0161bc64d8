"""What surrounds a step: forms of parameters, hooks, graphs, evaluations, checkpoints."""

import pytest
import torch

from tests.conformance import faulty_protocol as faulty
from tests.conformance.twin_answers import judged, require_apart

MEMORY = "new memory (p.data = p.data.clone()) before the first step"
PAIRS = [
    ("api.loaded-weights", faulty.Momentum, faulty.KeepsOldMemory, "limit", MEMORY),
    ("api.generator", faulty.Counts, faulty.UsesUp, "deviates", "a generator inside its group"),
    ("api.named", faulty.Counts, faulty.NoNames, "limit", "'tuple' object has no attribute"),
    ("api.hooks", faulty.Momentum, faulty.StepOfItsOwn, "limit", "called 0 times"),
    ("api.hooks", faulty.Momentum, faulty.WrapsItself, "limit", "called 4 times"),
    ("api.graph", faulty.Carries, faulty.KeepsEveryGraph, "limit", "graphs of all steps so far"),
    ("api.graph", faulty.Unrolled, faulty.CutOff, "limit", "the graph is cut"),
    ("api.graph", faulty.Unrolled, faulty.HalfTheSlope, "deviates", "by differences"),
    ("api.closure", faulty.Climbs, faulty.StaysUp, "deviates", "every later evaluation"),
    ("api.closure", faulty.SaysSo, faulty.StaysUp, "deviates", "every later evaluation"),
    ("api.micro-batches", faulty.InBackward, faulty.AddsUp, "deviates", "zero_grad() of its own"),
    ("api.resume", faulty.Momentum, faulty.Merges, "deviates", "from before the first"),
    ("api.resume", faulty.WarmsUp, faulty.WarmsUpAgain, "deviates", "with warmup_steps=5"),
]


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


def test_a_step_that_is_said_not_to_be_differentiable_is_a_variant():
    assert judged(faulty.DeclinesInWords, "api.graph")[0] == "documented variant"


def test_what_takes_named_parameters_alone_is_not_asked():
    def named(named_parameters, lr=0.1):
        return torch.optim.SGD([p for _, p in named_parameters], lr=lr)

    assert judged(named, "api.named")[0] == "not claimed"


def test_two_steps_that_torch_wraps_both_are_a_convention_of_torch():
    outcome, said, _ = judged(faulty.CallsItsBase, "api.hooks")
    assert (outcome, "torch wraps" in said) == ("conforms up to a convention", True)


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.Adamax, torch.optim.LBFGS])
def test_hooks_of_torch_itself_are_called_once(kind):
    assert judged(kind, "api.hooks")[0] == "conforms"


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.Adamax, torch.optim.RMSprop])
def test_one_step_of_torch_itself_has_its_derivative(kind):
    assert judged(kind, "api.graph")[0] == "conforms"
