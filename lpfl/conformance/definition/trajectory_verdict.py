"""The answer about one claim: which reading of the definition the subject follows, if any."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import Fit, search
from lpfl.conformance.definition.extras import shown, stood_for, switched_off
from lpfl.conformance.definition.grid import departed, unsaid, unusual, varied
from lpfl.conformance.definition.option_names import undefined
from lpfl.conformance.definition.precision import coarse, kept_in
from lpfl.conformance.definition.residuals import diagnose
from lpfl.conformance.definition.runs import Candidate, Run
from lpfl.conformance.definition.seen import extremes, polar
from lpfl.conformance.definition.seen.option import option_at_fault
from lpfl.conformance.definition.seen.thresholds import unreached
from lpfl.conformance.definition.seen.unjudged import by_chance, by_loop
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.definition.supports import degenerates
from lpfl.conformance.definition.trajectory_snippet import SHOWN, first_miss, smallest, snippet
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import named_options

CHECK = "def.trajectory"


def in_any_form(oracle: Oracle, judged: Callable[[Oracle], CheckResult]) -> CheckResult:
    """Return the answer about a claim: that of the form of the method that fits best.

    A form that no reading fits accuses only if none of the others fits, one that fits roughly
    gives way to one that fits exactly.
    """
    answers = []
    for form in filter(None, map(oracle_of, (oracle.claim, *oracle.forms))):
        answers.append(judged(form))
        if answers[-1].outcome not in (Outcome.DEVIATES, Outcome.NUMERICS):
            return answers[-1]
    # a form that fits somewhere says more than one that fits nowhere
    far = Outcome.DEVIATES
    return min(answers, key=lambda a: (a.outcome is far, "residual" in a.details))


def judge(comparison: Comparison) -> CheckResult:
    """Return the answer for one claim."""
    claim = comparison.oracle.claim
    made = len(comparison.runs(fitting(comparison.oracle)))
    if made <= len(comparison.notes):
        why = "; ".join(comparison.notes) or "it takes none of the shapes"
        few = "hardly a" if made else "no"
        return answer(comparison, Outcome.UNDRIVABLE, f"{claim}: {few} run could be made: {why}.")
    if said := by_loop(comparison):
        return answer(comparison, Outcome.UNDRIVABLE, f"{claim}: {said}.")
    fit = search(comparison)
    if fit is None or fit.miss is not None:
        if (stood := stood_for(comparison)) is not None:
            return standing(*stood)
        if (without := switched_off(comparison)) is not None:
            return beyond(*without)
    if (fit is None or fit.miss is not None) and (said := by_chance(comparison)):
        return answer(comparison, Outcome.INCONCLUSIVE, f"{claim}: {said}.")
    if fit is None:
        return unfitted(comparison)
    if fit.miss is not None:
        return missed(comparison, fit, fit.miss.run, fit.miss.step)
    if fit.ignored and not unsaid(comparison, fit.candidate.convention):
        return ignored(comparison, fit)
    graded = held(comparison, fit)
    without = switched_off(comparison) if graded.outcome is Outcome.DEVIATES else None
    other = beyond(*without) if without else graded
    return graded if other.outcome is Outcome.DEVIATES else other


def ignored(comparison: Comparison, fit: Fit) -> CheckResult:
    """A switch is taken and does nothing: a limit if the constructor takes it."""
    first = fit.ignored[0]
    option = comparison.where[first.switch].option
    if option not in named_options(comparison.subject.spec.factory):
        comparison.notes.append(f"{option} does nothing when it is set on the group")
        return held(comparison, fit)
    small, at = smallest(comparison, first.run, fit.candidate)
    program, _ = snippet(comparison, small, at, fit.candidate)
    name = first.run.scenario.name
    beside = f" ({name})" if " with " in name else ""
    text = f"{comparison.oracle.claim}: the option {option} is taken and changes nothing{beside}."
    return answer(
        comparison,
        Outcome.LIMIT,
        text,
        measured=0.0,
        scenario=setting(small, at),
        snippet=program,
        convention=unusual(comparison.oracle, fit.candidate.convention),
    )


def answer(comparison: Comparison, outcome: Outcome, message: str, **more: Any) -> CheckResult:
    oracle = comparison.oracle
    details: dict[str, Any] = {"claim": oracle.claim, "source": oracle.source}
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


def held(comparison: Comparison, fit: Fit, told: Mapping[str, Any] | None = None) -> CheckResult:
    """Grade a reading that holds in all settings; told: options whose values are said elsewhere."""
    oracle, convention = comparison.oracle, fit.candidate.convention
    faults, variants = unsaid(comparison, convention), varied(oracle, convention)
    other = unusual(oracle, convention)
    common: dict[str, Any] = {
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
    exact = f"Every step is {oracle.claim}'s in {len(fit.held)} settings"
    aside = {n: v for n, v in comparison.switched.items() if n not in (told or {})}
    common["details"] |= {"aside": aside}
    rest = f"; {spoken(other)}" if other else ""
    rest += f"; with {values_of(aside)}, not judged at the default" if aside else ""
    if any(note.endswith("left out") for note in comparison.notes):
        rest += "; weights that step by signs at first, as by Adam, are not judged"
    rest += unreached(comparison, fit.candidate)
    for run in fit.bounded[:1]:
        bound = extremes.in_words(comparison, fit.candidate, run) or f"not for {run.scenario.name}"
        rest += f"; {bound}, as its documentation says"
    words = f"{exact}{rest}."
    if fit.inexact is not None and fit.worst > 0:
        run = fit.inexact
        kind = "float32" if run.scenario.dtype == torch.float32 else "float64"
        inner = _inner(comparison, fit)
        error = f"a relative error of {fit.worst:.2g} in {kind}{inner}"
        text = f"Every step is {oracle.claim}'s, with {error}{rest}."
        return answer(comparison, Outcome.NUMERICS, text, scenario=setting(run), **common)
    if variants or fit.bounded or departed(oracle, convention):
        return answer(comparison, Outcome.VARIANT, words, **common)
    if other:
        return answer(comparison, Outcome.CONVENTION, words, **common)
    return answer(comparison, Outcome.CONFORMS, words, **common)


def values_of(options: Mapping[str, Any]) -> str:
    """Return options with their values, joined by "and"."""
    return " and ".join(f"{name}={shown(value)}" for name, value in options.items())


def beyond(comparison: Comparison, fit: Fit, off: Mapping[str, Any]) -> CheckResult:
    """The definition holds once options that are not part of it are switched off."""
    result = held(comparison, fit, off)
    if result.outcome is Outcome.DEVIATES:
        return result
    options = values_of(off)
    text = result.message[0].lower() + result.message[1:]
    mild = result.outcome is not Outcome.NUMERICS
    return replace(
        result,
        outcome=Outcome.VARIANT if mild else result.outcome,
        message=f"With {options}, options beyond the definition, {text}",
    )


def standing(comparison: Comparison, fit: Fit) -> CheckResult:
    """The definition holds where a default of None is the value of another option."""
    result = held(comparison, fit)
    stands = {f"{n}=None": f"the value of {of}" for n, of in comparison.stands.items()}
    outcome = Outcome.CONVENTION if result.outcome is Outcome.CONFORMS else result.outcome
    message = f"{result.message.removesuffix('.')}; {spoken(stands)}."
    named = {**result.convention, **stands}
    return replace(result, outcome=outcome, message=message, convention=named)


def _inner(comparison: Comparison, fit: Fit) -> str:
    """Return what the error says about the precision inside, where it says something."""
    run = fit.inexact
    if any("bfloat16" in value for value in fit.candidate.convention.values()):
        return ": bfloat16 inside"
    if run is None or run.scenario.dtype.itemsize < 8:
        return ""
    if run.eps > 1e-10:
        return ": weights are rounded to float32"
    few = kept_in(comparison, run)
    if few is not None:
        return f": state kept in {str(few).removeprefix('torch.')}"
    return ": it computes more coarsely inside" if coarse(comparison, run, fit.candidate) else ""


def departure(comparison: Comparison, fit: Fit, faults: Mapping[str, str]) -> CheckResult:
    """The subject follows a method exactly, but not the one that it claims."""
    oracle = comparison.oracle
    repaired = {**fit.candidate.convention, **{a: oracle.paper()[a] for a in faults}}
    reading = Candidate(repaired, fit.candidate.hidden)
    text = f"Every step is that of {oracle.claim} with another rule ({spoken(faults)})"
    made = comparison.made()
    run = max(made, key=lambda r: min(1.0, max(comparison.gaps(r, reading), default=0.0)))
    shown = [r for r in made if first_miss(r, comparison, reading, SHOWN)]
    return accuse(comparison, reading, shown[0] if shown else run, 1, text)


def missed(comparison: Comparison, fit: Fit, run: Run, step: int) -> CheckResult:
    """A convention fits in one setting and fails in another."""
    other = unusual(comparison.oracle, fit.candidate.convention)
    name = run.scenario.name
    text = f"{comparison.oracle.claim} fits with the options off their defaults, not for {name}"
    text += f" ({spoken(other)})" if other else ""
    if extremes.extreme(run.scenario):
        words = extremes.in_words(comparison, fit.candidate, run)
        text += f": {words}, which no option or docstring says" if words else ""
    return accuse(comparison, fit.candidate, run, step, text)


def unfitted(comparison: Comparison) -> CheckResult:
    """No convention fits: say what the residual is."""
    found = diagnose(comparison)
    claim = comparison.oracle.claim
    if found is None:
        return answer(comparison, Outcome.UNDRIVABLE, f"{claim}: no run could be made.")
    text = f"No convention of {claim} fits: {found.text}"
    words = polar.in_words(comparison, found.reading) if found.kind == "direction" else ""
    text += f"; {words}" if words else ""
    read = unusual(comparison.oracle, found.reading.convention)
    if read and found.kind in ("sign", "scale", "shape", "step"):
        text += f" (of the definition read with {spoken(read)})"
    details = {"residual": found.kind, **found.numbers}
    simple = degenerates(comparison.subject)
    if simple:
        text += f"; it is exactly {simple}"
        details["is exactly"] = simple
    culprit = None if simple else option_at_fault(comparison)
    if culprit is None:
        return accuse(comparison, found.reading, found.run, found.step, text, details)
    name, value, reading = culprit
    held = "at its default" if value == comparison.defaults[name] else f"= {shown(value)}"
    text = f"No convention of {claim} fits: {name} does not act as the definition says (with {name}"
    text += f" {held} every step fits)"
    if found.kind != "decay":  # says the same; a size was told of another reading
        text += f"; {found.numbers.get('since', found.text)}"
    details["option"] = name
    for run in [found.run, *comparison.made()]:
        step = first_miss(run, comparison, reading, SHOWN)
        if step is not None:
            return accuse(comparison, reading, run, step, text, details)
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
    gap = comparison.gaps(small, reading)[at - 1]
    more = {"first step": at, **(details or {})}
    if why:
        more["no snippet"] = why
    if unknown := undefined(comparison.subject, comparison.where):
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
