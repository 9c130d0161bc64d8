"""The ways to drive an optimizer, one per file, and the one that a subject needs."""

from lpfl.conformance.drives.opening import open_on_model, open_session, seed_everything
from lpfl.conformance.drives.session import Session

__all__ = ["Session", "open_on_model", "open_session", "seed_everything"]
