"""Layers that get no rows in some steps, as an expert without tokens."""

from collections.abc import Iterator

from lpfl.conformance.hooked.answers import by_custom, concerns, raised
from lpfl.conformance.hooked.branches import NoRows
from lpfl.conformance.hooked.training import Scene, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.no-rows"
STEPS = 4
CUSTOM = ("layers that are called get", "rows")


@check(ID, tags=("layer",), cost=0.05, control=True)
def no_rows(subject: Subject) -> Iterator[CheckResult]:
    """A layer that gets no rows in some steps (an expert without tokens) leaves weights finite."""
    if not concerns(subject):
        return
    scene, what = Scene(NoRows, 4, STEPS), "a layer that gets no rows in the first two steps"
    try:
        run = train(subject, scene)
    except Exception as error:
        yield by_custom(raised(subject, ID, scene, error, what), *CUSTOM)
        return
    if run.finite or not _finite_without(subject, scene):
        message = f"The weights of a network with {what} are {'' if run.finite else 'not '}finite."
        outcome = Outcome.CONFORMS if run.finite else Outcome.INCONCLUSIVE
        yield CheckResult(check=ID, outcome=outcome, message=message)
        return
    message = (
        f"The weights of a network with {what} are not finite; where it is not called in these "
        "steps they are."
    )
    answer = CheckResult(check=ID, outcome=Outcome.LIMIT, message=message)
    yield by_custom(answer, *CUSTOM)


def _finite_without(subject: Subject, scene: Scene) -> bool:
    """Return whether weights stay finite where the layer is not called in its place."""
    try:
        return train(subject, scene, True).finite
    except Exception:
        return False
