"""Options behind a switch, rates against a reference, own random numbers: none is a deviation."""

from typing import Any

import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.peers.factories import around, flagged
from lpfl.conformance.peers.program_text import factory_text
from lpfl.conformance.snippets import contradicted, execute


class Gated(torch.optim.Optimizer):
    """SGD with a momentum that acts only without the switch ``plain``."""

    def __init__(self, params: Any, lr: float = 0.1, momentum: float = 0.9, plain: bool = True):
        super().__init__(params, {"lr": lr, "momentum": momentum, "plain": plain})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                v = state.setdefault("v", torch.zeros_like(p))
                v.mul_(0.0 if group["plain"] else group["momentum"]).add_(p.grad)
                p.sub_(v, alpha=group["lr"])


class Referred(torch.optim.Optimizer):
    """SGD whose decay is measured by the constructor's rate, as with a schedule for the decay."""

    def __init__(self, params: Any, lr: float = 0.1, weight_decay: float = 0.1):
        self.highest = lr
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.mul_(1 - group["weight_decay"] * group["lr"] / self.highest)
                    p.sub_(p.grad, alpha=group["lr"])


class Noisy(torch.optim.Optimizer):
    """SGD with noise from a generator of its own, drawn parameter after parameter."""

    def __init__(self, params: Any, lr: float = 0.1, noise: float = 1e-9, dampening: float = 0.0):
        super().__init__(params, {"lr": lr, "noise": noise, "dampening": dampening})
        self.draw = torch.Generator().manual_seed(3)

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    xi = torch.randn(p.shape, generator=self.draw, dtype=torch.float64).to(p)
                    p.sub_(p.grad + group["dampening"] * xi, alpha=group["lr"])


def outcomes(kind: type, check: str) -> set[Outcome]:
    report = check_optimizer(OptimizerSpec(kind.__name__, kind), on_fail=None, checks=[check])
    return {r.outcome for r in report.results}


def test_an_option_behind_a_switch_is_a_limit():
    report = check_optimizer(OptimizerSpec("Gated", Gated), on_fail=None, checks=["api.options"])
    (found,) = report.results
    assert found.outcome is Outcome.LIMIT
    assert "acts only with plain=False" in found.message


def test_a_rate_measured_against_the_constructor_s_is_a_limit():
    found = outcomes(Referred, "api.groups")
    assert Outcome.LIMIT in found
    assert Outcome.DEVIATES not in found


def test_numbers_drawn_one_parameter_after_another_are_no_deviation():
    assert Outcome.DEVIATES not in outcomes(Noisy, "api.groups")


def test_a_program_that_prints_another_number_contradicts():
    assert contradicted("the program printed 'distance 0.037', expected 0.19")
    assert contradicted("the program printed 'distance 1e-05', expected 0.19")
    assert not contradicted("the program printed 'TypeError: no lr', expected 0.19")
    assert not contradicted("the program printed '', expected 0.19")
    assert not contradicted("")


def test_a_factory_is_written_down_with_what_it_refers_to():
    base = around("SGD")(torch.optim.swa_utils.AveragedModel)
    text = factory_text(base)
    assert "AveragedModel as cls" in text
    assert "base='SGD'" in text
    assert ": Any" not in text
    flags = factory_text(flagged(matrices={"flat": False})(torch.optim.SGD))
    shown = "params = [torch.nn.Parameter(torch.zeros(s)) for s in ((2, 2), (3,))]\n"
    shown += "print([g.get('flat') for g in make(params, lr=0.1).param_groups])"
    assert execute(f"import torch\n{flags}\n{shown}", {}).strip() == "[False, None]"
