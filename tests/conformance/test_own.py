"""Our own reference optimizers under the judge that other people's stand before."""

from dataclasses import replace

import pytest

from lpfl import check_optimizer
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.own import own_specs

SPECS = own_specs()


@pytest.mark.parametrize("name", SPECS)
def test_our_own_rules_are_what_they_claim(name: str) -> None:
    report = check_optimizer(SPECS[name], on_fail=None, quick=True, checks=["api", "def", "inv"])
    wrong = {
        result.check: result.message
        for result in report.results
        if result.outcome in (Outcome.DEVIATES, Outcome.LIMIT)
    }
    assert wrong == {}


@pytest.mark.parametrize("kind", ["averaged", "nesterov"])
def test_a_momentum_of_kfac_is_named(kind: str) -> None:
    spec = SPECS["kfac"]
    spec = replace(
        spec, claims=frozenset({"kfac"}), options={**spec.options, "momentum_kind": kind}
    )
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    (result,) = (r for r in report.results if r.check == "def.trajectory")
    assert (result.outcome, result.convention["momentum"]) == (Outcome.VARIANT, kind)
