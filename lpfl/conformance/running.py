"""One check on one subject: whether it concerns it, what it answers, and its control."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from lpfl.conformance.answers import RAISES
from lpfl.conformance.definition.extras import extras, shown
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome, worst
from lpfl.conformance.registry import Check
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.spec import OptimizerSpec, resolve
from lpfl.conformance.subject import Subject

ABILITIES: dict[str, tuple[Callable[[Subject], bool], str]] = {
    "inject": (lambda s: s.injects, "gradients cannot be prescribed through p.grad"),
    "params": (lambda s: "model" not in s.needs, "it takes a model, not parameters"),
    "state_dict": (
        lambda s: "process_group" not in s.needs,
        "it needs an initialised process group",
    ),
}
HOLDS = frozenset({Outcome.CONFORMS, Outcome.CONVENTION, Outcome.VARIANT})
"""Outcomes of a check that was made and finds nothing."""
BY_CLAIM = (
    "api.transpose", "api.flatten", "api.coupling", "api.lr-zero", "api.zero", "def.scale",
)  # fmt: skip

_CONTROLS = {
    "sgd": "SGD", "momentum": "SGD", "nesterov": "SGD", "adamw": "AdamW", "nadam": "NAdam",
    "radam": "RAdam", "adamax": "Adamax", "adagrad": "Adagrad", "adadelta": "Adadelta",
    "rmsprop": "RMSprop", "adafactor": "Adafactor", "lbfgs": "LBFGS",
}  # fmt: skip


def run_check(check: Check, subject: Subject) -> list[CheckResult]:
    """Return the answers of one check, each with its time; none if the check has none to give.

    A finding is put to torch's own optimizer too: where that shows the same, the finding falls.
    """
    start = time.perf_counter()
    if not check.concerns(subject.spec.claims):
        return []
    results = [_expected(subject.spec, r) for r in _controlled(check, subject, ask(check, subject))]
    spent = (time.perf_counter() - start) / max(len(results), 1)
    return [replace(result, seconds=round(spent, 4)) for result in results]


def ask(check: Check, subject: Subject) -> list[CheckResult]:
    """Return what the check's function answers; being undrivable is an answer."""
    try:
        for need in check.needs:
            able, why = ABILITIES.get(need, (None, ""))
            if able is None and not subject.accepts(need):
                message = f"Not applicable: the optimizer knows no option {need!r}."
                return [_unasked(check, Outcome.NOT_CLAIMED, message)]
            if able is not None and not able(subject):
                return [_unasked(check, Outcome.UNDRIVABLE, f"Not applicable: {why}.")]
        answer = check.function(subject)
        return [_a_number(r) for r in ([answer] if isinstance(answer, CheckResult) else answer)]
    except Undrivable as reason:
        message = f"Not driven: {reason}."
    except Exception as error:  # the subject's, or ours: shown, and never an accusation
        message = f"{RAISES} {told(error).rstrip('.')}."
    return [_unasked(check, Outcome.UNDRIVABLE, message)]


def _unasked(check: Check, outcome: Outcome, message: str) -> CheckResult:
    return CheckResult(check=check.check_id, outcome=outcome, message=message)


def _a_number(result: CheckResult) -> CheckResult:
    """Return an answer, or one that accuses nobody where the number it rests on is not one.

    Where runs end in NaN, checks that look for NaN say it, and no distance says anything.
    """
    if (
        result.outcome not in FINDINGS
        or result.measured is None
        or result.measured == result.measured
    ):
        return result
    message = "Not judged: runs end in NaN, so that there is no distance to tell."
    return CheckResult(check=result.check, outcome=Outcome.INCONCLUSIVE, message=message)


def _controlled(check: Check, subject: Subject, results: list[CheckResult]) -> list[CheckResult]:
    accused = {Outcome.LIMIT, Outcome.DEVIATES}
    if not any(r.outcome in accused for r in results):
        return results
    if held_by_claim(check) and (off := extras(subject)):
        results = _by_options(check, subject, results, off)
    if not check.control or not any(r.outcome in accused for r in results):
        return results
    control = Subject(control_for(subject.spec), seed=subject.seed, device=str(subject.device))
    control.control = True
    answers = ask(check, control)
    seen = [a.measured for a in answers if a.measured is not None]
    number = max(seen, default=None)
    if worst(a.outcome for a in answers) not in accused:
        return [
            _beside(r, number, control.spec.name) if r.outcome in FINDINGS else r for r in results
        ]
    return [
        replace(
            r,
            outcome=Outcome.INCONCLUSIVE,
            control=number,
            message=f"{r.message} torch's own {control.spec.name} shows the same.",
        )
        if r.outcome in accused
        else r
        for r in results
    ]


def _beside(result: CheckResult, number: float | None, name: str) -> CheckResult:
    """Return a finding with what torch's own optimizer shows: its number, or that it is silent."""
    if result.measured is not None and number is not None:
        return replace(result, control=number)
    return replace(result, details={**result.details, "silent": f"torch's own {name}"})


def held_by_claim(check: Check) -> bool:
    """Return whether a finding of this check can rest on what the subject claims.

    Or on options beyond the definition alone: weights kept in a range may move at a rate of 0.
    """
    return check.check_id in BY_CLAIM or "inv" in check.tags or "theory" in check.tags


def _by_options(
    check: Check, subject: Subject, results: list[CheckResult], off: Mapping[str, object]
) -> list[CheckResult]:
    """Return the findings as variants if they vanish without options beyond the definition.

    A run that cannot be made without them does not count, and no option excuses one that raises
    or ends in NaN: a finding about the interface without a number.
    """
    spec = replace(subject.spec, options={**subject.spec.options, **off})
    plain = Subject(spec, seed=subject.seed, device=str(subject.device), quick=subject.quick)
    without = {answer.outcome for answer in ask(check, plain)}
    if without & FINDINGS or not without & HOLDS:
        return results
    options = " and ".join(f"{name}={shown(value)}" for name, value in off.items())
    words = f"It is not so with {options}: an option beyond the definition does it."
    return [
        replace(r, outcome=Outcome.VARIANT, message=f"{r.message} {words}", snippet="")
        if r.outcome in FINDINGS and ("api" not in check.tags or r.measured is not None)
        else r
        for r in results
    ]


def control_for(spec: OptimizerSpec) -> OptimizerSpec:
    """Return torch's own optimizer that serves as control: of the same claim, else Adam."""
    named = sorted(_CONTROLS[claim] for claim in spec.claims if claim in _CONTROLS)
    name = named[0] if named else "Adam"
    if spec.source == f"torch.optim:{name}":
        name = "Adam" if name != "Adam" else "AdamW"
    control = resolve(f"torch.optim:{name}")
    return replace(control, claims=spec.claims) if named else control


def _expected(spec: OptimizerSpec, result: CheckResult) -> CheckResult:
    reason = spec.expected_failures.get(result.check)
    return replace(result, expected=reason) if reason and result.outcome in FINDINGS else result
