"""def.supports: what the measurements say about an optimizer that claims no method."""

from lpfl.conformance.definition.supports import supported
from lpfl.conformance.oracles import layer_oracle_of, oracle_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject


def names_no_method(claims: frozenset[str]) -> bool:
    """Return whether none of the claims is the name of a method with a reference."""
    return not any(oracle_of(claim) or layer_oracle_of(claim) for claim in claims)


@check("def.supports", tags=("def",), cost=3.0, claims=names_no_method, quick=False)
def supports(subject: Subject) -> CheckResult:
    """Which known method the steps are those of, where none is claimed."""
    found = supported(subject)
    said = "; ".join(found) if found else "the steps are those of no method known here"
    return CheckResult(
        check="def.supports",
        outcome=Outcome.NOT_CLAIMED,
        message=f"No method is claimed: {said}.",
        details={"supports": found},
    )
