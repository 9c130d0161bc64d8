"""Claims as pytest items, collected without a test file."""

from typing import Any

import pytest

from lpfl.verify.options import RECORDS_PROPERTY
from lpfl.verify.registry import CHECKS
from lpfl.verify.running.claim_test import confront_claim
from lpfl.verify.selection import select_claims

USUAL_PROFILE = "quick"
"""How many scenarios are drawn where no option says it: the project has its own Hypothesis
profile, made for other tests."""


class ClaimItem(pytest.Item):
    """One claim."""

    def __init__(self, *, claim_id: str, **more: Any) -> None:
        super().__init__(**more)
        self.claim_id = claim_id
        self.add_marker("theory")

    def runtest(self) -> None:
        """Confront the claim; its records are kept for the page."""
        option = self.config.getoption
        confront_claim(
            self.claim_id,
            seed=option("--lpfl-seed"),
            device=option("--lpfl-device"),
            dtype=option("--lpfl-dtype"),
            profile=option("--lpfl-profile") or USUAL_PROFILE,
            keep=lambda records: self.user_properties.append((RECORDS_PROPERTY, records)),
        )

    def reportinfo(self) -> tuple[Any, None, str]:
        """Return where the item is shown."""
        return self.path, None, self.name

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Return what the claim says, without a traceback of ours."""
        if isinstance(excinfo.value, AssertionError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def found_claims(pattern: str) -> tuple[str, ...]:
    """Return the claims that ``pattern`` names; raise ValueError if it names none."""
    return select_claims(pattern, list(CHECKS))


def collect_claims(session: pytest.Session, pattern: str) -> list[pytest.Item]:
    """Return an item for each claim that ``pattern`` names; raises as :func:`found_claims`."""
    return [
        ClaimItem.from_parent(session, name=name, nodeid=f"lpfl::{name}", claim_id=name)
        for name in found_claims(pattern)
    ]
