"""Every kind of layer is trained, refused in words, or left to another optimizer."""

from collections.abc import Iterator

from lpfl.conformance.hooked.answers import concerns, idle, raised, still
from lpfl.conformance.hooked.kinds import KINDS
from lpfl.conformance.hooked.training import Scene, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.kinds"
INPUTS = 6


@check(ID, tags=("layer",), cost=0.2, control=True)
def kinds(subject: Subject) -> Iterator[CheckResult]:
    """Every kind of layer is trained, refused in words, or left out of the optimizer's groups."""
    if not concerns(subject):
        return
    trained = []
    for network in KINDS:
        what, scene = network.__doc__ or "", Scene(network, INPUTS)
        try:
            run = train(subject, scene)
        except Exception as error:
            yield raised(subject, ID, scene, error, what)
            continue
        if not run.finite:
            message = f"A training with {what} is not finite: nothing is told."
            yield CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
        elif idle(run):
            yield still(subject, ID, scene, run, what)
        else:
            trained.append(what)
    if trained:
        message = f"The number of kinds of layers trained is {len(trained)} of {len(KINDS)}."
        yield CheckResult(
            check=ID,
            outcome=Outcome.CONFORMS,
            message=message,
            measured=float(len(trained)),
            details={"trained": trained},
        )
