"""Groups that an optimizer makes of a model's layers: the rate of each acts on its own layer."""

from collections.abc import Iterator
from dataclasses import replace

from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.hooked.answers import concerns, scenario
from lpfl.conformance.hooked.networks import FrozenFirst, Network, Plain
from lpfl.conformance.hooked.program import shown
from lpfl.conformance.hooked.training import Scene, Training, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.groups"
NETWORKS: dict[type[Network], str] = {
    Plain: "two layers",
    FrozenFirst: "three layers of which the first is frozen",
}
STILL = 1e-12


@check(ID, tags=("layer",), cost=0.05, needs=("lr",))
def groups_of_layers(subject: Subject) -> Iterator[CheckResult]:
    """Where each layer is a group, a rate of 0 stops its own layer and no other."""
    if not concerns(subject):
        return
    answers = [a for network in NETWORKS if (a := _judged(subject, network)) is not None]
    found = [answer for answer in answers if answer.outcome is not Outcome.CONFORMS]
    yield from found or answers[:1]


def _judged(subject: Subject, network: type[Network]) -> CheckResult | None:
    scene = Scene(network, 4, options=dict.fromkeys(known_as(subject, "weight_decay"), 0.0))
    try:
        plain = train(subject, scene)
        ran = {place: train(subject, replace(scene, at_rest=place)) for place in _groups(plain)}
    except Exception:  # other checks say what raises
        return None
    if len(ran) < 2:
        return None
    for name in sorted(plain.trained - _still(plain)):
        own = plain.places.get(name)
        others = [place for place, run in ran.items() if place != own and name in _still(run)]
        if own is not None and name not in _still(ran[own]) and others:
            return _finding(subject, replace(scene, at_rest=own), ran[own], name, others[0])
    message = f"A rate of 0 in each of {len(ran)} groups stops no layer of another group."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _groups(run: Training) -> list[int]:
    """Return the numbers of the groups with trained weights."""
    return sorted({place for name, place in run.places.items() if name in run.trained})


def _still(run: Training) -> frozenset[str]:
    size = lambda name: float(run.start[name].norm())  # noqa: E731
    return frozenset(name for name in run.trained if run.moved(name) <= STILL * size(name))


def _finding(subject: Subject, scene: Scene, run: Training, name: str, other: int) -> CheckResult:
    way = run.moved(name)
    ending = f"""
path = train(False)
print('way of {name}', max(way(row, path[0], [{name!r}]) for row in path))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"With lr = 0 in the group of {name} alone, in a network of "
        f"{NETWORKS[scene.network]}, {name} moves by {way:.2g}; with lr = 0 in group {other}, to "
        "which it does not belong, it stands still.",
        measured=way,
        bound=0.0,
        scenario={**scenario(scene), "lr = 0 in group": scene.at_rest},
        **shown(subject, scene, ending, way),
    )
