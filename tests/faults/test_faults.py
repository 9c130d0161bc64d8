"""Planted faults are refuted by the check of their claim, and none stays planted."""

from collections import defaultdict

import pytest

from lpfl.trust.faults import scenarios_until_refuted
from lpfl.verify.planting import Fault, edited_tree, locate, planted
from lpfl.verify.registry import all_faults

SCENARIOS = 12
FAULTS = all_faults()
EACH = 2  # of a statement; `lpfl faults` plants all of them, every night
LONGEST = frozenset({
    "DR-04", "DR-09", "LR-10", "LR-17", "LR-21", "LR-29", "LR-30", "LR-31", "LR-33", "LR-40",
    "LR-42", "SI-02", "SI-06", "SI-09", "SI-10", "SI-11", "SI-13", "SI-14", "SI-15", "SI-16",
})  # fmt: skip
"""Statements that take longest: one fault is planted."""


def some() -> list[Fault]:
    """Return EACH faults of a statement, or one, evenly spaced in its list."""
    of_claim: dict[str, list[Fault]] = defaultdict(list)
    for fault in FAULTS:
        of_claim[fault.claim].append(fault)
    chosen = []
    for faults in of_claim.values():
        count = 1 if faults[0].claim in LONGEST else min(EACH, len(faults))
        chosen += [faults[i * len(faults) // count] for i in range(count)]
    return chosen


@pytest.mark.parametrize("fault", some(), ids=lambda fault: fault.name)
def test_fault_is_refuted(fault):
    """The check refutes the fault on an anchor or on one of the first Sobol scenarios."""
    with planted(fault):
        refuting = scenarios_until_refuted(fault.claim, SCENARIOS)
    assert refuting, f"{fault.name}: not refuted on {SCENARIOS} scenarios and the anchors"


def test_every_fault_has_a_name_of_its_own():
    """``lpfl faults`` looks them up by name."""
    names = [fault.name for fault in FAULTS]
    assert sorted(set(names)) == sorted(names)


def test_every_fault_finds_its_place():
    """What a fault replaces stands exactly once where it says."""
    for fault in FAULTS:
        edited_tree(fault, *locate(fault.target))


def test_nothing_stays_planted():
    """After the block every module holds what it held before."""
    from lpfl.optim import kfac
    from lpfl.verify import registry

    fault = next(fault for fault in FAULTS if fault.target == "lpfl.optim.kfac:kfac_step")
    before, checks = kfac.kfac_step, registry.CHECKS
    with planted(fault):
        assert kfac.kfac_step is not before
        assert registry.CHECKS is not checks
    assert kfac.kfac_step is before
    assert registry.CHECKS is checks


def test_a_faulty_statement_reaches_its_pack():
    """A fault in a claim is in the registry inside the block, and gone after it."""
    from lpfl.verify import registry

    fault = Fault(
        "LR-18",
        "theory.linear_representation.rates.joint:LR_18",
        "k * (m - k)",
        "m - k",
        "head count",
    )
    counts = {"output_dim": 5, "rank": 2}

    def count() -> float:
        return registry.CLAIMS["LR-18"]["orthonormal_head_count"].number(**counts)

    with planted(fault):
        assert count() == 3.0
    assert count() == 6.0


def test_what_other_modules_compute_at_import_is_faulty_too():
    """Statements of other modules are built, while they are imported, from a formula."""
    from lpfl.verify import registry

    fault = Fault(
        "SI-02",
        "theory.single_index.gaussian_equivalent:sgd_alignment",
        "E_b(T * s) ** 2",
        "E_b(T * s)",
        "square forgotten",
    )

    def printed() -> str:
        return str([part.relation for part in registry.CLAIMS["SI-02"].parts.values()])

    right = printed()
    with planted(fault):
        assert printed() != right
    assert printed() == right


def test_tables_that_modules_write_into_are_filled_again():
    """Letters and the checks of other people's optimizers are entered once, however often."""
    from importlib import import_module

    from theory.linear_representation import notation

    import_module("lpfl.conformance.checks.theory.condition_number")
    fault = Fault(
        "LR-18",
        "theory.linear_representation.notation:eta_max",
        '"step size at which stability ends"',
        '"step size"',
        "other words",
    )
    before = notation.eta_max
    with planted(fault):
        assert notation.eta_max is not None
    assert notation.eta_max is before
