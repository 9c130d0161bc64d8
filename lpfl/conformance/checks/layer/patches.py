"""Convolutions are preconditioned by the patches that they see."""

from collections.abc import Iterator

from lpfl.conformance.claims import promises
from lpfl.conformance.hooked.answers import (
    concerns,
    gap_program,
    idle,
    off_its_twin,
    raised,
    scenario,
)
from lpfl.conformance.hooked.images import Dilated, Grouped, Padded, Strided
from lpfl.conformance.hooked.networks import Network
from lpfl.conformance.hooked.training import Scene, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.patches"
INPUTS = 32
CASES: dict[type[Network], tuple[str, str]] = {
    Padded: ("a convolution with padding and stride", "an image padded beforehand"),
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
    scene = Scene(network, INPUTS)
    try:
        plain = train(subject, scene)
    except Exception as error:
        return raised(subject, ID, scene, error, what)
    if "first.weight" in idle(plain):
        return None
    try:
        twin = train(subject, scene, True)
    except Exception:
        return None
    gap = off_its_twin(subject, ID, scene, plain, twin)
    if not gap:
        message = f"The gap between {what} and the same with {other} is rounding."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=gap)
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"The gap between {what} and the same with {other} is {gap:.2g} of the way.",
        measured=gap,
        scenario=scenario(scene),
        **gap_program(subject, scene, plain, twin),
    )
