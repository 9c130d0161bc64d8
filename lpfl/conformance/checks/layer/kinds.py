"""Every kind of layer is trained, refused in words, or left to another optimizer."""

from collections.abc import Callable, Iterator

from torch import nn

from lpfl.conformance.definition.grid import said_for_linear_layers
from lpfl.conformance.hooked.answers import by_custom, concerns, idle, raised, still
from lpfl.conformance.hooked.kinds import KINDS, Keyworded, Normalized
from lpfl.conformance.hooked.training import Scene, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

Build = Callable[[], nn.Module]
ID = "layer.kinds"
INPUTS = 6
CUSTOMS: dict[Build, tuple[str, str]] = {
    Keyworded: ("layers are called", "by position"),
    Normalized: ("weights are", "not parametrized"),
}
"""Networks -> what most implementations expect of the model instead."""


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
            yield _of_custom(network, raised(subject, ID, scene, error, what))
            continue
        if not run.finite:
            message = f"A training with {what} is not finite: nothing is told."
            yield CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
        elif still_here := idle(run):
            if said_for_linear_layers(subject) and not still_here & _linear(network):
                message = f"{what} stays where it is: the optimizer says it is for linear layers."
                message = message[0].upper() + message[1:]
                yield CheckResult(check=ID, outcome=Outcome.VARIANT, message=message, measured=0.0)
            else:
                yield _of_custom(network, still(subject, ID, scene, run, what))
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


def _of_custom(network: Build, answer: CheckResult) -> CheckResult:
    return by_custom(answer, *CUSTOMS[network]) if network in CUSTOMS else answer


def _linear(network: Build) -> frozenset[str]:
    """Return the names of the weights in the linear layers of a network."""
    layers = [(n, m) for n, m in network().named_modules() if isinstance(m, nn.Linear)]
    return frozenset(f"{n}.{name}" for n, m in layers for name, _ in m.named_parameters())
