"""A model that is written in another way trains as before."""

from collections.abc import Iterator, Mapping

from lpfl.conformance.claims import promises
from lpfl.conformance.hooked.answers import beside_its_twin, concerns, idle, off_its_twin
from lpfl.conformance.hooked.networks import Network
from lpfl.conformance.hooked.rewritten import Biased, BiasedPlaces, Members, Places, Registered
from lpfl.conformance.hooked.training import Scene, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.rewritten"
INPUTS = 12
ORDERS: Mapping[type[Network], str] = {
    Members: "the members of a sequence the other way round",
    Places: "the image of a 1 x 1 convolution upside down",
}
KRONECKER: Mapping[type[Network], str] = {
    Registered: "the layers registered in the order of their calls",
    BiasedPlaces: "the bias of a convolution as the weight of an input that is always 1",
}
"""What holds of a method with two factors for each layer."""


@check(ID, tags=("layer",), cost=0.2, control=True)
def rewritten(subject: Subject) -> Iterator[CheckResult]:
    """Members, places and layers in another order, or a bias as an input, change nothing."""
    if not concerns(subject):
        return
    cases = dict(ORDERS)
    if any(p.flattened for p in promises(subject.spec.claims).values()):
        cases |= KRONECKER
        if not _joins_bias(subject):
            del cases[BiasedPlaces]
    answers = [a for network, what in cases.items() if (a := _judged(subject, network, what))]
    found = [answer for answer in answers if answer.outcome is not Outcome.CONFORMS]
    yield from found or answers[:1]


def _joins_bias(subject: Subject) -> bool:
    """Return whether the bias of a linear layer counts as the weight of a constant input."""
    scene = Scene(Biased, INPUTS)
    try:
        pair = train(subject, scene), train(subject, scene, True)
    except Exception:
        return False
    return not idle(pair[0]) and off_its_twin(subject, ID, scene, *pair) == 0


def _judged(subject: Subject, network: type[Network], what: str) -> CheckResult | None:
    return beside_its_twin(
        subject,
        ID,
        Scene(network, INPUTS),
        (network.__doc__ or "").partition(";")[0].lower(),
        f"The gap that {what} makes is rounding.",
        f"With {what} training ends {{gap:.2g}} of its way apart.",
    )
