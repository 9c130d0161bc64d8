"""A statement whose domain is not the one that its runs were planned for is refuted."""

from dataclasses import replace

import pytest
import sympy as sp

from lpfl.decide import Outcome
from lpfl.verify import domains
from lpfl.verify.check import Check, findings_of
from lpfl.verify.expect import Same
from lpfl.verify.registry import CLAIMS
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import ScenarioSpace
from lpfl.verify.tolerance import judgement
from lpfl.verify.trial import Trial


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_every_domain_is_the_planned_one(claim):
    assert domains.difference(claim) == ""


def without_the_last(claim):
    return replace(claim, assumptions=claim.assumptions[:-1])


def with_a_wider_last(claim):
    last = claim.assumptions[-1]
    wider = replace(last, relation=sp.Ge(last.relation.lhs, last.relation.rhs))
    return replace(claim, assumptions=(*claim.assumptions[:-1], wider))


@pytest.mark.parametrize("edited", [without_the_last, with_a_wider_last])
def test_another_domain_is_refuted(edited):
    claim = CLAIMS["LR-43"]
    part = next(iter(claim.parts))

    def measure(trial):
        trial.admit()
        yield Same(part=part, measured=1.0, predicted=1.0, tolerance=judgement(0.1, "an example"))

    check = Check(claim.id, ScenarioSpace(()), measure)
    at = Scenario(dict(claim.example))
    told = [findings_of(check, Trial(one, at, 0, 1e-9)) for one in (claim, edited(claim))]
    assert [len(findings) for findings in told] == [1, 2]
    assert told[1][-1].verdict.outcome is Outcome.REFUTED
    assert "batch_size > input_dim + 1" in told[1][-1].verdict.detail


def test_statements_of_other_packages_have_no_row():
    claim = replace(CLAIMS["LR-43"], assumptions=(), defined_at=("elsewhere.claims", 1))
    assert domains.difference(claim) == ""
