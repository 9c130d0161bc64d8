"""Entries of groups that a base class's constructor writes and the optimizer leaves alone."""

from typing import Any

from lpfl.conformance.signatures import named_options, takes_any_option
from lpfl.conformance.trajectory import gap

PROBES = (0.5, 0.05, 2.0)
"""Numbers that an entry is set to; one of them is enough to see that it acts."""
MOMENTUM = 0.8


def inherited(subject: Any, name: str) -> bool:
    """Return whether a base class of the optimizer offers this option and the optimizer does not.

    Then it is no promise of the optimizer's own, though its groups hold it.
    """
    if name in subject.constructor_names or takes_any_option(subject.spec.factory):
        return False
    kind = type(subject.open(subject.draw([(6, 4)], 0, "inherited")[0]).optimizer)
    return any(name in named_options(base) for base in kind.__mro__[1:])


def idle(subject: Any, name: str) -> bool:
    """Return whether an inherited entry does nothing, whatever the groups say."""
    key = ("idle", name)
    if key not in subject.memory:
        subject.memory[key] = inherited(subject, name) and not _acts(subject, name)
    return bool(subject.memory[key])


def _acts(subject: Any, name: str) -> bool:
    held = subject.default(name)
    heavy = "momentum" in subject.constructor_names and name != "momentum"
    base = {"momentum": MOMENTUM} if heavy else {}
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 4, "inherited", name)
    values = [not held] if isinstance(held, bool) else [v for v in PROBES if v != held]
    try:
        plain = subject.run(start, gradients, options=base)
        runs = [subject.run(start, gradients, options={**base, name: v}) for v in values]
    except Exception:  # it is read, and not every value will do
        return True
    return any(gap(run, plain) > 0 for run in runs)
