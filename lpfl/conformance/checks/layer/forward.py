"""Forward passes that write in place, are run again, run without gradients or in bfloat16."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.hooked.answers import (
    beside_its_twin,
    by_custom,
    concerns,
    idle,
    raised,
    scenario,
    still,
)
from lpfl.conformance.hooked.forward import (
    Copied,
    CopiedToTrain,
    InPlace,
    KeptInEval,
    LookedAt,
    LookedAtLater,
    Mixed,
    Recomputed,
    RecomputedReentrant,
)
from lpfl.conformance.hooked.networks import Network
from lpfl.conformance.hooked.program import shown
from lpfl.conformance.hooked.training import Scene, train
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

NOT = r"\b(not|no|never|cannot|unsupported|without|twice|avoid)\b"
IN_PLACE, AGAIN, COPY = (
    re.compile(rf"{NOT}[^.]{{0,60}}\b{word}|\b{word}[^.]{{0,60}}{NOT}", re.IGNORECASE)
    for word in ("in.?place", r"(activation|gradient)[- ]checkpoint", r"(deep)?cop(y|ies|ied)\b")
)
EVAL = re.compile(r"\btrain(ing)? mode|\.train\(\)", re.IGNORECASE)
LOOKED_AT = re.compile(r"no_grad|\b(every|each|any|all) (call|forward)", re.IGNORECASE)
"""Words of a documentation about such passes."""
CUSTOMS: dict[type[Network], tuple[str, str]] = {
    InPlace: ("outputs are", "not overwritten, which torch forbids under full backward hooks"),
    CopiedToTrain: ("copies of the model are called", "without gradients"),
}
"""Networks -> what most implementations expect of the model instead."""


@check("layer.in-place", tags=("layer",), cost=0.05, control=True)
def in_place(subject: Subject) -> Iterator[CheckResult]:
    """An activation that writes over a layer's output trains as one that does not."""
    if concerns(subject):
        what = "a layer whose output is overwritten by ReLU(inplace=True)"
        yield from _judged(subject, "layer.in-place", {InPlace: what}, IN_PLACE)


@check("layer.recomputed", tags=("layer",), cost=0.05, control=True)
def recomputed(subject: Subject) -> Iterator[CheckResult]:
    """Layers that are run again in the backward pass (activation checkpoints) train as before."""
    if concerns(subject):
        words = "layers inside torch.utils.checkpoint, use_reentrant="
        cases: dict[type[Network], str] = {
            Recomputed: f"{words}False",
            RecomputedReentrant: f"{words}True",
        }
        yield from _judged(subject, "layer.recomputed", cases, AGAIN)


@check("layer.looked-at", tags=("layer",), cost=0.05, control=True)
def looked_at(subject: Subject) -> Iterator[CheckResult]:
    """Calls without gradients beside a forward pass leave nothing for the step."""
    if concerns(subject):
        words = "layers called under torch.no_grad()"
        cases: dict[type[Network], str] = {
            LookedAt: f"{words} before their pass",
            LookedAtLater: f"{words} between their pass and backward()",
        }
        yield from _judged(subject, "layer.looked-at", cases, LOOKED_AT)


@check("layer.copied", tags=("layer",), cost=0.05, control=True)
def copied(subject: Subject) -> Iterator[CheckResult]:
    """A copy of the model (AveragedModel) can be called, and leaves no trace in the steps."""
    if concerns(subject):
        words = "a model of which a copy (torch.optim.swa_utils.AveragedModel) is called"
        cases: dict[type[Network], str] = {
            Copied: f"{words} without gradients",
            CopiedToTrain: f"{words} with gradients",
        }
        yield from _judged(subject, "layer.copied", cases, COPY)


@check("layer.eval", tags=("layer",), cost=0.05, control=True)
def kept_in_eval(subject: Subject) -> Iterator[CheckResult]:
    """A part of the model that is in eval mode stays in it."""
    if concerns(subject):
        what = "a batch norm that is kept in eval mode"
        yield from _judged(subject, "layer.eval", {KeptInEval: what}, EVAL)


@check("layer.autocast", tags=("layer",), cost=0.05, control=True)
def autocast(subject: Subject) -> Iterator[CheckResult]:
    """A model of float32 whose layers run in bfloat16, by autocast, is trained.

    How far its steps are from those in float32 is not asked.
    """
    if not concerns(subject):
        return
    scene, what = Scene(Mixed, 4), "a model of float32 under torch.autocast to bfloat16"
    try:
        run = train(subject, scene)
        twin = run if run.finite else train(subject, scene, True)
    except Exception as error:
        yield raised(subject, "layer.autocast", scene, error, what)
        return
    if twin.finite and not run.finite:
        yield _infinite(subject, scene, what)
    elif still_here := idle(run):
        if still_here & run.held:
            yield still(subject, "layer.autocast", scene, run, what)
    else:
        message = f"All weights of {what} are moved."
        yield CheckResult(check="layer.autocast", outcome=Outcome.CONFORMS, message=message)


def _infinite(subject: Subject, scene: Scene, what: str) -> CheckResult:
    ending = "print('finite', all(bool(v.isfinite().all()) for v in train(False)[-1].values()))"
    return CheckResult(
        check="layer.autocast",
        outcome=Outcome.LIMIT,
        message=f"The weights of {what} are not finite after {scene.steps} steps; without autocast "
        "they are.",
        scenario=scenario(scene),
        **shown(subject, scene, ending, "finite False"),
    )


def _judged(
    subject: Subject,
    check_id: str,
    cases: Mapping[type[Network], str],
    spoken_of: re.Pattern[str],
) -> Iterator[CheckResult]:
    """Yield what differs, or that nothing does; a limit, as no definition speaks of such passes."""
    answers = []
    for network, what in cases.items():
        between = f"The gap between {what}, and the same without it, is"
        answer = beside_its_twin(
            subject,
            check_id,
            Scene(network, 4),
            what,
            f"{between} rounding.",
            f"{between} {{gap:.2g}} of the way.",
        )
        if answer is not None:
            answers.append(_of_custom(network, _graded(subject, answer, spoken_of)))
    found = {a.outcome: a for a in reversed(answers) if a.outcome is not Outcome.CONFORMS}
    yield from found.values() or answers[:1]


def _of_custom(network: type[Network], answer: CheckResult) -> CheckResult:
    """Return what most implementations raise on as a convention; a gap is a limit."""
    raises = answer.measured is None
    return by_custom(answer, *CUSTOMS[network]) if raises and network in CUSTOMS else answer


def _graded(subject: Subject, answer: CheckResult, spoken_of: re.Pattern[str]) -> CheckResult:
    """Return an answer, a limit in place of a deviation; a variant where it is told of."""
    if answer.outcome not in (Outcome.DEVIATES, Outcome.LIMIT):
        return answer
    start = subject.draw([(6, 4)], 0, answer.check)[0]
    if spoken_of.search(documentation(subject, subject.open(start).optimizer)):
        message = f"{answer.message[:-1]}: its documentation speaks of it."
        return CheckResult(check=answer.check, outcome=Outcome.VARIANT, message=message)
    return replace(answer, outcome=Outcome.LIMIT)
