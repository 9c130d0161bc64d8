"""Optimizers on the constructors of torch's own classes, which write more than is offered."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter

CHECKS = ["def.trajectory", "api.maximize"]


class Nag(PerParameter, torch.optim.SGD):
    """Nesterov's momentum, always, on the constructor of torch's SGD."""

    def __init__(self, params, lr=0.01, momentum=0.9):
        torch.optim.SGD.__init__(self, params, lr=lr, momentum=momentum)

    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p -= group["lr"] * (g + group["momentum"] * speed)


class NagByEntry(Nag):
    """Nesterov's momentum where the group's entry says so, which its base class writes."""

    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p -= group["lr"] * (g + group["momentum"] * speed if group["nesterov"] else speed)


class NagOfGradients(Nag):
    """Nesterov's momentum whose look-ahead has the wrong length."""

    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p -= group["lr"] * (g + speed)


class CenteredRms(PerParameter, torch.optim.RMSprop):
    """Centered RMSprop, always, on the constructor of torch's RMSprop."""

    def __init__(self, params, lr=0.01, alpha=0.99, eps=1e-8):
        torch.optim.RMSprop.__init__(self, params, lr=lr, alpha=alpha, eps=eps)

    def update(self, p, g, state, group):
        weight = 1 - group["alpha"]
        square = state.setdefault("square", torch.zeros_like(p)).lerp_(g * g, weight)
        mean = state.setdefault("mean", torch.zeros_like(p)).lerp_(g, weight)
        p -= group["lr"] * g / ((square - mean * mean).clamp(min=0).sqrt() + group["eps"])


def outcomes(kind, claim):
    spec = OptimizerSpec("s", kind, claims=frozenset({claim}))
    report = check_optimizer(spec, on_fail=None, checks=CHECKS)
    return [str(report.outcome(check)) for check in CHECKS]


@pytest.mark.parametrize(
    ("kind", "claim", "definition"),
    [
        (Nag, "nesterov", "conforms"),
        (NagByEntry, "nesterov", "conforms"),
        (CenteredRms, "rmsprop", "documented variant"),
    ],
)
def test_an_entry_of_the_base_class_is_no_option(kind, claim, definition):
    assert outcomes(kind, claim) == [definition, "not claimed"]


def test_the_definition_is_still_judged():
    assert outcomes(NagOfGradients, "nesterov")[0] == "deviates"


def test_an_option_of_its_own_that_does_nothing_is_still_one():
    class Minimizes(PerParameter, lr=0.1, maximize=False):
        def __init__(self, params, lr=0.1, maximize=False):
            super().__init__(params, lr=lr, maximize=maximize)

        def update(self, p, g, state, group):
            p -= group["lr"] * g

    assert outcomes(Minimizes, "sgd")[1] == "deviates"
