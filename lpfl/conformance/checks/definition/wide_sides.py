"""Sides too large for a preconditioner: which ones go without, and what the others do."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import fitted
from lpfl.conformance.definition.grid import unusual
from lpfl.conformance.definition.precision import LOOSE
from lpfl.conformance.definition.runs import Candidate, Run, total
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.seen.cuts import limits_of
from lpfl.conformance.definition.trajectory_snippet import SHOWN, first_miss, snippet
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.oracles import oracle_of, shampoo, soap
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.oracles.matrices import OTHERS, WIDE
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

ID = "def.wide-sides"
LARGEST, FREE, TRIED = 6, 10000, 5
SIDES: Mapping[str, tuple[str, ...]] = {"shampoo": shampoo.SIDES, "soap": soap.SIDES}
USUAL: Mapping[str, int] = {"shampoo": 2, "soap": 1}
"""Number of the first readings that are the method with the identity on a side."""
SCENARIO = Scenario("a side above the largest", ((7, 6), (6, 7)), steps=8)


@check(ID, tags=("def",), cost=2.0, claims=SIDES.keys(), needs=("inject",))
def wide_sides(subject: Subject) -> Iterator[CheckResult]:
    """A side above the largest that is preconditioned goes without; the others do not."""
    names = limits_of(subject)
    for claim in sorted(subject.spec.claims & SIDES.keys()):
        oracle = oracle_of(claim)
        if not names:
            message = "Not applicable: no option is the largest side of a preconditioner."
            yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
        elif oracle is not None:
            yield _judged(subject, oracle, names[0])


def limited(oracle: Oracle) -> Oracle:
    """Return a reference with a largest side, and an axis about those above it."""
    return replace(
        oracle,
        options={**oracle.options, "largest": 0},
        aliases={**oracle.aliases, "largest": ()},
        conventions={**oracle.conventions, WIDE: SIDES[oracle.claim]},
    )


def _judged(subject: Subject, oracle: Oracle, name: str) -> CheckResult:
    comparison = Comparison(subject, limited(oracle), off={name: LARGEST})
    runs = comparison.runs(SCENARIO)
    if not runs:
        return _unmade(subject, name, comparison.settings(SCENARIO)[1])
    free = Comparison(subject, oracle, off={name: FREE})
    message = f"Not judged: below every limit its steps are not those of {oracle.claim}."
    said = f"With {name}={LARGEST}, weights of 7 x 6 and 6 x 7"
    for fit in islice(fitted(free), TRIED):
        one = fit.candidate
        if _same(runs, free.runs(SCENARIO)):
            if not _idle(subject, name):
                message = f"{said} move as without it, larger ones do not."
                break
            message = f"{said} move as without it, so does 300 x 4 with 128: it is not used."
            return _answer(comparison, Outcome.LIMIT, message, runs, one)
        values = SIDES[oracle.claim]
        held = [v for v in values if _holds(comparison, _read(one, v), runs)]
        if held[:1] == [OTHERS]:
            message = f"{said} keep the preconditioner of the side above it; {OTHERS} one."
            return _answer(comparison, Outcome.DEVIATES, message, runs, one)
        if held:
            kind = Outcome.CONVENTION if held[0] in values[: USUAL[oracle.claim]] else None
            outcome = Outcome.CONFORMS if held[0] == values[0] else kind or Outcome.VARIANT
            convention = {WIDE: held[0], **unusual(oracle, one.convention)}
            message = f"{said} are stepped with {WIDE}: {held[0]}."
            return CheckResult(check=ID, outcome=outcome, message=message, convention=convention)
        message = f"{said} are stepped in no way known here."
    return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)


def _unmade(subject: Subject, name: str, given: Mapping[str, Any]) -> CheckResult:
    """No run could be made: a finding where the same weights are stepped without a limit."""
    for shape in SCENARIO.shapes:
        start, gradients = subject.draw([shape], 2, ID, *shape)
        try:
            subject.run(start, gradients, options={**given, name: FREE})
        except Exception:
            continue
        try:
            subject.run(start, gradients, options=given)
        except Exception as error:
            if says_so(error):
                continue
            what = f"raises: {type(error).__name__}"
            body = f"""
try:
    run(start, gradients, **{dict(given)!r})
    print("raises: nothing")
except Exception as error:
    print("raises:", type(error).__name__)
"""
            size = " x ".join(map(str, shape))
            message = f"With {name}={LARGEST} a weight of {size} raises {told(error)}"
            return CheckResult(
                check=ID,
                outcome=Outcome.LIMIT,
                message=f"{message.rstrip('.')}; without the limit it does not.",
                scenario={"shape": shape, "options": dict(given), "steps": 2},
                **evidence(subject, body, what, shapes=[shape], steps=2, stream=(ID, *shape)),
            )
    message = f"Not driven: with {name}={LARGEST} no run could be made."
    return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)


def _idle(subject: Subject, name: str) -> bool:
    """Return whether the option does nothing on a large side either."""
    start, gradients = subject.draw([(300, 4)], 2, ID)
    runs = [subject.run(start, gradients, options=o) for o in ({name: 128}, {name: FREE})]
    return gap(*runs) <= LOOSE


def _read(candidate: Candidate, value: str) -> Candidate:
    convention = {**candidate.convention, WIDE: value}
    return replace(
        candidate, convention=convention, hidden={**candidate.hidden, "largest": LARGEST}
    )


def _holds(comparison: Comparison, reading: Candidate, runs: list[Run]) -> bool:
    """Return whether a reading is close in every step; what rounding excuses is no evidence."""
    return all(max(comparison.gaps(run, reading)) <= LOOSE for run in runs)


def _same(some: list[Run], others: list[Run]) -> bool:
    """Return whether runs of a subject are those made with other options."""
    if len(some) != len(others):
        return False
    pairs = [(u, v) for a, b in zip(some, others, strict=True) for u, v in _steps(a, b)]
    return all(total([u[0] - v[0]]) <= LOOSE * total(v) for u, v in pairs)


def _steps(one: Run, other: Run) -> Iterator[tuple[Any, Any]]:
    return zip(one.moves(), other.moves(), strict=True)


def _answer(
    comparison: Comparison,
    outcome: Outcome,
    message: str,
    runs: list[Run],
    candidate: Candidate,
) -> CheckResult:
    """Return a finding with a program that shows it against the usual reading."""
    usual = _read(candidate, SIDES[comparison.oracle.claim][0])
    missed = ((run, first_miss(run, comparison, usual, SHOWN)) for run in runs)
    run, step = next(((run, step) for run, step in missed if step), (runs[0], 1))
    gap = comparison.gaps(run, usual)[step - 1]
    text, why = snippet(comparison, run, step, usual)
    details: dict[str, Any] = {"snippet": why} if why else {}
    scenario = {"shape": run.shapes[0], "options": dict(run.given), "step": step}
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=gap,
        scenario=scenario,
        snippet=text,
        details=details,
    )
