"""Convolutions are preconditioned by the patches that they see."""

import re
from collections.abc import Iterator

from lpfl.conformance.claims import promises
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.hooked.answers import beside_its_twin, by_custom, concerns
from lpfl.conformance.hooked.images import Dilated, Grouped, Padded, SamePadded, Strided
from lpfl.conformance.hooked.networks import Network
from lpfl.conformance.hooked.training import Scene
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.patches"
INPUTS = 32
BY_NAME = re.compile(r"padd\w*[^.]{0,40}(\bby name|\bstring|[\"'`]same)", re.IGNORECASE)
"""Words about layers whose padding is a word, which are left aside then."""
CASES: dict[type[Network], tuple[str, str]] = {
    Padded: ("a convolution with padding and stride", "an image padded beforehand"),
    SamePadded: ('a convolution with padding="same"', "the same padding in pixels"),
    Strided: ("a convolution whose stride is its kernel", "patches that are one pixel each"),
    Dilated: ("a convolution with dilation", "patches that are one pixel each"),
    Grouped: ("a convolution of two groups", "the groups the other way round"),
}
"""Network -> what it is, and what its twin has."""


@check(ID, tags=("layer",), cost=0.1, control=True)
def patches(subject: Subject) -> Iterator[CheckResult]:
    """A convolution with padding, stride or groups trains as one that sees the same patches."""
    promised = any(p.flattened for p in promises(subject.spec.claims).values())
    if not promised or not concerns(subject):
        return
    answers = [a for network in CASES if (a := _judged(subject, network)) is not None]
    found = [answer for answer in answers if answer.outcome is not Outcome.CONFORMS]
    yield from found or answers[:1]


def _leaves_names_aside(subject: Subject) -> bool:
    """Return whether the documentation leaves out layers whose padding is a word."""
    start = subject.draw([(6, 4)], 0, ID)[0]
    return bool(BY_NAME.search(documentation(subject, subject.open(start).optimizer)))


def _judged(subject: Subject, network: type[Network]) -> CheckResult | None:
    what, other = CASES[network]
    if network is SamePadded and _leaves_names_aside(subject):
        return None
    between = f"The gap between {what} and the same with {other} is"
    answer = beside_its_twin(
        subject,
        ID,
        Scene(network, INPUTS),
        what,
        f"{between} rounding.",
        f"{between} {{gap:.2g}} of the way.",
    )
    if answer is None or network is not SamePadded or answer.measured is not None:
        return answer
    return by_custom(answer, "padding is", "a number")
