"""Why an optimizer that should divide out second moments feels a linear change after all.

Damping, or a constant start of an average, stands beside the moments and is no defect: its effect
falls with the damping option, or with the moments' size. Nothing else falls.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from lpfl.conformance.learning.fingerprint import World, deviation
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.subject import Subject

DAMPING = ("damping", "lambda_", "damp", "eps", "epsilon")
WORDS = frozenset({"damping", "damp", "eps", "epsilon", "lambda"})
"""Words in the name of an option that damps."""
AVERAGE = (
    "stat_decay", "factor_decay", "ema_decay", "cov_ema_decay", "averaging", "decay", "beta2",
    "beta", "ema",
)  # fmt: skip
FALLS = 0.4
"""Least exponent of the deviation in the damping: 1 for damping on a factor, 1/2 for its root."""
GROWS = 10.0
"""Growth with the inputs' size that no damping of second moments shows."""
FALLS_WITH_SIZE = 0.8
"""Least exponent of the fall with the inputs' size: 2 for damping on a factor, 1 for its root."""


@dataclass(frozen=True)
class Cause:
    """What a deviation comes from: an outcome, words, the numbers behind them."""

    outcome: Outcome
    says: str
    details: Mapping[str, Any] = field(default_factory=dict)


def damping_option(subject: Subject) -> tuple[str, float] | None:
    """Return name and default of the option that damps, if there is one that is positive."""
    return _positive(subject, DAMPING)


def dampings(subject: Subject) -> dict[str, float]:
    """Return every option that damps with its default: each factor may have one of its own.

    The option of ``damping_option`` comes first; the others are those with a word of ``WORDS`` in
    their name, such as output_damping, eps_left or damping_g.
    """
    main = damping_option(subject)
    if main is None:
        return {}
    others = sorted(n for n in known_options(subject) if n != main[0] and WORDS & set(n.split("_")))
    found = (_positive(subject, (name,)) for name in others)
    return dict([main, *(entry for entry in found if entry is not None)])


def known_options(subject: Subject) -> list[str]:
    """Return the names of the options that constructor, factory or groups know."""
    return [str(n) for n in {*subject.constructor_names, *subject.default_group} if str(n)]


def without_average(subject: Subject) -> dict[str, Any]:
    """Return the option that makes every statistic that of the present batch."""
    found = _positive(subject, AVERAGE)
    return {found[0]: 0.0} if found else {}


def averages(subject: Subject) -> bool:
    """Return whether there is an option that averages statistics over batches."""
    return any(subject.accepts(name) for name in AVERAGE)


def _positive(subject: Subject, names: tuple[str, ...]) -> tuple[str, float] | None:
    for name in names:
        if subject.accepts(name):
            value = subject.default(name)
            value = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                return name, float(value)
    return None


def cause(subject: Subject, world: World, side: str, transform: str, bound: float) -> Cause:
    """Return what makes training feel this change of coordinates."""
    option = damping_option(subject)
    if option is None:
        return _by_size(subject, world, side, transform, bound)
    for extra in ({}, without_average(subject)):
        found = _by_option(subject, world, side, transform, bound, option, extra)
        if found.outcome is not Outcome.DEVIATES or not without_average(subject):
            break
    if found.outcome is Outcome.CONVENTION and side == "inputs":
        size = _by_size(subject, world, side, transform, bound)
        values = list(size.details["deviation by size of the inputs"].values())
        if values[-1] > GROWS * values[0]:
            says = f"it grows to {values[-1]:.2g} for inputs 100 times as large: {option[0]} is "
            says += "not added to the second moments"
            return Cause(Outcome.DEVIATES, says, {**found.details, **size.details})
    return found


def _by_option(
    subject: Subject,
    world: World,
    side: str,
    transform: str,
    bound: float,
    option: tuple[str, float],
    extra: Mapping[str, Any],
) -> Cause:
    name, default = option
    every, seen = dampings(subject), {}
    for share in (1.0, 1e-2, 1e-4):
        options = {**world.options, **extra, **{n: share * v for n, v in every.items()}}
        where = replace(world, options=options)
        seen[share * default] = deviation(subject, where, side, transform)
    name = " and ".join(every) if len(every) > 1 else name
    first, _, last = seen.values()
    details = {"deviation by damping": {f"{k:.3g}": v for k, v in seen.items()}, **extra}
    exponent = math.log10(first / last) / 4 if 0 < last < math.inf and first > 0 else math.nan
    low = list(seen.values())[1]
    falling = math.log10(low / last) / 2 if last > 0 and low > 0 else math.inf
    if last <= bound or max(exponent, falling) >= FALLS:
        says = f"it comes from {name} = {default:g} and falls to {last:.2g} at {name} / 1e4"
        if len(every) > 1:
            says = f"it comes from {name} and falls to {last:.2g} with each at 1e-4 of itself"
        if extra:
            says += f" once {next(iter(extra))} is 0"
        return Cause(Outcome.CONVENTION, says, details)
    says = f"it stays {last:.2g} when {name} falls from {default:g} to {1e-4 * default:g}"
    return Cause(Outcome.DEVIATES, says, details)


def _by_size(subject: Subject, world: World, side: str, transform: str, bound: float) -> Cause:
    seen = {}
    for scale in (1.0, 10.0, 100.0):
        seen[scale] = deviation(subject, replace(world, scale=scale), side, transform)
    first, middle, last = seen.values()
    details = {"deviation by size of the inputs": {f"{k:g}": v for k, v in seen.items()}}
    falls = 0 < last < middle < math.inf and math.log10(middle / last) >= FALLS_WITH_SIZE
    if last <= bound or (falls and last < first):
        says = (
            "it comes from a constant beside the second moments: it falls to "
            f"{last:.2g} for inputs 100 times as large"
        )
        return Cause(Outcome.CONVENTION, says, details)
    says = f"it is {last:.2g} for inputs 100 times as large: no damping explains it"
    return Cause(Outcome.DEVIATES, says, details)
