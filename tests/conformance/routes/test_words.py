"""What an answer says where a check has no number, or does not concern the optimizer."""

import pytest
import torch

from lpfl import check_optimizer
from lpfl.cli import main
from lpfl.conformance.outcomes import Outcome


class Deaf(torch.optim.SGD):
    """Takes a closure and never calls it."""

    def step(self, closure=None):
        return super().step()


class Bare(torch.optim.Optimizer):
    """Plain gradient descent with a step size and no other option."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=group["lr"])
        return loss


def test_a_finding_without_a_number_says_that_torch_does_not_show_it():
    report = check_optimizer(Deaf, on_fail=None, checks=["api.closure"], quick=True)
    (result,) = report.results
    assert result.outcome is Outcome.LIMIT
    assert result.control is None
    assert result.details["silent"].startswith("torch's own ")
    assert "not so with torch's own" in report.text()
    assert "the same number" not in report.text()


@pytest.mark.parametrize("check", ["api.maximize", "api.decay", "api.mode"])
def test_what_an_optimizer_does_not_offer_is_not_claimed(check):
    report = check_optimizer(Bare, on_fail=None, checks=[check], quick=True)
    assert [result.outcome for result in report.results] == [Outcome.NOT_CLAIMED]


def test_the_command_takes_checks_with_commas(capsys):
    wanted = ["check-optimizer", "torch.optim:SGD", "--option", "lr=0.1", "--checks"]
    assert main([*wanted, "api.keys, api.max*"]) == 0
    shown = capsys.readouterr().out
    assert "api.keys" in shown
    assert "api.maximize" in shown
    assert main([*wanted, "api.keys,nothing"]) == 2
    assert "checks='nothing' selects nothing" in capsys.readouterr().err


def test_no_output_replaces_the_optimizer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "my_optimizer.py"
    own.write_text("from torch.optim import SGD\n", encoding="utf-8")
    assert main(["check-optimizer", "my_optimizer:SGD", "--json", "my_optimizer.py"]) == 2
    assert "json=my_optimizer.py is an input of this command" in capsys.readouterr().err
    assert own.read_text(encoding="utf-8") == "from torch.optim import SGD\n"
