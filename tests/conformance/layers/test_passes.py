"""Several backward passes before a step, and passes without one: what hooks keep of them."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import FINDINGS, Outcome
from lpfl.conformance.own import own_specs
from tests.conformance.layers import toys_of_passes
from tests.conformance.layers.toys import Uses

CHECKS = ("layer.micro-batches", "layer.skipped", "layer.rows")
PLAIN = dict.fromkeys(CHECKS, "conforms")


def judged(kind, needs=("model",)):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(), needs=frozenset(needs))
    return check_optimizer(spec, on_fail=None, quick=True, checks=list(CHECKS))


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("LastPass", {"layer.micro-batches": "limit"}),
        ("LastPassTold", {"layer.micro-batches": "documented variant"}),
        ("EveryPass", {"layer.skipped": "conforms up to a convention"}),
        ("EveryPassPromised", {"layer.skipped": "limit"}),
        ("EveryPassTold", {"layer.skipped": "documented variant"}),
        ("Averaged", {"layer.micro-batches": "documented variant"}),
        ("OneAtATime", {"layer.micro-batches": "documented variant"}),
        ("Stumbles", {"layer.micro-batches": "limit"}),
        ("Sums", {"layer.rows": "conforms up to a convention"}),
    ],
)
def test_what_passes_leave_is_told(name, others):
    report = judged(getattr(toys_of_passes, name))
    assert {r.check: str(r.outcome) for r in report.results} == {**PLAIN, **others}
    for result in report.findings:
        assert "lpfl" not in result.snippet
        assert result.snippet.rstrip().rpartition("\n")[2].startswith("# prints:")


def test_one_that_counts_every_pass_until_gradients_are_cleared_conforms():
    assert {r.check: str(r.outcome) for r in judged(Uses).results} == PLAIN


def test_one_that_reads_gradients_alone_conforms():
    def adam(model):
        return torch.optim.Adam(model.parameters())

    report = judged(adam)
    assert {r.outcome for r in report.results} == {Outcome.CONFORMS}
    assert all("nothing of a pass but its gradient" in r.message for r in report.results)


def test_a_closure_that_the_optimizer_runs_is_not_asked():
    def lbfgs(model):
        return torch.optim.LBFGS(model.parameters(), lr=0.1)

    report = judged(lbfgs, ("model", "closure"))
    assert {r.outcome for r in report.results} == {Outcome.UNDRIVABLE}


@pytest.mark.parametrize("name", ["foof", "kfac"])
def test_our_own_are_not_accused(name):
    report = check_optimizer(own_specs()[name], on_fail=None, quick=True, checks=list(CHECKS))
    assert [r.message for r in report.results if r.outcome in FINDINGS] == []
