"""What the checks of hooked layers have in common: whom they concern, and how raising is graded."""

import traceback
from dataclasses import replace
from typing import Any

from lpfl.conformance.drives.refusals import meant, says_so
from lpfl.conformance.hooked.networks import Plain
from lpfl.conformance.hooked.program import shown
from lpfl.conformance.hooked.training import Scene, Training, apart, chance, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.subject import Subject

MAGNIFIED = 100.0
"""A distance this many times what rounding of the inputs makes is real."""
IN_WORDS = ("torch.utils.checkpoint is incompatible",)
"""What torch itself says of slopes in a checkpoint, which no optimizer can read."""
PLAIN = Scene(Plain, 4)


def concerns(subject: Subject) -> bool:
    """Return whether a subject hooks the layers of a model, or stands as control for one.

    Raises: Undrivable if it cannot be run on two linear layers, or moves nothing there.
    """
    if "model" not in subject.needs and not subject.control:
        return False
    if "trains" not in subject.memory:
        subject.memory["trains"] = train(subject, PLAIN).way
    if not subject.memory["trains"] > 0:
        raise Undrivable("two linear layers are not moved in three steps")
    return True


def raised(subject: Subject, check: str, scene: Scene, error: Exception, what: str) -> CheckResult:
    """Return the answer where a training raises: a variant if the error states a restriction."""
    if isinstance(error, Undrivable):
        raise error
    message = f"A step on {what} raises {told(error)}."
    if stated(error):
        return CheckResult(check=check, outcome=Outcome.VARIANT, message=message)
    return CheckResult(
        check=check,
        outcome=Outcome.LIMIT,
        message=message,
        scenario=scenario(scene),
        **shown(subject, scene, "train(False)", type(error).__name__),
    )


def by_custom(answer: CheckResult, axis: str, value: str) -> CheckResult:
    """Return a limit as a convention: what most implementations leave to the model they are given.

    axis, value: what the model must be like, such as ("layers are called", "by position").
    """
    if answer.outcome is not Outcome.LIMIT:
        return answer
    message = f"{answer.message[:-1]}: it expects that {axis} {value}, as most do."
    return CheckResult(
        check=answer.check, outcome=Outcome.CONVENTION, message=message, convention={axis: value}
    )


def stated(error: Exception) -> bool:
    """Return whether an error is a refusal by intention, not a stumble inside of torch."""
    if any(words in str(error) for words in IN_WORDS):
        return True
    if isinstance(error, NotImplementedError) and str(error):
        return True
    if not traceback.extract_tb(error.__traceback__)[-1].line:  # code without a source file
        return says_so(error)
    return bool(str(error)) and meant(error)


def still(subject: Subject, check: str, scene: Scene, run: Training, what: str) -> CheckResult:
    """Return the answer where weights are not moved: a variant if the optimizer holds none."""
    held = sorted(run.held & idle(run))
    if not held:
        names = ", ".join(sorted(idle(run)))
        message = f"The optimizer does not hold {names} of {what}: something else must train it."
        return CheckResult(check=check, outcome=Outcome.VARIANT, message=message, measured=0.0)
    ending = f"""
path = train(False)
print('way of {held[0]}', max(way(row, path[0], [{held[0]!r}]) for row in path))
"""
    return CheckResult(
        check=check,
        outcome=Outcome.LIMIT,
        message=f"The way of {held[0]} of {what} is exactly 0 in {scene.steps} steps.",
        measured=0.0,
        scenario=scenario(scene),
        **shown(subject, scene, ending, 0.0),
    )


def idle(run: Training) -> frozenset[str]:
    """Return the names of trainable weights that were not moved at all."""
    return frozenset(name for name in run.trained if not run.moved(name))


def off_its_twin(subject: Subject, check: str, scene: Scene, one: Training, two: Training) -> float:
    """Return the gap between plain and twin, 0 where it is no more than rounding or a seed."""
    gap = apart(one, two)
    if gap <= tolerance(subject, check) or not (one.finite and two.finite):
        return 0.0
    return gap if gap > MAGNIFIED * chance(subject, scene, replace) else 0.0


def gap_program(subject: Subject, scene: Scene, one: Training, two: Training) -> dict[str, Any]:
    """Return the program that prints the gap between plain and twin."""
    names = sorted(one.trained & two.trained)
    ending = f"""
names = {names}
one, two = train(False), train(True)
print('gap', way(one[-1], two[-1], names) / way(two[-1], two[0], names))
"""
    return shown(subject, scene, ending, apart(one, two))


def scenario(scene: Scene) -> dict[str, Any]:
    """Return a scene as it is shown."""
    says = (scene.network.__doc__ or "").strip().rstrip(".")
    return {"network": says, "steps": scene.steps, "options": dict(scene.options)}


def beside_its_twin(
    subject: Subject, check: str, scene: Scene, what: str, alike: str, other: str
) -> CheckResult | None:
    """Return the answer about a network beside its twin; None where nothing can be told.

    what: the network in words, if it raises. alike, other: what is said of the gap between them,
    the second with a place for its size.
    """
    try:
        plain = train(subject, scene)
    except Exception as error:
        return raised(subject, check, scene, error, what)
    if "first.weight" in idle(plain):
        return None
    try:
        twin = train(subject, scene, True)
    except Exception:
        return None
    gap = off_its_twin(subject, check, scene, plain, twin)
    if not gap:
        return CheckResult(check=check, outcome=Outcome.CONFORMS, message=alike, measured=gap)
    return CheckResult(
        check=check,
        outcome=Outcome.DEVIATES,
        message=other.format(gap=gap),
        measured=gap,
        scenario=scenario(scene),
        **gap_program(subject, scene, plain, twin),
    )
