"""Convolutions are preconditioned by the patches that they see."""

from collections.abc import Iterator

from lpfl.conformance.claims import promises
from lpfl.conformance.hooked.answers import beside_its_twin, concerns
from lpfl.conformance.hooked.images import Dilated, Grouped, Padded, SamePadded, Strided
from lpfl.conformance.hooked.networks import Network
from lpfl.conformance.hooked.training import Scene
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.patches"
INPUTS = 32
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


def _judged(subject: Subject, network: type[Network]) -> CheckResult | None:
    what, other = CASES[network]
    between = f"The gap between {what} and the same with {other} is"
    return beside_its_twin(
        subject,
        ID,
        Scene(network, INPUTS),
        what,
        f"{between} rounding.",
        f"{between} {{gap:.2g}} of the way.",
    )
