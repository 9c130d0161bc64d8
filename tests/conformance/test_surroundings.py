"""What lies around a step: memory, threads, parameters, errors, changed gradients, values."""

import gc

import pytest
import torch

from tests.conformance import faulty_surroundings as faulty
from tests.conformance.twin_answers import judged, require_apart

CHECKS = sorted({pair[0] for pair in faulty.PAIRS})


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), faulty.PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    require_apart(check, right, wrong, outcome, words)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD, torch.optim.Rprop])
def test_torch_itself_is_not_accused(kind, check):
    assert judged(kind, check)[0] == "conforms"


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("garbage collection", gc.disable),
        ("anomaly detection", lambda: torch.autograd.set_detect_anomaly(True)),
    ],
)
def test_more_settings_of_the_process_are_looked_at(name, act):
    class Changes(faulty.Momentum):
        def run(self, group):
            act()
            super().run(group)

    outcome, said, _ = judged(Changes, "api.side-effects")
    assert (outcome, name in said) == ("limit", True)
