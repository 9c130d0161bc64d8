"""Profiles: how many scenarios a run draws for each claim."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """scenarios: Sobol points per claim, besides the anchors, which always run.

    large: whether the large anchors run as well.
    """

    name: str
    scenarios: int
    says: str
    large: bool = True


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", 6, "a laptop, a few minutes", large=False),
        Profile("ci", 24, "every commit"),
        Profile("paper", 64, "before a statement is published"),
        Profile("nightly", 200, "the widest search"),
    )
}


def profile_named(name: str) -> Profile:
    """Return the profile; raise ValueError naming the known ones."""
    if name not in PROFILES:
        raise ValueError(f"profile={name!r}, needs one of {sorted(PROFILES)}")
    return PROFILES[name]
