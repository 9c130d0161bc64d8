"""Options that rest until a step or a size that another option sets is reached."""

import re
from collections.abc import Mapping
from typing import Any

from lpfl.conformance.checks.api.paths import uneven
from lpfl.conformance.definition.seen import thresholds
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance

STARTS = re.compile(r"start|warm|delay|after|begin|from|until|freeze|wait")
SIZES = re.compile(rf"{thresholds.NAMES.pattern}|numel|min_(ndim|size|dim|side)")
STEPS, FROM = 14, 2
"""Steps of a run; value at which an option of a step or a size is reached at once."""


def acts_once_reached(
    subject: Subject, base: Mapping[str, Any], changed: Mapping[str, Any]
) -> bool:
    """Return whether options act where the options that let them wait are small.

    base: options of the run. changed: the options that show nothing.
    """
    small = {
        name: 1 if STARTS.search(name) else FROM
        for name in sorted(subject.constructor_names - changed.keys())
        if (STARTS.search(name) or SIZES.search(name)) and _whole(subject.default(name))
    }
    if not small:
        return False
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), STEPS, "api.options")
    rows = uneven(gradients)
    try:
        plain = subject.run(start, rows, options={**base, **small})
        other = subject.run(start, rows, options={**base, **small, **changed})
    except Exception:  # so small a value is refused
        return False
    return plain.finite and distance(plain.end, other.end) > 1e-7 * plain.displacement()


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 1
