"""Every api and definition check that needs no claim finds a planted fault, and says so fairly."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.registry import all_checks
from tests.conformance import (
    faulty_bookkeeping,
    faulty_chosen,
    faulty_counts,
    faulty_devices,
    faulty_ends,
    faulty_frame,
    faulty_groups,
    faulty_joint,
    faulty_large,
    faulty_layers,
    faulty_memory,
    faulty_optional,
    faulty_paths,
    faulty_promised,
    faulty_protocol,
    faulty_resumed,
    faulty_scheduled,
    faulty_surroundings,
    faulty_wrapped,
    test_callers,
    test_reported,
    test_twins,
)
from tests.conformance.faulty import FAULTS as SINGLE
from tests.conformance.faulty_small import Adam, Sgd


def twins():
    return [twin for module in test_twins.MODULES for twin in module.TWINS]


FAULTS = [
    *SINGLE,
    *faulty_bookkeeping.FAULTS,
    *faulty_chosen.FAULTS,
    *faulty_counts.FAULTS,
    *faulty_devices.FAULTS,
    *faulty_ends.FAULTS,
    *faulty_frame.FAULTS,
    *faulty_groups.FAULTS,
    *faulty_joint.FAULTS,
    *faulty_large.FAULTS,
    *faulty_layers.FAULTS,
    *faulty_memory.FAULTS,
    *faulty_optional.FAULTS,
    *faulty_paths.FAULTS,
    *faulty_promised.FAULTS,
    *faulty_protocol.FAULTS,
    *faulty_resumed.FAULTS,
    *faulty_scheduled.FAULTS,
    *faulty_surroundings.FAULTS,
    *test_callers.FAULTS,
    *faulty_wrapped.FAULTS,
]
ELSEWHERE = {"api.noise", "api.side-effects"}
"""Their faults are planted in test_isolation."""
NO_CLAIM_NEEDED = ("api.", "def.scale", "def.descent", "def.degenerates")


@pytest.mark.parametrize(("check_id", "kind", "claims", "outcome"), FAULTS)
def test_the_fault_is_found(check_id, kind, claims, outcome):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(claims))
    report = check_optimizer(spec, checks=[check_id], on_fail=None)
    assert str(report.outcome(check_id)) == outcome, [r.message for r in report.results]


@pytest.mark.parametrize("kind", [Sgd, Adam, faulty_frame.AmsGrad])
def test_without_the_fault_nothing_is_found(kind):
    report = check_optimizer(kind, checks=["api", "def"], on_fail=None)
    assert [r.check for r in report.findings if r.check != "api.float16"] == []


def test_every_check_has_a_fault():
    caught = {fault[0] for fault in FAULTS} | ELSEWHERE
    for name in test_reported.CASES:
        caught |= set(test_reported.case(name).CAUGHT_BY)
    caught |= {check_id for twin in twins() for check_id in twin.caught_by}
    ours = {check_id for check_id in all_checks() if check_id.startswith(NO_CLAIM_NEEDED)}
    assert ours - caught == set()


def test_every_module_of_checks_can_be_imported():
    assert [check_id for check_id in all_checks() if check_id.startswith("import.")] == []
