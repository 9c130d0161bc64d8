"""The domain of every statement, written out beside the formulas: a change of one shows here.

After a change that is meant: ``python -m tests.theory_units.core.test_stated_domains``.
"""

from pathlib import Path

from lpfl.verify.registry import CLAIMS

WRITTEN = Path(__file__).with_name("stated_domains.txt")


def stated():
    lines = []
    for claim in CLAIMS.values():
        for one in claim.assumptions:
            rule = f"{one.fact} in {list(one.allowed)}" if one.relation is None else one.relation
            lines.append(f"{claim.id}: {one.text}: {rule}")
    return lines


def test_no_domain_has_changed():
    assert stated() == WRITTEN.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    WRITTEN.write_text("\n".join(stated()) + "\n", encoding="utf-8")
