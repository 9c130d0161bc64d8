"""Programs that show a finding say the same as the check, however the optimizer is made."""

import inspect

import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome


def judged(spec, check):
    (result, *_) = check_optimizer(spec, on_fail=None, quick=True, checks=[check]).results
    return result


class OwnRate(torch.optim.SGD):
    """Without a rate of the caller it finds one, and keeps it as a tensor of the group."""

    def __init__(self, params, lr=None):
        super().__init__(params, lr=0.1)
        self.param_groups[0]["lr"] = lr

    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] = torch.tensor(0.1) if group["lr"] is None else torch.as_tensor(group["lr"])
        return super().step(closure)


def test_a_rate_of_its_own_cannot_come_back_after_a_warm_up():
    assert judged(OptimizerSpec("own rate", OwnRate), "api.warm-up").outcome is Outcome.NOT_CLAIMED


class Outer(torch.optim.SGD):
    """An option of the group doubles the step, whatever the constructor's says."""

    def step(self, closure=None):
        for group in self.param_groups:
            group["dampening"] = 0.0
        return super().step(closure)


def made_outside(params, *, lr=0.1, momentum=0.0):
    """Return an optimizer whose other options the factory does not name."""
    return Outer(params, lr=lr, momentum=momentum)


def test_options_that_a_factory_does_not_name_are_set_on_the_groups_in_a_program():
    spec = OptimizerSpec("outside", made_outside, claims={"momentum"})
    result = judged(spec, "api.keys")
    assert result.outcome is Outcome.DEVIATES
    assert "dampening" in result.message
    assert "# prints:" in result.snippet


class ByMagnitude(torch.optim.Optimizer):
    """A complex gradient is divided by a number that depends on its phase."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    real = p.grad.real if torch.is_complex(p) else p.grad
                    p.sub_(p.grad / (1 + real.abs()), alpha=group["lr"])


def test_a_program_on_complex_numbers_measures_by_the_same_way_as_the_check():
    result = judged(OptimizerSpec("by magnitude", ByMagnitude), "api.complex")
    assert inspect.getsource(ByMagnitude).count("is_complex") == 1
    assert result.outcome is Outcome.LIMIT
    assert "# prints: distance" in result.snippet
