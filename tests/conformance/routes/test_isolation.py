"""What a subject does to its process becomes a result, and touches nobody else."""

import ctypes
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch

from lpfl import check_optimizer
from lpfl.conformance.isolation import Limits
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.subject import Subject

SHORT = Limits(seconds=3.0)


class Sgd(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)


class Crashes(Sgd):
    """Ends the process where a gradient is missing."""

    def step(self, closure=None):
        if any(p.grad is None for group in self.param_groups for p in group["params"]):
            ctypes.string_at(0)
        return super().step(closure)


class Hangs(Sgd):
    def step(self, closure=None):
        while self.param_groups[0]["lr"] == 0:
            time.sleep(0.05)
        return super().step(closure)


class Killed(Sgd):
    """Killed from outside, as it were, as often as a file says."""

    def step(self, closure=None):
        left = Path(os.environ["KILLS_LEFT"])
        if kills := int(left.read_text()):
            left.write_text(str(kills - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(closure)


class Leaves(Sgd):
    def step(self, closure=None):
        if any(p.grad is None for group in self.param_groups for p in group["params"]):
            sys.exit(0)
        return super().step(closure)


class Loud(Sgd):
    def step(self, closure=None):
        print("hello from Python")
        os.write(1, b"hello from below\n")
        warnings.warn("hello, a warning", stacklevel=2)
        return super().step(closure)


class Patches(Sgd):
    def step(self, closure=None):
        torch.optim.Adam.extra_method = lambda self: None
        torch.set_default_dtype(torch.float16)
        return super().step(closure)


class Draws(Sgd):
    def step(self, closure=None):
        torch.rand(3)
        return super().step(closure)


class TurnsNan(Sgd):
    @torch.no_grad()
    def step(self, closure=None):
        loss = super().step(closure)
        for p in self.param_groups[0]["params"]:
            p.div_(p.norm() * 0 + (0.0 if p.ndim == 1 else 1.0))
        return loss


class Devours(Sgd):
    def step(self, closure=None):
        if self.param_groups[0]["lr"] == 0:
            self.held = torch.empty(2**34)
        return super().step(closure)


def children() -> set[int]:
    """The processes that this one has started and that still exist."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return {int(pid) for pid in listed.split()}


def judged(kind, *checks, limits=SHORT):
    return check_optimizer(kind, checks=list(checks), on_fail=None, limits=limits)


def test_a_crash_is_the_answer_of_its_check():
    report = judged(Crashes, "api.missing", "api.keys")
    assert report.outcome("api.missing") is Outcome.DEVIATES
    (result,) = (r for r in report.results if r.check == "api.missing")
    assert "SIGSEGV" in result.message
    assert report.outcome("api.keys") is Outcome.CONFORMS


@pytest.mark.parametrize(("kills", "outcome"), [(1, Outcome.CONFORMS), (2, Outcome.INCONCLUSIVE)])
def test_a_kill_from_outside_accuses_nobody(kills, outcome, tmp_path, monkeypatch):
    left = tmp_path / "kills"
    left.write_text(str(kills))
    monkeypatch.setenv("KILLS_LEFT", str(left))
    report = judged(Killed, "api.missing", "api.order")
    assert sorted(report.outcome(name) for name in ("api.missing", "api.order")) == sorted(
        [outcome, Outcome.CONFORMS]
    )
    assert left.read_text() == "0"
    words = [r.message for r in report.results if r.outcome is Outcome.INCONCLUSIVE]
    assert all("was killed with its process, from outside" in said for said in words)


def test_leaving_the_process_is_the_answer_of_its_check():
    report = judged(Leaves, "api.missing", "api.order")
    assert report.outcome("api.missing") is Outcome.DEVIATES
    assert report.outcome("api.order") is Outcome.CONFORMS


def test_an_error_of_ours_outside_of_checks_accuses_nobody(monkeypatch):
    def fails(self, *args, **options):
        raise KeyError("a reference without its option")

    monkeypatch.setattr(Subject, "__init__", fails)
    report = judged(Sgd, "api.missing", "api.order")
    assert {r.outcome for r in report.results} == {Outcome.INCONCLUSIVE}
    assert all("lpfl raised KeyError" in r.message for r in report.results)
    assert not report.failed


def test_a_hang_is_the_answer_of_its_check():
    report = judged(Hangs, "api.lr-zero", "api.keys", limits=Limits(seconds=1.0))
    assert report.outcome("api.lr-zero") is Outcome.LIMIT
    assert report.outcome("api.keys") is Outcome.CONFORMS


def test_too_much_memory_is_refused():
    report = judged(Devours, "api.lr-zero", "api.keys")
    assert report.outcome("api.lr-zero") is Outcome.LIMIT
    assert report.outcome("api.keys") is Outcome.CONFORMS


def test_output_and_warnings_are_heard_and_kept_away(capfd):
    report = judged(Loud, "api.noise")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    (result,) = report.results
    assert result.outcome is Outcome.VARIANT
    assert "hello" in result.message
    assert "warning" in result.message


def test_patched_classes_and_settings_are_seen_and_stay_there():
    before = torch.get_default_dtype()
    report = judged(Patches, "api.side-effects")
    (result,) = report.results
    assert result.outcome is Outcome.LIMIT
    assert "default dtype" in result.message
    assert "functions of Adam" in result.message
    assert torch.get_default_dtype() == before
    assert not hasattr(torch.optim.Adam, "extra_method")


def test_random_numbers_are_seen():
    (result,) = judged(Draws, "api.side-effects").results
    assert result.outcome is Outcome.VARIANT
    assert "torch" in result.message


def test_a_seed_of_its_own_is_seen():
    class Seeds(torch.optim.SGD):
        def step(self, closure=None):
            torch.manual_seed(0)
            return super().step(closure)

    (result,) = judged(Seeds, "api.side-effects").results
    assert result.outcome is Outcome.LIMIT
    assert "seeds the global generator of torch" in result.message


def test_nan_is_an_answer():
    assert judged(TurnsNan, "api.shapes").outcome("api.shapes") is Outcome.DEVIATES


def test_judging_leaves_the_parent_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    judged(Sgd, "api.copy", "api.determinism")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_no_process_is_left_behind():
    before = children()
    judged(Hangs, "api.lr-zero", limits=Limits(seconds=0.5))
    assert children() <= before


@pytest.mark.parametrize("name", ["seconds", "memory"])
def test_limits_are_positive(name):
    with pytest.raises(ValueError, match=f"{name}=0, needs > 0"):
        Limits(**{name: 0})


class Slow(Sgd):
    def step(self, closure=None):
        time.sleep(0.02)
        return super().step(closure)


def test_slow_steps_are_no_hang():
    """The check takes longer than its seconds, each step does not."""
    report = judged(Slow, "api.keys", "api.late", limits=Limits(seconds=0.5))
    for check_id in ("api.keys", "api.late"):
        assert report.outcome(check_id) in (Outcome.CONFORMS, Outcome.INCONCLUSIVE)


def test_no_process_is_forked_from_one_that_uses_cuda(monkeypatch):
    """There backward() raises, also on the CPU, and so does a question about the GPU."""
    pids = set()

    def factory(params):
        pids.add(os.getpid())
        return torch.optim.SGD(params, lr=0.1)

    assert check_optimizer(factory, checks=["api.keys"]).environment["isolated"]
    assert not pids
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert not check_optimizer(factory, checks=["api.keys"]).environment["isolated"]
    assert pids == {os.getpid()}
