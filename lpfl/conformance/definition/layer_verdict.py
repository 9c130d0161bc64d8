"""The answer about a layer-wise method: which reading its runs on small networks follow."""

import contextlib
import inspect
import itertools
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch.optim import Optimizer

from lpfl.conformance.definition import option_names
from lpfl.conformance.definition.layer_conventions import EXACT, LayerComparison, LayerFit
from lpfl.conformance.definition.layer_diagnosis import diagnose, draws_nothing
from lpfl.conformance.definition.layer_runs import FITTING, MANY_ROWS, SQUARE, LayerRun
from lpfl.conformance.definition.layer_snippet import layer_snippet
from lpfl.conformance.definition.seen import chance, clips, layer_options, periods
from lpfl.conformance.definition.seen.diagnosed import diagnosed
from lpfl.conformance.definition.trajectory_verdict import values_of
from lpfl.conformance.hooked.rank import rank_one
from lpfl.conformance.oracles.layer_axes import NEVER, TAKES
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES
from lpfl.conformance.outcomes import CheckResult, Outcome

FIT, LOW = "layer fit", 1e-2
OTHER_FORMULA = 5.0
"""Times the distance of two seeds from which another formula, not chance, is at work."""


def judge_layers(check: str, comparison: LayerComparison) -> CheckResult:
    """Return the answer of ``check`` about the claim of a comparison."""
    claim = comparison.oracle.claim
    comparison.subject.memory.setdefault((FIT, claim), None)
    run = comparison.run(FITTING)
    if run is None:
        return _not_run(check, comparison)
    if chance.random(comparison):
        return _random(check, comparison)
    fit = comparison.search(run) or diagnosed(comparison, run)
    maybe = (fit is None or fit.missed is not None) and _draws_by_itself(comparison)
    if maybe and not draws_nothing(comparison, run):
        sampled = _sampled(check, comparison, private=True)
        if sampled is not None:
            return sampled
    if claim == "kfac-sampled":
        certain = draws_nothing(comparison, run)
        text = "The curvature is not sampled: two seeds of torch give the same run."
        text = text if certain else "Not judged: two seeds give one run, and no exact factors do."
        outcome = Outcome.DEVIATES if certain else Outcome.INCONCLUSIVE
        return _answer(check, comparison, outcome, text, measured=0.0)
    if fit is None or fit.missed is not None:
        without = layer_options.switched_off(comparison)
        if without is not None:
            return _beyond(check, *without)
    if fit is None:
        return _unfitted(check, comparison, run)
    if fit.missed is None and comparison.stale(fit):
        return _stale(check, comparison, run, fit)
    if fit.missed is None and (found := periods.seldom(comparison, fit)) is not None:
        return _never_renewed(check, comparison, fit, *found)
    if fit.missed is not None:
        errors = comparison.errors(fit.missed, fit)
        step = next(t for t, e in enumerate(errors, 1) if not e <= LOW) if max(errors) > LOW else 1
        name = fit.missed.scenario.name
        off = f"step {step} is {errors[step - 1]:.2g} off"
        why = periods.in_words(comparison, fit) if periods.periodic(fit.missed) else ""
        text = f"{claim} fits two linear layers, not {name}: {f'{why}; ' if why else ''}{off}."
        return _accused(check, comparison, text, fit, fit.missed, step)
    comparison.subject.memory[FIT, claim] = comparison, fit
    return _held(check, comparison, fit)


def _draws_by_itself(comparison: LayerComparison) -> bool:
    """Return whether a subject has a seed or a generator of its own, by its options or source."""
    subject = comparison.subject
    names = {*subject.constructor_names, *map(str, subject.default_group)}
    if any("seed" in name or "generator" in name for name in names):
        return True
    optimizer = subject.open_on(FITTING.build().double()).optimizer
    texts = []
    for kind in itertools.takewhile(lambda k: k is not Optimizer, type(optimizer).__mro__):
        with contextlib.suppress(OSError, TypeError):
            texts.append(inspect.getsource(kind))
    return bool(re.search(r"Generator\(|manual_seed\(", " ".join(texts)))


def _not_run(check: str, comparison: LayerComparison) -> CheckResult:
    """Square layers take factors on the wrong sides, and show what raises on others."""
    claim, why = comparison.oracle.claim, "; ".join(comparison.notes)
    square = comparison.run(SQUARE)
    if square is not None and comparison.search(square) is None:
        found = diagnose(comparison, square)
        text = f"{claim}: it raises on layers that are not square, and on square ones no convention"
        text += f" fits: {found.text} ({why})."
        return _accused(check, comparison, text, found.reading, square, found.step)
    text = f"{claim}: no run could be made: {why}."
    return _answer(check, comparison, Outcome.UNDRIVABLE, text)


def _held(check: str, comparison: LayerComparison, fit: LayerFit) -> CheckResult:
    oracle = comparison.oracle
    other = {a: v for a, v in fit.convention.items() if v != oracle.conventions[a][0]}
    words = "; ".join(f"{a}: {v}" for a, v in other.items())
    for name, what in (("period", "factors"), ("inverse_period", "inverses")):
        if (period := fit.hidden.get(name) or 1) > 1:
            words += f"{'; ' if words else ''}{what} renewed every {period} steps"
    text = f"Every step is {oracle.claim}'s in {len(fit.held)} settings" + (
        f"; {words}." if words else "."
    )
    varied = any(v in oracle.variants.get(a, ()) for a, v in other.items())
    outcome = Outcome.VARIANT if varied else Outcome.CONVENTION if other else Outcome.CONFORMS
    if fit.worst > EXACT:
        outcome = Outcome.NUMERICS
        text = f"{text[:-1]}, to a relative error of {fit.worst:.2g} in float64."
    details = {"settings": list(fit.held), "hidden": dict(fit.hidden)}
    return _answer(
        check, comparison, outcome, text, measured=fit.worst, convention=other, details=details
    )


def _stale(check: str, comparison: LayerComparison, run: LayerRun, fit: LayerFit) -> CheckResult:
    own = LayerFit({**fit.convention, "average takes": TAKES[0]}, fit.hidden)
    errors = comparison.errors(run, own)
    step = next((t for t, e in enumerate(errors, 1) if e > LOW), 1)
    text = (
        f"Every step is {comparison.oracle.claim}'s with the factors of the batch before, and "
        f"nothing is averaged: step {step} is {errors[step - 1]:.2g} off."
    )
    return _accused(check, comparison, text, own, run, step)


def _never_renewed(
    check: str, comparison: LayerComparison, fit: LayerFit, run: LayerRun, kept: LayerFit, left: int
) -> CheckResult:
    """The first factors serve for ever; an option that may be a long period excuses it."""
    steps = len(run.moves())
    if left <= steps:
        text = (
            f"{comparison.oracle.claim}: the factors of the first batch serve until step {left}, "
        )
        text += f"and no rule by which they are renewed fits {steps} steps."
        return _answer(check, comparison, Outcome.INCONCLUSIVE, text, convention=fit.convention)
    text = f"In all {steps} steps the factors are those of the first batch"
    if periods := option_names.longer(comparison.subject, steps, comparison.where):
        text += f"; {' or '.join(periods)} may say so."
        return _answer(check, comparison, Outcome.INCONCLUSIVE, text, convention=kept.convention)
    own = LayerFit(fit.convention, {**fit.hidden, "period": 1})
    errors = comparison.errors(run, own)
    step = next((t for t, e in enumerate(errors, 1) if e > LOW), 1)
    text += f": stale, never renewed; step {step} is {errors[step - 1]:.2g} off."
    return _accused(check, comparison, text, own, run, step)


def _random(check: str, comparison: LayerComparison) -> CheckResult:
    return _sampled(check, comparison) or _random_and_far(check, comparison)


def _sampled(
    check: str, comparison: LayerComparison, *, private: bool = False
) -> CheckResult | None:
    """Return the answer about a curvature that is sampled, or whose samples have rank one.

    private: two runs never differ, so that the error must fall with the rows as chance does.
    """
    claim, run = comparison.oracle.claim, comparison.run(MANY_ROWS)
    if run is not None and _of_rank_one(run):
        hidden = comparison.oracle.hidden.items()
        exact = LayerFit(
            comparison.oracle.paper(), {n: v[0] for n, v in hidden if n not in comparison.where}
        )
        text = f"{claim}: the output factor of {MANY_ROWS.rows} rows has rank one: it is the outer "
        text += "product of a mean gradient, not the mean of outer products."
        return _accused(check, comparison, text, exact, run, 1)
    fit = chance.fitted(comparison)
    if fit is None or (private and not chance.falls_with_rows(comparison, fit)):
        return None
    other = {a: v for a, v in fit.convention.items() if v != comparison.oracle.conventions[a][0]}
    words = "".join(f"; {a}: {v}" for a, v in other.items())
    text = f"Steps on 8000 rows are {claim}'s to {fit.worst:.2g}, with a sampled curvature{words}."
    outcome = Outcome.CONFORMS if claim == "kfac-sampled" else Outcome.VARIANT
    return _answer(check, comparison, outcome, text, measured=fit.worst, convention=other)


def _random_and_far(check: str, comparison: LayerComparison) -> CheckResult:
    """No reading is near a random run on many rows: chance, or another formula.

    There the curvature of a sample is nearly the exact one, so two seeds take nearly one step.
    """
    text = f"{comparison.oracle.claim}: the run draws random numbers"
    found, run = chance.farther(comparison), comparison.run(MANY_ROWS)
    if found is not None and run is not None:
        nearest, apart = found
        away = nearest.worst
        if away > max(OTHER_FORMULA * apart, chance.SAMPLED) and apart < chance.SAMPLED:
            text += f"; steps on 8000 rows are {away:.2g} from the nearest reading, and two seeds "
            return _accused(check, comparison, f"{text}are {apart:.2g} apart.", nearest, run, 1)
    text += " and no reading is near on 8000 rows."
    return _answer(check, comparison, Outcome.INCONCLUSIVE, text)


def _of_rank_one(run: LayerRun) -> bool:
    """Return whether a layer's first step has an output factor of rank one, by some decay."""
    decay = float(run.options.get("weight_decay") or 0.0)
    rate = float(run.options["lr"])
    for W, u, layer in zip(run.weights[0], run.moves()[0], run.seen[0], strict=True):
        for update, slope in (
            (u, layer.gradient),
            (u + rate * decay * W, layer.gradient),
            (u, layer.gradient + decay * W),
        ):
            if rank_one(update, layer, slope):
                return True
    return False


def _beyond(
    check: str, comparison: LayerComparison, fit: LayerFit, off: Mapping[str, Any]
) -> CheckResult:
    """The definition holds once options that the reference does not know are switched off."""
    result = _held(check, comparison, fit)
    text = f"With {values_of(off)}, options beyond the definition that are not judged, "
    mild = result.outcome is not Outcome.NUMERICS
    return replace(
        result,
        outcome=Outcome.VARIANT if mild else result.outcome,
        message=text + result.message[0].lower() + result.message[1:],
    )


def _unfitted(check: str, comparison: LayerComparison, run: LayerRun) -> CheckResult:
    claim = comparison.oracle.claim
    clip = clips.at_fault(comparison, run)
    if clip is not None:
        text, reading = clip
        errors = comparison.errors(run, reading)
        step = next((t for t, e in enumerate(errors, 1) if e > LOW), 1)
        text = f"No convention of {claim} fits: {text}; step {step} is {errors[step - 1]:.2g} off."
        return _accused(check, comparison, text, reading, run, step)
    found = diagnose(comparison, run)
    never = found.reading if NEVER in found.text else None
    if never and (named := option_names.longer(comparison.subject, 2, comparison.where)):
        text = f"In all {len(run.moves())} steps the factors are those of the first batch; "
        text += f"{' or '.join(named)} may say so."
        return _answer(check, comparison, Outcome.INCONCLUSIVE, text)
    text = f"No convention of {claim} fits: {found.text}"
    if found.step > 1 and (why := periods.in_words(comparison, found.reading)):
        text = f"No convention of {claim} fits: {why}"
    if claim != "foof" and "input factor alone" in found.text and _is_foof(comparison):
        text += "; it is exactly FOOF: the outputs' curvature has no part"
    error = comparison.errors(run, found.reading)[found.step - 1]
    text += f"; step {found.step} is {error:.2g} off."
    return _accused(check, comparison, text, found.reading, run, found.step)


def _is_foof(comparison: LayerComparison) -> bool:
    oracle = next(o for o in LAYER_ORACLES if o.claim == "foof")
    other = LayerComparison(comparison.subject, oracle)
    run = other.run(FITTING)
    fit = other.search(run) if run is not None else None
    return fit is not None and fit.missed is None


def _accused(
    check: str, comparison: LayerComparison, text: str, fit: LayerFit, run: LayerRun, step: int
) -> CheckResult:
    scenario = {
        "name": run.scenario.name,
        "network": str(run.scenario.build()),
        "rows": run.scenario.rows,
        "options": dict(run.given),
        "step": step,
    }
    errors = comparison.errors(run, fit)
    program, why = layer_snippet(comparison, run, fit, step)
    return _answer(
        check,
        comparison,
        Outcome.DEVIATES,
        text,
        measured=errors[step - 1],
        scenario=scenario,
        convention=dict(fit.convention),
        snippet=program,
        details={"no snippet": why} if why else {},
    )


def _answer(
    check: str, comparison: LayerComparison, outcome: Outcome, message: str, **more: Any
) -> CheckResult:
    oracle = comparison.oracle
    details: dict[str, Any] = {"claim": oracle.claim, "source": oracle.source}
    details |= more.pop("details", {})
    if comparison.notes:
        details["notes"] = list(comparison.notes)
    return CheckResult(check=check, outcome=outcome, message=message, details=details, **more)
