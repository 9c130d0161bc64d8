"""Layers on members of a sequence, or places of an image: by which rule these enter the factors."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lpfl.conformance.definition.layer_conventions import LOOSE, LayerComparison, LayerFit, norm
from lpfl.conformance.definition.layer_runs import PLACES, SEQUENCES, LayerRun, LayerScenario
from lpfl.conformance.definition.layer_snippet import layer_snippet
from lpfl.conformance.definition.layer_verdict import FIT, judge_layers
from lpfl.conformance.hooked.members import KNOWN, OTHER, Rule, SeenMembers
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES, LayerOracle
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

FAR = 1e-2
"""Distance of a step from which no rule fits, and between them nothing is told."""
ALONG, NO_CLIP = 1e-6, 1e9
CLAIMS = frozenset(oracle.claim for oracle in LAYER_ORACLES)


@dataclass(frozen=True)
class Kind:
    """A check on a network of two layers; the first sees R inputs a row, which words call so.

    damping: where it is not the usual one, but as large as the factors.
    """

    check: str
    scenario: LayerScenario
    layer: str
    words: str
    damping: float = 0.0


SEQUENCE = Kind("layer.members", SEQUENCES, "a linear layer", "members of a sequence")
IMAGE = Kind("layer.places", PLACES, "a convolution", "places of an image", 1.0)


@check(SEQUENCE.check, tags=("layer",), cost=0.1, claims=CLAIMS, control=False)
def members(subject: Subject) -> Iterator[CheckResult]:
    """The members of a sequence enter a linear layer's factors by a rule that is known.

    Papers scale the factors by the number of members in several ways: which one is a convention.
    """
    yield from _answers(subject, SEQUENCE)


@check(IMAGE.check, tags=("layer",), cost=0.1, claims=CLAIMS, control=False)
def places(subject: Subject) -> Iterator[CheckResult]:
    """The places of an image enter a convolution's factors, and no damping, by a known rule."""
    yield from _answers(subject, IMAGE)


def _answers(subject: Subject, kind: Kind) -> Iterator[CheckResult]:
    for oracle in LAYER_ORACLES:
        if oracle.claim in subject.spec.claims and "model" in subject.needs:
            found = _fitted(subject, oracle, kind)
            run = _run(found[0], kind) if found is not None else None
            if found is not None and run is not None and not found[0].leaves_alone(run):
                yield from _judged(*found, run, kind)


def _fitted(
    subject: Subject, oracle: LayerOracle, kind: Kind
) -> tuple[LayerComparison, LayerFit] | None:
    """Return the reading that a subject follows in every setting, if there is one."""
    key = FIT, oracle.claim
    if key not in subject.memory:
        judge_layers(kind.check, LayerComparison(subject, oracle))
    found: tuple[LayerComparison, LayerFit] | None = subject.memory[key]
    return found


def _run(comparison: LayerComparison, kind: Kind) -> LayerRun | None:
    """Return the run on such inputs, without a clip: it joins the layers."""
    wanted = {"clip": NO_CLIP, **({"damping": kind.damping} if kind.damping else {})}
    options = {name: value for name, value in wanted.items() if name in comparison.where}
    return comparison.run(replace(kind.scenario, options=options or None))


def _judged(
    comparison: LayerComparison, fit: LayerFit, run: LayerRun, kind: Kind
) -> Iterator[CheckResult]:
    """Yield the rule of a first step; nothing where the other layer is off by all of them."""
    known = [(_errors(comparison, fit, _by(run, rule)), rule) for rule in KNOWN]
    (away, elsewhere), rule = min(known, key=lambda tried: tried[0][0])
    if not elsewhere <= LOOSE:
        return
    if away <= LOOSE:
        told = {} if rule == KNOWN[0] else {kind.words: rule.words}
        yield CheckResult(
            check=kind.check,
            outcome=Outcome.CONVENTION if told else Outcome.CONFORMS,
            message=f"The step of {kind.layer} on R {kind.words} has {rule.words}.",
            measured=away,
            convention=told,
        )
    elif _plain(run):
        yield CheckResult(
            check=kind.check,
            outcome=Outcome.VARIANT,
            message=f"On R {kind.words} {kind.layer} takes steps along its plain gradient.",
            measured=away,
        )
    elif away > FAR:
        yield _finding(comparison, fit, _by(run, rule), away, (rule, kind))


def _finding(
    comparison: LayerComparison, fit: LayerFit, run: LayerRun, away: float, at: tuple[Rule, Kind]
) -> CheckResult:
    rule, kind = at
    others = (r for r in OTHER if _errors(comparison, fit, _by(run, r))[0] <= LOOSE)
    it_is = next((f"; it has {other.words}" for other in others), "")
    it_is = it_is or _damped_by_number(comparison, fit, run)
    text, why = layer_snippet(comparison, run, fit, 1)
    return CheckResult(
        check=kind.check,
        outcome=Outcome.LIMIT,
        message=f"No known rule for the R {kind.words} fits the first step of {kind.layer}, "
        f"which is {away:.2g} off the nearest{it_is}.",
        measured=away,
        bound=FAR,
        scenario={"network": str(run.scenario.build()), "options": dict(run.given)},
        convention={kind.words: rule.words},
        snippet=text,
        details={"no snippet": why} if why else {},
    )


def _damped_by_number(comparison: LayerComparison, fit: LayerFit, run: LayerRun) -> str:
    """Return, in words, by which power of R the damping is off, if that is all."""
    damping = run.options.get("damping")
    if not damping or not isinstance(run.seen[0][0], SeenMembers):
        return ""
    members = run.seen[0][0].inputs.shape[1]
    for power, rule in itertools.product((-2, -1, 1, 2), KNOWN):
        other = replace(run, options={**run.options, "damping": damping * float(members) ** power})
        if _errors(comparison, fit, _by(other, rule))[0] <= LOOSE:
            return f"; it is that of damping times R^{power}"
    return ""


def _by(run: LayerRun, rule: Rule) -> LayerRun:
    """Return a run in which the layers on sequences are seen by a rule."""
    seen = [
        [
            replace(layer, rule=rule, firsts={}) if isinstance(layer, SeenMembers) else layer
            for layer in layers
        ]
        for layers in run.seen
    ]
    return replace(run, seen=seen)


def _errors(comparison: LayerComparison, fit: LayerFit, run: LayerRun) -> tuple[float, float]:
    """Return the relative error of the first step: of the layer on sequences, and of the other."""
    wanted, moved = comparison.wanted(run, fit, 1)[0], run.moves()[0]
    first, last = (
        norm([u - w]) / max(norm([u]), norm([w]), 1e-300)
        for u, w in zip(moved, wanted, strict=True)
    )
    return first, last


def _plain(run: LayerRun) -> bool:
    """Return whether the layer on sequences moves against its gradient."""
    u, g = run.moves()[0][0], run.seen[0][0].gradient
    return 1 + float((u * g).sum()) / (norm([u]) * norm([g])) <= ALONG
