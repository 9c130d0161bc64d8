"""One test per claim, as :mod:`lpfl.verify.running.claim_test` says."""

import pytest

from lpfl.verify.options import RECORDS_PROPERTY
from lpfl.verify.registry import CHECKS
from lpfl.verify.running.claim_test import confront_claim

pytestmark = pytest.mark.theory


@pytest.mark.parametrize("claim_id", list(CHECKS))
def test_claim(claim_id, pytestconfig, record_property):
    """Every drawn scenario confirms the claim; a refutation shrinks to a simple scenario."""
    confront_claim(
        claim_id,
        seed=pytestconfig.getoption("--lpfl-seed"),
        device=pytestconfig.getoption("--lpfl-device"),
        dtype=pytestconfig.getoption("--lpfl-dtype"),
        profile=pytestconfig.getoption("--lpfl-profile"),
        keep=lambda records: record_property(RECORDS_PROPERTY, records),
    )
