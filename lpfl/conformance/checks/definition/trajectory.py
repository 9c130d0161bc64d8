"""def.trajectory: every step of a subject against the reference of the method it claims."""

from collections.abc import Iterable
from dataclasses import replace

from lpfl.conformance.checks.definition.forms import with_forms
from lpfl.conformance.checks.definition.halved_rates import halved_rates
from lpfl.conformance.checks.definition.hybrid import on_vectors
from lpfl.conformance.checks.definition.masks import judged
from lpfl.conformance.checks.definition.relative_steps import relative_steps
from lpfl.conformance.definition.layer_conventions import LayerComparison
from lpfl.conformance.definition.layer_verdict import judge_layers
from lpfl.conformance.definition.trajectory_verdict import CHECK, in_any_form
from lpfl.conformance.oracles import layer_oracle_of, oracle_of, oracles
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES, LayerOracle
from lpfl.conformance.outcomes import CheckResult, Outcome, worst
from lpfl.conformance.registry import all_checks, check
from lpfl.conformance.subject import Subject


def concerns(claims: frozenset[str]) -> bool:
    """Return whether one of the claims has a reference."""
    return any(oracle_of(claim) or layer_oracle_of(claim) for claim in claims)


@check(CHECK, tags=("def",), cost=1.0, claims=concerns)
def trajectory(subject: Subject) -> Iterable[CheckResult]:
    """Every step is the step of the claimed method, under one named convention everywhere."""
    for claim in sorted(subject.spec.claims):
        oracle = oracle_of(claim)
        layered = layer_oracle_of(claim)
        if oracle is not None:
            answer = in_any_form(oracle, lambda form: judged(subject, form))
            yield from with_forms(subject, claim, answer)
        elif layered is not None:
            yield _on_layers(subject, layered)
    yield from on_vectors(subject)
    yield from relative_steps(subject)
    yield from halved_rates(subject)


def _on_layers(subject: Subject, oracle: LayerOracle) -> CheckResult:
    """Return the answer about layers; beside a rule for vectors their biases may be left to it."""
    answer = judge_layers(CHECK, LayerComparison(subject, oracle))
    if answer.outcome is not Outcome.DEVIATES or not subject.beside:
        return answer
    other = judge_layers(CHECK, LayerComparison(subject, oracle, biases=False))
    if other.outcome is Outcome.DEVIATES:
        return answer
    return replace(
        other,
        outcome=worst([other.outcome, Outcome.CONVENTION]),
        message=f"{other.message} Biases are left to another rule.",
        convention={**other.convention, "bias": "by another rule"},
    )


@check("def.claims", tags=("def",), cost=0.1, control=False)
def claims(subject: Subject) -> Iterable[CheckResult]:
    """Every claim is one that some check knows."""
    known = {*oracles(), *(o.claim for o in LAYER_ORACLES), *known_properties()}
    for claim in sorted(subject.spec.claims):
        if claim not in known and not (oracle_of(claim) or layer_oracle_of(claim)):
            yield CheckResult(
                check="def.claims",
                outcome=Outcome.UNKNOWN,
                message=f"The claim {claim!r} is unknown; known are {', '.join(sorted(known))}.",
            )


def known_properties() -> set[str]:
    """Return claims that checks name in their registration, beside the references'."""
    from lpfl.conformance.claims import known_words

    found: set[str] = set(known_words())
    for other in all_checks().values():
        if other.claims is not None and not callable(other.claims):
            found |= set(other.claims)
    return found
