"""A rate that step() writes back: the change compounds, and follows the number of parameters."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.promised.told_of import told_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.lr-read"
SHAPE = (6, 4)
STEPS = 4
FACTOR = 0.5
SCALES = re.compile(r"^(lr|learning_rate)_(scale|scaling|mult|multiplier|factor|ratio)$")
DECAYS = re.compile(r"^(lr|learning_rate)_decay$")
CLOSE = 1e-9
EACH = re.compile(
    r"\b(each|every|per|after a|after the) step\b|decay|gamma|exponential", re.IGNORECASE
)
"""Words by which a factor is meant to act again in each step."""


def written_back(subject: Subject) -> CheckResult | None:
    """Return the finding about a factor of the rate that step() writes into the group, if any.

    One named as a scale must leave lr as it is. One named as a decay may change lr, once in a step
    for however many parameters.
    """
    if not subject.injects:
        return None
    found = (*_compounding(subject), *_by_number(subject))
    return next(iter(found), None)


def _named(subject: Subject, names: re.Pattern[str]) -> Iterator[Mapping[str, float]]:
    """Yield options of such a name that may be a half, and are another number by default."""
    for name in sorted(subject.constructor_names & subject.default_group.keys()):
        held = subject.default(name)
        number = isinstance(held, int | float) and not isinstance(held, bool)
        if names.search(name) and number and held != FACTOR:
            yield {name: FACTOR}


def _compounding(subject: Subject) -> Iterator[CheckResult]:
    for options in _named(subject, SCALES):
        usual, share = (_share(subject, own, 1, STEPS) for own in ({}, options))
        once = _share(subject, options, 1, 1)
        ((name, _),) = options.items()
        if usual is None or share is None or once is None or abs(usual - 1) > CLOSE:
            continue
        if not share < once * (1 - CLOSE) or EACH.search(told_of(subject, name)):
            continue
        yield CheckResult(
            check=ID,
            outcome=Outcome.LIMIT,
            message=f"With {name}={FACTOR}, {STEPS} steps leave {share:.2g} of the group's lr: "
            "the scaled rate is written back, and scaled again in each step.",
            measured=share,
            bound=1.0,
            scenario={"options": dict(options), "steps": STEPS},
            **_shown(subject, options, (1, STEPS), share),
        )


def _by_number(subject: Subject) -> Iterator[CheckResult]:
    if coupled(subject):
        return
    for options in _named(subject, DECAYS):
        one, several = (_share(subject, options, count, 1) for count in (1, 3))
        ((name, _),) = options.items()
        if one is None or several is None or abs(several - one) <= CLOSE:
            continue
        yield CheckResult(
            check=ID,
            outcome=Outcome.DEVIATES,
            message=f"With {name}={FACTOR}, a step leaves {several:.2g} of the lr of a group of 3 "
            f"parameters, and {one:.2g} of one of a single parameter.",
            measured=several,
            bound=one,
            scenario={"options": dict(options), "steps": 1, "parameters": 3},
            **_shown(subject, options, (3, 1), several),
        )


def _share(subject: Subject, options: Mapping[str, Any], count: int, steps: int) -> float | None:
    """Return the rate of a group after some steps over that before, None if there is none."""
    start, gradients = subject.draw([SHAPE] * count, steps, ID, "written back")
    try:
        session = subject.open(start, options=options)
        before = float(session.optimizer.param_groups[0]["lr"])
        for row in gradients:
            session.step(row)
        return float(session.optimizer.param_groups[0]["lr"]) / before
    except Exception:  # the option is refused
        return None


def _shown(
    subject: Subject,
    options: Mapping[str, Any],
    size: tuple[int, int],
    share: float,
) -> dict[str, Any]:
    count, steps = size
    body = f"""
optimizer, params = begin(start, **{dict(options)!r})
before = optimizer.param_groups[0]['lr']
for g in gradients:
    step(optimizer, params, g)
print('share of lr that is left', optimizer.param_groups[0]['lr'] / before)
"""
    stream = (ID, "written back")
    return evidence(subject, body, share, shapes=[SHAPE] * count, steps=steps, stream=stream)
