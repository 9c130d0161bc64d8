"""Layers whose weights need no gradient."""

from collections.abc import Iterator
from dataclasses import replace

from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.hooked.answers import (
    concerns,
    gap_program,
    idle,
    off_its_twin,
    raised,
    scenario,
    still,
)
from lpfl.conformance.hooked.networks import (
    FrozenBias,
    FrozenFirst,
    FrozenLater,
    FrozenMiddle,
    FrozenWeight,
    Network,
)
from lpfl.conformance.hooked.program import shown
from lpfl.conformance.hooked.training import Scene, Training, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.frozen"
STILL = 1e-12
CASES: dict[type[Network], tuple[str, str, int]] = {
    FrozenFirst: ("a network whose first layer is frozen", "first.weight", 0),
    FrozenMiddle: ("a network whose second layer is frozen", "middle.weight", 0),
    FrozenLater: ("a network whose first layer is frozen later", "first.weight", 2),
    FrozenBias: ("a layer whose bias alone is frozen", "first.bias", 0),
    FrozenWeight: ("a layer whose weight alone is frozen", "first.weight", 0),
}
"""Network -> in words, the frozen weight, the number of steps before it is frozen."""


@check(ID, tags=("layer",), cost=0.1, control=True)
def frozen(subject: Subject) -> Iterator[CheckResult]:
    """A frozen layer stands still, raises nothing and disturbs no other layer."""
    if not concerns(subject):
        return
    answers = [_judged(subject, network) for network in CASES]
    found = [answer for answer in answers if answer.outcome is not Outcome.CONFORMS]
    yield from found or answers[:1]


def _judged(subject: Subject, network: type[Network]) -> CheckResult:
    what, name, since = CASES[network]
    scene = Scene(network, 4, steps=since + 3, options=decayed(subject))
    try:
        plain = train(subject, scene)
    except Exception as error:
        return raised(subject, ID, scene, error, what)
    moved = plain.moved(name, since=since) / float(plain.start[name].norm())
    if moved > STILL:
        return _moves(subject, scene, plain, moved)
    if idle(plain):
        return still(subject, ID, scene, plain, what)
    disturbed = _disturbed(subject, scene) if network in (FrozenFirst, FrozenMiddle) else None
    if disturbed is not None:
        return disturbed
    message = "The move of a frozen layer is 0, and the others go their way."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=moved)


def _moves(subject: Subject, scene: Scene, run: Training, moved: float) -> CheckResult:
    what, name, since = CASES[scene.network]
    ending = f"""
path = train(False)
moved = max(way(row, path[{since}], [{name!r}]) for row in path[{since}:])
print('relative move of a frozen weight', moved / float(path[0][{name!r}].norm()))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The relative move of the frozen weight of {what} is {moved:.2g}.",
        measured=moved,
        bound=STILL,
        scenario=scenario(scene),
        **shown(subject, scene, ending, moved),
    )


def _disturbed(subject: Subject, scene: Scene) -> CheckResult | None:
    """Return the answer where the others differ from those beside a map without a parameter."""
    scene = replace(scene, options={})
    plain = train(subject, scene)
    try:
        twin = train(subject, scene, True)
    except Exception:
        return None
    if any(plain.rates.get(n) != twin.rates.get(n) for n in plain.trained & twin.trained):
        return None  # rates that the groups state, by the place of a layer: nothing is hidden
    gap = off_its_twin(subject, ID, scene, plain, twin)
    if not gap:
        return None
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"The gap of the other layers beside {CASES[scene.network][0]}, to a network with "
        f"a fixed map in its place, is {gap:.2g} of the way.",
        measured=gap,
        scenario=scenario(scene),
        **gap_program(subject, scene, plain, twin),
    )
