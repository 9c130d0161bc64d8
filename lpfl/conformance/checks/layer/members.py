"""Linear layers on sequences: by which rule the members enter the factors."""

from collections.abc import Iterator
from dataclasses import replace

from lpfl.conformance.definition.layer_conventions import LOOSE, LayerComparison, LayerFit, norm
from lpfl.conformance.definition.layer_runs import SEQUENCES, LayerRun
from lpfl.conformance.definition.layer_snippet import layer_snippet
from lpfl.conformance.definition.layer_verdict import FIT, judge_layers
from lpfl.conformance.hooked.members import KNOWN, OTHER, Rule, SeenMembers
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES, LayerOracle
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "layer.members"
FAR = 1e-2
"""Distance of a step from which no rule fits, and between them nothing is told."""
ALONG, NO_CLIP = 1e-6, 1e9
CLAIMS = frozenset(oracle.claim for oracle in LAYER_ORACLES)


@check(ID, tags=("layer",), cost=0.1, claims=CLAIMS, control=False)
def members(subject: Subject) -> Iterator[CheckResult]:
    """The members of a sequence enter a linear layer's factors by a rule that is known.

    Papers scale the factors by the number of members in several ways: which one is a convention.
    """
    for oracle in LAYER_ORACLES:
        if oracle.claim in subject.spec.claims and "model" in subject.needs:
            found = _fitted(subject, oracle)
            if found is not None and (run := _run(found[0])) is not None:
                yield from _judged(*found, run)


def _fitted(subject: Subject, oracle: LayerOracle) -> tuple[LayerComparison, LayerFit] | None:
    """Return the reading that a subject follows in every setting, if there is one."""
    key = FIT, oracle.claim
    if key not in subject.memory:
        judge_layers(ID, LayerComparison(subject, oracle))
    found: tuple[LayerComparison, LayerFit] | None = subject.memory[key]
    return found


def _run(comparison: LayerComparison) -> LayerRun | None:
    """Return the run on sequences, without a clip: it joins the layers."""
    wide = {"clip": NO_CLIP} if "clip" in comparison.where else None
    return comparison.run(replace(SEQUENCES, options=wide))


def _judged(comparison: LayerComparison, fit: LayerFit, run: LayerRun) -> Iterator[CheckResult]:
    """Yield the rule of a first step; nothing where the other layer is off by all of them."""
    known = [(_errors(comparison, fit, _by(run, rule)), rule) for rule in KNOWN]
    (away, elsewhere), rule = min(known, key=lambda tried: tried[0][0])
    if not elsewhere <= LOOSE:
        return
    if away <= LOOSE:
        told = {} if rule == KNOWN[0] else {"members of a sequence": rule.words}
        yield CheckResult(
            check=ID,
            outcome=Outcome.CONVENTION if told else Outcome.CONFORMS,
            message=f"The step of a layer on sequences of R members has {rule.words}.",
            measured=away,
            convention=told,
        )
    elif _plain(run):
        message = "A linear layer on sequences takes steps along its plain gradient."
        yield CheckResult(check=ID, outcome=Outcome.VARIANT, message=message, measured=away)
    elif away > FAR:
        yield _finding(comparison, fit, _by(run, rule), away, rule)


def _finding(
    comparison: LayerComparison, fit: LayerFit, run: LayerRun, away: float, rule: Rule
) -> CheckResult:
    others = (r for r in OTHER if _errors(comparison, fit, _by(run, r))[0] <= LOOSE)
    it_is = next((f"; it has {other.words}" for other in others), "")
    text, why = layer_snippet(comparison, run, fit, 1)
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"No known rule for the R members of a sequence fits the first step of a linear "
        f"layer, which is {away:.2g} off the nearest{it_is}.",
        measured=away,
        bound=FAR,
        scenario={"network": str(run.scenario.build()), "options": dict(run.given)},
        convention={"members of a sequence": rule.words},
        snippet=text,
        details={"no snippet": why} if why else {},
    )


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
