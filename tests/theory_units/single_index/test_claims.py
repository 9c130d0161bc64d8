"""The single-index claims: complete, readable, with examples inside their domains."""

import pytest

from theory.claims import PACKS
from theory.core.claim import Claim, collect
from theory.core.part import Kind

CLAIMS_SINGLE_INDEX = tuple(PACKS["SI"].claims.values())
OF_THE_PAPER = CLAIMS_SINGLE_INDEX[:16]  # one step as in the paper; the variants follow


def test_ids_are_complete_and_in_order() -> None:
    ids = [claim.id for claim in CLAIMS_SINGLE_INDEX]
    assert ids[:23] == [f"SI-{i:02d}" for i in range(1, 24)]
    assert list(collect(CLAIMS_SINGLE_INDEX)) == ids


@pytest.mark.parametrize("claim", CLAIMS_SINGLE_INDEX, ids=lambda c: c.id)
def test_examples_hold_and_each_assumption_can_fail(claim: Claim) -> None:
    assert claim.violated(claim.example) == []
    for assumption in claim.assumptions:
        if assumption.fact is not None:
            broken = {**claim.example, assumption.fact: "something else"}
            assert claim.violated(broken) == [f"assumption fails: {assumption.text}"]


def test_what_goes_beyond_the_paper_is_marked() -> None:
    assert all(claim.beyond_paper for claim in CLAIMS_SINGLE_INDEX[16:])
    beyond = {claim.id for claim in OF_THE_PAPER if claim.beyond_paper}
    assert beyond == {"SI-04", "SI-05", "SI-06", "SI-11", "SI-12", "SI-14", "SI-15", "SI-16"}


def test_identities_are_kinds_that_exact_arithmetic_decides() -> None:
    kinds = {claim.id: claim.kind for claim in OF_THE_PAPER}
    assert {i for i, kind in kinds.items() if kind is Kind.IDENTITY} == {"SI-04", "SI-08"}
    assert kinds["SI-05"] is Kind.ORDERING
