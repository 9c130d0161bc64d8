"""What an answer says where a check has no number, or does not concern the optimizer."""

import json
import shlex
import subprocess
import sys

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
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


@pytest.mark.parametrize("place", [1, 2, 4, 6])
def test_json_without_a_path_is_printed_wherever_it_stands(place, capsys):
    words = ["check-optimizer", "torch.optim:SGD", "--option", "lr=0.1", "--checks", "api.keys"]
    assert main([*words[:place], "--json", *words[place:]]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["check"] == "api.keys"


def test_an_optimizer_must_be_named(capsys):
    assert main(["check-optimizer", "--json"]) == 2
    assert "needs one module:NAME or more" in capsys.readouterr().err


def test_no_output_replaces_the_optimizer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "my_optimizer.py"
    own.write_text("from torch.optim import SGD\n", encoding="utf-8")
    assert main(["check-optimizer", "my_optimizer:SGD", "--json", "my_optimizer.py"]) == 2
    assert "json=my_optimizer.py is an input of this command" in capsys.readouterr().err
    assert own.read_text(encoding="utf-8") == "from torch.optim import SGD\n"


def test_an_option_that_nobody_takes_is_bad_input(capsys):
    assert main(["check-optimizer", "torch.optim:SGD", "--option", "momentun=0.9"]) == 2
    assert "option='momentun', needs one of lr, momentum" in (said := capsys.readouterr().err)
    assert "did you mean momentum" in said


class Raises(torch.optim.SGD):
    """Every step raises."""

    def step(self, closure=None):
        raise RuntimeError("no step today")


def test_an_optimizer_that_cannot_be_run_does_not_pass(capsys):
    """Nearly all checks can only say so; the last line does, and the exit code."""
    address = f"{__name__}:Raises"
    assert main(["check-optimizer", address, "--checks", "api,def.descent", "--quick"]) == 2
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert "is not judged, for it cannot be run" in last
    assert "RuntimeError: no step today" in last


def test_standard_files_that_are_closed_accuse_nobody():
    """Their numbers would go to the pipe between judge and optimizer, and be overwritten."""
    program = (
        "import lpfl\n"
        "spec = lpfl.OptimizerSpec('sgd', __import__('torch').optim.SGD)\n"
        "lpfl.check_optimizer(spec, checks=['def.scale'], quick=True)\n"
    )
    for command in (
        ["-c", program],
        ["-m", "lpfl", "check-optimizer", "torch.optim:SGD", "--quick", "--checks", "def.scale"],
    ):
        words = shlex.join([sys.executable, *command])
        done = subprocess.run(["sh", "-c", f"{words} <&- >&- 2>&-"], check=False, timeout=200)
        assert done.returncode == 0


@pytest.mark.parametrize("isolated", [True, False])
def test_an_optimizer_that_cannot_be_built_is_said_once(isolated):
    """Nothing of lpfl breaks on it, no check holds, and the table has one line for all that."""
    report = check_optimizer(
        "torch.optim:AdamW", options={"lr": -1}, on_fail=None, quick=True, isolated=isolated
    )
    said = report.text()
    assert said.count("An ordinary run raises ValueError: Invalid") == 2  # a row, and the last line
    assert "before or after its checks" not in said
    assert {str(r.outcome) for r in report.results} <= {
        "cannot be driven here",
        "inconclusive",
        "not claimed",
    }


class Elsewhere(torch.optim.SGD):
    """Raises at each step that has a weight of these numbers of axes, as on a wrong device."""

    axes = (0, 1, 2, 3, 4)

    def step(self, closure=None):
        given = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        if any(p.ndim in self.axes for p in given):
            torch.ones(2) @ torch.ones(3)  # torch raises
        return super().step(closure)


class ElsewhereForMatrices(Elsewhere):
    axes = (2, 3, 4)


class ElsewhereForVectors(Elsewhere):
    axes = (1,)


def test_a_step_that_always_raises_is_no_finding_of_a_check():
    """What raises without a missing gradient too says nothing of missing gradients; one tells."""

    def accused(kind):
        report = check_optimizer(kind, on_fail=None, quick=True)
        told = [r for r in report.findings if "raises" in r.message]
        return sorted(r.check for r in told)

    for kind in (Elsewhere, ElsewhereForMatrices, ElsewhereForVectors):
        assert accused(kind) == ["api.shapes"]


def test_a_method_is_not_judged_where_most_of_its_runs_raise():
    """The few that are left, of vectors, say nothing against a method of matrices."""

    class Drifts(ElsewhereForMatrices):
        def step(self, closure=None):
            super().step(closure)
            with torch.no_grad():
                for p in self.param_groups[0]["params"]:
                    p.add_(0.01)

    spec = OptimizerSpec("drifts", Drifts, claims=frozenset({"shampoo"}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    (result,) = report.results
    assert str(result.outcome) == "cannot be driven here"
    assert "hardly a run could be made" in result.message
