"""Every planted fault is refuted by the check of its claim."""

import pytest

from lpfl.decide import Outcome
from lpfl.verify.check import findings_of
from lpfl.verify.planting import Fault, planted
from lpfl.verify.registry import CHECKS, all_faults
from lpfl.verify.running.runner import make_trial

SCENARIOS = 12
FAULTS = all_faults()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_refuted(fault):
    """The check refutes the fault on an anchor or on one of the first Sobol scenarios."""
    space = CHECKS[fault.claim].space
    with planted(fault):
        for scenario in (*space.anchors, *space.sobol(SCENARIOS, 0)):
            findings = findings_of(CHECKS[fault.claim], make_trial(fault.claim, scenario, seed=0))
            if any(finding.verdict.outcome is Outcome.REFUTED for finding in findings):
                return
    pytest.fail(f"{fault.name}: not refuted on {SCENARIOS} scenarios and the anchors")


def test_nothing_stays_planted():
    """After the block the module behaves as before."""
    from lpfl.optim import kfac

    fault = next(fault for fault in FAULTS if fault.target == "lpfl.optim.kfac:kfac_step")
    before, code = kfac.kfac_step, kfac.kfac_step.__code__
    with planted(fault):
        assert before.__code__ is not code
    assert kfac.kfac_step is before
    assert before.__code__ is code


def test_a_faulty_claim_is_seen_by_whoever_holds_it():
    """A fault in a statement changes the claim object itself, and goes with the block."""
    from theory.linear_representation.rates.joint import LR_18

    fault = Fault(
        "LR-18",
        "theory.linear_representation.rates.joint:LR_18",
        "k * (m - k)",
        "m - k",
        "head count",
    )
    counts = {"output_dim": 5, "rank": 2}
    with planted(fault):
        assert LR_18["orthonormal_head_count"].number(**counts) == 3.0
    assert LR_18["orthonormal_head_count"].number(**counts) == 6.0
