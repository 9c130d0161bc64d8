"""Layers that are not called: never, not any more, or not yet; or called for nothing."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.hooked.answers import beside_its_twin, concerns, raised, scenario
from lpfl.conformance.hooked.branches import Added, Dropped, Ignored, Unused
from lpfl.conformance.hooked.program import shown
from lpfl.conformance.hooked.training import Scene, Training, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.unused"
SPARE, STEPS = "spare.weight", 4
STILL = 1e-12
CASES: dict[type[Unused], str] = {
    Unused: "a network with a layer that is never called",
    Dropped: "a network with a layer that is called in the first step only",
    Added: "a network with a layer that is called from the third step on",
    Ignored: "a network with a layer whose outcome the first two steps ignore",
}


@check(ID, tags=("layer",), cost=0.05, control=True)
def unused(subject: Subject) -> Iterator[CheckResult]:
    """A layer that is not called in a step stands still in it, and disturbs no other."""
    if "keeps_grad" in subject.needs or not concerns(subject):
        return
    answers = (_judged(subject, network) for network in CASES)
    answer = next(answers)
    while answer.outcome is Outcome.CONFORMS and (other := next(answers, None)) is not None:
        answer = other
    yield answer


def _judged(subject: Subject, network: type[Unused]) -> CheckResult:
    what, scene = CASES[network], Scene(network, 4, STEPS, decayed(subject))
    try:
        plain = train(subject, scene)
    except Exception as error:
        return raised(subject, ID, scene, error, what)
    ways = _ways(plain)
    moved = max(way for t, way in enumerate(ways) if t not in network.calls)
    if moved > STILL * float(plain.start[SPARE].norm()):
        return _finding(subject, scene, moved, f"in the steps that do not call it is {moved:.2g}")
    if network.calls and SPARE in plain.held and not any(ways):
        return _finding(subject, scene, 0.0, "is 0 in the steps that call it too")
    message = "The move of a layer in the steps that do not call it is 0."
    answer = CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=moved)
    if network is not Unused:
        return answer
    between = f"The gap between {what} and one without it is"
    scene = replace(scene, options={})
    beside = beside_its_twin(
        subject,
        ID,
        scene,
        what,
        f"{between} rounding.",
        f"{between} {{gap:.2g}} of the way of the other layers.",
    )
    same = beside is None or beside.outcome is Outcome.CONFORMS or _by_place(subject, scene)
    return answer if same or beside is None else beside


def _ways(run: Training) -> list[float]:
    """Return how far the layer that is not called in every step moves in each."""
    rows = [run.start, *run.path]
    return [float((b[SPARE] - a[SPARE]).norm()) for a, b in pairwise(rows)]


def _by_place(subject: Subject, scene: Scene) -> bool:
    """Return whether the groups state other rates for layers beside one that is not called."""
    plain, twin = train(subject, scene), train(subject, scene, True)
    return any(plain.rates.get(n) != twin.rates.get(n) for n in plain.trained & twin.trained)


def _finding(subject: Subject, scene: Scene, way: float, words: str) -> CheckResult:
    network = scene.network
    assert issubclass(network, Unused)
    idle = [t for t in range(STEPS) if way == 0.0 or t not in network.calls]
    ending = f"""
path = train(False)
ways = [way(path[t + 1], path[t], [{SPARE!r}]) for t in range({STEPS})]
print('way of {SPARE}', max(ways[t] for t in {idle}))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The move of {SPARE} of {CASES[network]} {words}.",
        measured=way,
        bound=STILL,
        scenario=scenario(scene),
        **shown(subject, scene, ending, way),
    )
