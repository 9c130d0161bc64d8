"""One weight used twice: a layer called twice, or two layers with one weight."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.hooked.answers import (
    PLAIN,
    by_custom,
    concerns,
    gap_program,
    idle,
    off_its_twin,
    raised,
    scenario,
    still,
)
from lpfl.conformance.hooked.networks import Called, CalledAlike, Network, Tied, TiedAlike
from lpfl.conformance.hooked.program import shown
from lpfl.conformance.hooked.training import Scene, Training, slope, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

DAMPING = 1e8
"""So strong that a step is the gradient times a number; the factors are of size 1."""
SCALE = 3.0
"""Factor of the inputs at which damping in proportion to a factor shows: it grows by 9."""
WEIGHT = "first.weight"
FAIR = 0.1
"""Part of a step by which such damping lets the factors show."""
SHARED = re.compile(
    r"\b(tied|tying|shar(ed?|ing))\b[^.]{0,40}(weight|parameter|layer|embedding|module)|"
    r"(weight|parameter|layer|embedding|module)s?\b[^.]{0,40}\b(tied|tying|shar(ed?|ing))\b",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"\b(not|no|never|cannot|without|raises?|refus\w*|unsupported|error)\b|n't\b", re.IGNORECASE
)
"""Words of a sentence about weights that two layers share, and about what is refused."""
HANDED_TWICE = ("more than one parameter group", "duplicate parameters")
"""What torch itself says of a weight that is handed over twice."""


@check("layer.shared", tags=("layer",), cost=0.1, control=True)
def shared(subject: Subject) -> Iterator[CheckResult]:
    """A layer called twice in one forward pass is moved once, by what both calls saw.

    Definitions speak of layers that are called once: what differs is a limit.
    """
    if concerns(subject):
        what = "a layer that is called twice"
        yield _judged(subject, "layer.shared", Called, CalledAlike, what)


@check("layer.tied", tags=("layer",), cost=0.1, control=True)
def tied(subject: Subject) -> Iterator[CheckResult]:
    """A weight that two layers share is moved once, by what both layers saw.

    Definitions speak of layers with weights of their own: what differs is a limit.
    """
    if concerns(subject):
        what = "two layers with one weight"
        yield _judged(subject, "layer.tied", Tied, TiedAlike, what)


def _judged(
    subject: Subject, check_id: str, network: type[Network], alike: type[Network], what: str
) -> CheckResult:
    scene = Scene(network, 8)
    try:
        plain, twin = train(subject, scene), train(subject, scene, True)
    except Exception as error:
        answer = raised(subject, check_id, scene, error, what)
        if answer.outcome is Outcome.LIMIT and _is_told(subject):
            return replace(answer, outcome=Outcome.VARIANT)
        torch_says_so = any(words in str(error) for words in HANDED_TWICE)
        return by_custom(answer, "layers have", "weights of their own") if torch_says_so else answer
    if any(name.startswith("first") for name in idle(plain)):
        return still(subject, check_id, scene, plain, what)
    ratio, strong = _times(subject, alike)
    if abs(ratio - 1) > FAIR:
        return _counted(subject, check_id, strong, ratio, what)
    gap = off_its_twin(subject, check_id, scene, plain, twin)
    if gap:
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=f"The gap between trainings with {what}, in one order and the other, is "
            f"{gap:.2g} of the way: what one of the two saw counts less, or not at all.",
            measured=gap,
            scenario=scenario(scene),
            **gap_program(subject, scene, plain, twin),
        )
    message = f"The order of the two uses of {what} changes nothing."
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _is_told(subject: Subject) -> bool:
    """Return whether the documentation says that layers must not share weights."""
    optimizer = subject.open_on(PLAIN.network().to(subject.coarsest)).optimizer
    said = re.split(r"\.\s", documentation(subject, optimizer))
    return any(SHARED.search(sentence) and REFUSED.search(sentence) for sentence in said)


def _times(subject: Subject, alike: type[Network]) -> tuple[float, Scene]:
    """Return how often a weight is moved: its way over that of one use with the same gradient.

    It is 1 where nothing is known: for a method whose damping has no name, or one so damped that
    the size of the factors counts all the same.
    """
    options = damped(subject)
    scene = Scene(alike, 4, options=options)
    if not options:
        return 1.0, scene
    try:
        plain, twin = train(subject, scene), train(subject, scene, True)
        ways = [_way(run) for run in (plain, twin)]
        ratio = ways[0] / ways[1] if ways[1] > 0 else 1.0
        counts = abs(ratio - 1) > FAIR and _relative(subject, scene)
    except Exception:
        return 1.0, scene
    return (1.0 if counts else ratio), scene


def _relative(subject: Subject, scene: Scene) -> bool:
    """Return whether the length of a step, over its gradient's, falls where the inputs grow."""
    scenes = [replace(scene, scale=scale) for scale in (1.0, SCALE)]
    shares = [_way(train(subject, s, True)) / slope(subject, s, WEIGHT, True) for s in scenes]
    return shares[0] > SCALE * shares[1]


def _way(run: Training) -> float:
    return float((run.end[WEIGHT] - run.start[WEIGHT]).norm())


def damped(subject: Subject) -> dict[str, Any]:
    """Return options with all damping very strong, and no decay of weights; none if unknown."""
    known = {*subject.constructor_names, *subject.default_group}
    names = [
        name for name in sorted(map(str, known)) if "damping" in name and _number(subject, name)
    ]
    if not names:
        return {}
    decay = {"weight_decay": 0.0} if subject.accepts("weight_decay") else {}
    return {**dict.fromkeys(names, DAMPING), **decay}


def _number(subject: Subject, name: str) -> bool:
    value = subject.default(name)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _counted(subject: Subject, check_id: str, scene: Scene, ratio: float, what: str) -> CheckResult:
    ending = """
one, two = train(False), train(True)
ways = [way(path[-1], path[0], ['first.weight']) for path in (one, two)]
print('times the way of one use with the same gradient', ways[0] / ways[1])
"""
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=f"The way of the weight of {what} is {ratio:.3g} times that of one use with the "
        f"same gradient, at damping {DAMPING:g} where the factors no longer count.",
        measured=ratio,
        bound=1.0,
        scenario=scenario(scene),
        **shown(subject, scene, ending, ratio),
    )
