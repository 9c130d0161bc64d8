"""Layers that get no rows in some steps, as an expert without tokens."""

from collections.abc import Iterator

from lpfl.conformance.hooked.answers import concerns, raised, scenario
from lpfl.conformance.hooked.branches import NoRows
from lpfl.conformance.hooked.program import shown
from lpfl.conformance.hooked.training import Scene, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.no-rows"
STEPS = 4


@check(ID, tags=("layer",), cost=0.05, control=True)
def no_rows(subject: Subject) -> Iterator[CheckResult]:
    """A layer that gets no rows in some steps (an expert without tokens) leaves weights finite."""
    if not concerns(subject):
        return
    scene, what = Scene(NoRows, 4, STEPS), "a layer that gets no rows in the first two steps"
    try:
        run = train(subject, scene)
    except Exception as error:
        yield raised(subject, ID, scene, error, what)
        return
    if run.finite or not _finite_without(subject, scene):
        message = f"The weights of a network with {what} are {'' if run.finite else 'not '}finite."
        outcome = Outcome.CONFORMS if run.finite else Outcome.INCONCLUSIVE
        yield CheckResult(check=ID, outcome=outcome, message=message)
        return
    ending = "print('finite', all(bool(v.isfinite().all()) for v in train(False)[-1].values()))"
    yield CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The weights of a network with {what} are not finite; where it is not called in "
        "these steps they are.",
        scenario=scenario(scene),
        **shown(subject, scene, ending, "finite False"),
    )


def _finite_without(subject: Subject, scene: Scene) -> bool:
    """Return whether weights stay finite where the layer is not called in its place."""
    try:
        return train(subject, scene, True).finite
    except Exception:
        return False
