"""The pack of the optimizers leaves no optimizer, option or fault out."""

from collections import Counter
from pathlib import Path

import pytest

import lpfl.verify
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.hyper import bounds_of
from lpfl.verify.registry import all_faults
from theory.claims import PACKS

VERIFY = Path(lpfl.verify.__file__).parent
SOURCES = "\n".join(
    path.read_text()
    for folder in ("oracles", "setups", "claims/optimizers")
    for path in sorted((VERIFY / folder).rglob("*.py"))
    if "faults" not in path.parts
)
TITLES = " ".join(claim.title for claim in PACKS["OP"].claims.values())


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_is_named_by_a_claim(name):
    assert name in TITLES.replace(",", " ").split()


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_option_is_set_by_a_check(name):
    options = [option for option in bounds_of(OPTIMIZERS[name].optimizer) if option != "step_size"]
    assert [option for option in options if f'"{option}"' not in SOURCES] == []


@pytest.mark.parametrize("claim_id", list(PACKS["OP"].claims))
def test_every_claim_refutes_five_faults(claim_id):
    assert Counter(fault.claim for fault in all_faults())[claim_id] >= 5
