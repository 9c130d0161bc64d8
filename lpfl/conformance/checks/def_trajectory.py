"""def.trajectory: every step of a subject against the reference of the method it claims."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from lpfl.conformance.comparison import Candidate, Comparison, Run
from lpfl.conformance.conventions import Fit, search
from lpfl.conformance.grid import departed, documented, unusual, varied
from lpfl.conformance.option_names import undefined
from lpfl.conformance.layer_conventions import LayerComparison
from lpfl.conformance.layer_verdict import judge_layers
from lpfl.conformance.oracles import layer_oracle_of, oracle_of, oracles
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.residuals import diagnose
from lpfl.conformance.settings import fitting
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory_snippet import smallest, snippet

CHECK = "def.trajectory"


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
            yield judge(Comparison(subject, oracle))
        elif layered is not None:
            yield judge_layers(CHECK, LayerComparison(subject, layered))


def judge(comparison: Comparison) -> CheckResult:
    """Return the answer for one claim."""
    claim = comparison.oracle.claim
    if not comparison.runs(fitting(comparison.oracle)):
        why = "; ".join(comparison.notes) or "it takes none of the shapes"
        return answer(comparison, Outcome.UNDRIVABLE, f"{claim}: no run could be made: {why}.")
    fit = search(comparison)
    if fit is None:
        return unfitted(comparison)
    if fit.miss is not None:
        return missed(comparison, fit, fit.miss.run, fit.miss.step)
    return held(comparison, fit)


def answer(
    comparison: Comparison, outcome: Outcome, message: str, **more: Any
) -> CheckResult:
    details = {"claim": comparison.oracle.claim, "source": comparison.oracle.source}
    if comparison.notes:
        details["notes"] = list(comparison.notes)
    details |= more.pop("details", {})
    return CheckResult(check=CHECK, outcome=outcome, message=message, details=details, **more)


def spoken(convention: Mapping[str, str]) -> str:
    """Return a convention as words: axis: value, and so on."""
    return "; ".join(f"{axis}: {value}" for axis, value in convention.items())


def setting(run: Run, step: int | None = None) -> dict[str, Any]:
    """Return a run's setting as plain values."""
    out: dict[str, Any] = {
        "name": run.scenario.name,
        "shape": [list(shape) for shape in run.shapes],
        "options": dict(run.given),
        "gradients": run.scenario.profile,
        "dtype": str(run.scenario.dtype).removeprefix("torch."),
    }
    return out if step is None else {**out, "step": step}


def held(comparison: Comparison, fit: Fit) -> CheckResult:
    """Grade a reading that holds in all settings."""
    oracle, convention = comparison.oracle, fit.candidate.convention
    faults, variants = departed(oracle, convention), varied(oracle, convention)
    other = unusual(oracle, convention)
    optimizer = comparison.runs_optimizer()
    faults = {
        a: v for a, v in faults.items() if a not in documented(comparison.subject, optimizer, faults)
    }
    common = {
        "convention": other,
        "measured": fit.worst,
        "details": {
            "settings": fit.held,
            "hidden": dict(fit.candidate.hidden),
            "undetermined": sorted(set(fit.undetermined)),
        },
    }
    if faults:
        return departure(comparison, fit, faults)
    where = f"in {len(fit.held)} settings"
    exact = f"Every step is {oracle.claim}'s {where}"
    words = f"{exact}; {spoken(other)}." if other else f"{exact}."
    if fit.inexact is not None and fit.worst > 0:
        run = fit.inexact
        kind = "float32" if run.scenario.dtype == torch.float32 else "float64"
        inner = _inner(convention, fit.worst)
        text = f"Every step is {oracle.claim}'s, with a relative error of {fit.worst:.2g} in {kind}{inner}"
        text += f"; {spoken(other)}." if other else "."
        return answer(comparison, Outcome.NUMERICS, text, scenario=setting(run), **common)
    if variants or departed(oracle, convention):
        return answer(comparison, Outcome.VARIANT, words, **common)
    if other:
        return answer(comparison, Outcome.CONVENTION, words, **common)
    return answer(comparison, Outcome.CONFORMS, words, **common)


def _inner(convention: Mapping[str, str], worst: float) -> str:
    if any("bfloat16" in value for value in convention.values()):
        return ": bfloat16 inside"
    return ": float32 inside" if worst < 1e-2 else ""


def departure(comparison: Comparison, fit: Fit, faults: Mapping[str, str]) -> CheckResult:
    """The subject follows a method exactly, but not the one that it claims."""
    oracle = comparison.oracle
    repaired = {**fit.candidate.convention, **{a: oracle.paper()[a] for a in faults}}
    reading = Candidate(repaired, fit.candidate.hidden)
    text = f"Every step is that of {oracle.claim} with another rule ({spoken(faults)})"
    runs = comparison.runs(fitting(comparison.oracle))
    return accuse(comparison, reading, runs[0], 1, text)


def missed(comparison: Comparison, fit: Fit, run: Run, step: int) -> CheckResult:
    """A convention fits in one setting and fails in another."""
    other = unusual(comparison.oracle, fit.candidate.convention)
    name = run.scenario.name
    text = f"{comparison.oracle.claim} fits with the options off their defaults, not for {name}"
    text += f" ({spoken(other)})" if other else ""
    return accuse(comparison, fit.candidate, run, step, text)


def unfitted(comparison: Comparison) -> CheckResult:
    """No convention fits: say what the residual is."""
    found = diagnose(comparison)
    claim = comparison.oracle.claim
    if found is None:
        return answer(comparison, Outcome.UNDRIVABLE, f"{claim}: no run could be made.")
    text = f"No convention of {claim} fits: {found.text}"
    details = {"residual": found.kind, **found.numbers}
    return accuse(comparison, found.reading, found.run, found.step, text, details)


def accuse(
    comparison: Comparison,
    reading: Candidate,
    run: Run,
    step: int,
    text: str,
    details: Mapping[str, Any] | None = None,
) -> CheckResult:
    """Return ``deviates`` with the smallest setting and a program that shows it."""
    small, at = smallest(comparison, run, reading)
    program, why = snippet(comparison, small, at, reading)
    errors = comparison.gaps(small, reading)
    gap = errors[at - 1]
    more = {"first step": at, **(details or {})}
    if why:
        more["no snippet"] = why
    unknown = undefined(comparison.subject, comparison.where)
    if unknown:
        more["options beyond the definition"] = unknown
    shape = " x ".join(map(str, small.shapes[0])) or "a number"
    return answer(
        comparison,
        Outcome.DEVIATES,
        f"{text}; step {at} of {shape} weights is {gap:.2g} off.",
        measured=gap,
        convention=unusual(comparison.oracle, reading.convention),
        scenario=setting(small, at),
        snippet=program,
        details=more,
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
    from lpfl.conformance.registry import all_checks

    found: set[str] = set()
    for other in all_checks().values():
        if other.claims is not None and not callable(other.claims):
            found |= set(other.claims)
    return found
