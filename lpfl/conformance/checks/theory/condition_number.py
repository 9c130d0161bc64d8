"""theory.condition-number: how much slower the slowest direction of the representation learns."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lpfl.conformance.claims import theory_methods
from lpfl.conformance.learning.affine import dampings
from lpfl.conformance.learning.cost import affordable
from lpfl.conformance.learning.exponents import Estimate, held, jackknife, together
from lpfl.conformance.learning.local_rates import (
    INPUTS,
    RANK,
    Corner,
    Decays,
    Task,
    decays,
    draw_truth,
    local_rate,
)
from lpfl.conformance.learning.speed import speed
from lpfl.conformance.learning.theory_snippet import rates_snippet, shown, slowdown
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject
from theory.linear_representation import adam_operator
from theory.linear_representation import local_rate as predicted_multiplier

ID = "theory.condition-number"
FAST, SLOW_INPUT, SLOW_HEAD = (0, 0), (0, INPUTS - RANK - 1), (1, 0)
CORNERS = (FAST, SLOW_INPUT, SLOW_HEAD)
REPLICATES = {"sgd": 8, "kfac": 8, "foof": 8, "kfac-empirical": 12, "muon": 16, "adam": 16}
MARGIN = {"sgd": 0.1, "kfac": 0.1, "foof": 0.1, "kfac-empirical": 0.2, "muon": 0.3, "adam": 0.4}
"""Largest difference of exponents that counts as none: finite sizes and finite noise."""
RIVAL = {"adam": 0.7}
"""Distance to the exponents of the nearest other theory, 1/2 unless said: Adam's to KFAC's."""
NEGLIGIBLE = 1e-4
CALLS = {True: 5e5, False: 2.5e6}


@dataclass(frozen=True)
class Exponents:
    """The local rate of a direction falls as kappa to these powers."""

    inputs: Estimate
    head: Estimate
    learning_rate: float | None
    task: Task

    def __str__(self) -> str:
        return f"{self.inputs} in kappa(Sigma) and {self.head} in kappa(F*'F*)"


@check(ID, tags=("theory",), cost=1.5, control=False)
def condition_number(subject: Subject) -> Iterable[CheckResult]:
    """The local rate depends on the condition numbers as the claimed method's does."""
    claimed = theory_methods(subject.spec.claims)
    methods = sorted(set(claimed.values())) or ["kfac"]
    count = max(REPLICATES.get(method, 8) for method in methods) if claimed else 8
    task = Task()
    seen = measured(subject, task, 8 if subject.quick else count)
    for claim, method in claimed.items():
        yield _judged(subject, task, seen, claim, method)
    if not claimed:
        yield CheckResult(
            check=ID,
            outcome=Outcome.CONFORMS if seen.inputs.known else Outcome.INCONCLUSIVE,
            message=f"The exponent of the slowdown is {seen}.",
            measured=seen.inputs.value,
            details=_details(seen, task),
            feature=feature(seen),
        )


def measured(
    subject: Subject, task: Task, count: int, *, options: Mapping[str, Any] | None = None
) -> Exponents:
    """Return the exponents of the rates of three directions, over this many replicates."""
    runs = count * (1 + len(CORNERS))
    steps = affordable(subject, runs, calls=CALLS[subject.quick], least=12)
    task = replace(task, steps=steps)
    found = speed(subject, task, options=options)
    left = [
        decays(subject, task, r, found.learning_rate, CORNERS, options=options)
        for r in range(count)
    ]
    return Exponents(
        _exponent(left, SLOW_INPUT, task.cov_condition),
        _exponent(left, SLOW_HEAD, task.head_condition),
        found.learning_rate,
        task,
    )


def _exponent(left: Sequence[Decays], slow: Corner, condition: float) -> Estimate:
    def estimate(chosen: Sequence[int]) -> float:
        fast, late = (local_rate([left[r][c] for r in chosen]) for c in (FAST, slow))
        return math.log(fast / late) / math.log(condition)

    return jackknife(len(left), estimate)


def _judged(subject: Subject, task: Task, seen: Exponents, claim: str, method: str) -> CheckResult:
    expected = predicted(subject, task, method)
    outcome = _held(seen, expected, method)
    message = f"The exponent of the slowdown is {seen}; {claim}'s is {expected[0]:.2g} and "
    message += f"{expected[1]:.2g}."
    convention: dict[str, Any] = {}
    damped = dampings(subject)
    if outcome is Outcome.DEVIATES and method in ("kfac", "foof") and damped:
        undamped = {name: NEGLIGIBLE * value for name, value in damped.items()}
        less = measured(subject, task, len(seen.inputs.samples), options=undamped)
        named = f"once {' and '.join(damped)} is negligible."
        if _held(less, expected, method) is Outcome.CONFORMS:
            outcome, convention = Outcome.CONVENTION, dict(damped)
            message += f" It is {less} {named}"
        elif _may_be(less, expected, method):
            outcome = Outcome.INCONCLUSIVE
            message += f" It is {less} {named[:-1]}: the damping may be all of it."
    more = _program(subject, seen, expected) if outcome is Outcome.DEVIATES else {}
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=max(abs(seen.inputs.value - expected[0]), abs(seen.head.value - expected[1])),
        bound=MARGIN.get(method, 0.1),
        convention=convention,
        scenario={"claim": claim, **_scenario(task)},
        details={**_details(seen, task), **more.get("details", {})},
        feature=feature(seen),
        snippet=more.get("snippet", ""),
    )


def _program(subject: Subject, seen: Exponents, expected: tuple[float, float]) -> Mapping[str, Any]:
    """Return the program that prints the exponent that is farther from the theory's."""
    by_inputs = abs(seen.inputs.value - expected[0]) >= abs(seen.head.value - expected[1])
    corner, number = (SLOW_INPUT, seen.inputs) if by_inputs else (SLOW_HEAD, seen.head)
    condition = seen.task.cov_condition if by_inputs else seen.task.head_condition
    ending = slowdown(corner, condition)
    count = len(number.samples)
    return shown(rates_snippet(subject, seen.task, seen.learning_rate, count, ending, number.value))


def _held(seen: Exponents, expected: tuple[float, float], method: str) -> Outcome:
    margin = MARGIN.get(method, 0.1)
    pairs = zip((seen.inputs, seen.head), expected, strict=True)
    return together([held(e, p, margin=margin, rival=RIVAL.get(method, 0.5)) for e, p in pairs])


def _may_be(seen: Exponents, expected: tuple[float, float], method: str) -> bool:
    """Return whether undecided exponents are near the theory's, with it in their intervals."""
    if _held(seen, expected, method) is not Outcome.INCONCLUSIVE:
        return False
    pairs = list(zip((seen.inputs, seen.head), expected, strict=True))
    far = RIVAL.get(method, 0.5) / 2
    near = [e.known and abs(e.value - p) <= max(e.half_width, 0.1) < far for e, p in pairs]
    return all(near)


def predicted(subject: Subject, task: Task, method: str) -> tuple[float, float]:
    """Return the theory's exponents in kappa(Sigma) and kappa(F*'F*)."""
    rates = {corner: _rate(subject, task, method, corner) for corner in CORNERS}
    return (
        math.log(rates[FAST] / rates[SLOW_INPUT]) / math.log(task.cov_condition),
        math.log(rates[FAST] / rates[SLOW_HEAD]) / math.log(task.head_condition),
    )


def _rate(subject: Subject, task: Task, method: str, corner: Corner) -> float:
    """Return the theory's local rate of one direction for a small step size."""
    lam = float(task.head_eigenvalues[corner[0]])
    mu = float(task.cov_eigenvalues[RANK + corner[1]])
    if method == "adam":
        return _adam_rate(subject, task, corner)
    step = 1e-4
    noise = {"noise_std": task.noise_std, "n": task.rows}
    table: dict[str, dict[str, Any]] = {
        "sgd": {"method": "amgd", "head_eigenvalues": [lam], "schur_eigenvalues": [mu]},
        "foof": {"method": "amgd", "head_eigenvalues": [lam], "schur_eigenvalues": [1.0]},
        "kfac": {"method": "kfac"},
        "kfac-empirical": {"method": "ngd_empirical", "noise_std": task.noise_std},
        "muon": {
            "method": "muon",
            "head_eigenvalues": [lam],
            "schur_eigenvalues": [mu],
            "cov_trace": float(task.cov_eigenvalues.sum()),
            **noise,
        },
    }
    given = table[method]
    return 1.0 - predicted_multiplier(given.pop("method"), step_size=step, **given)


def _adam_rate(subject: Subject, task: Task, corner: Corner) -> float:
    """Return the mean over the drawn problems of the operator's value along the direction."""
    values = []
    for replicate in range(REPLICATES["adam"]):
        truth = draw_truth(subject, task, replicate)
        H = (truth.head.mT @ truth.head).numpy()
        Sigma = (truth.cov_basis * task.cov_eigenvalues @ truth.cov_basis.mT).numpy()
        operator = adam_operator(head_gram=H, cov_x=Sigma, noise_std=task.noise_std, n=task.rows)
        way = truth.direction(*corner).mT.flatten().numpy()
        values.append(float(way @ operator @ way))
    return float(np.mean(values))


def feature(seen: Exponents) -> str:
    """Return what the exponents mean for feature learning."""
    if not seen.inputs.known:
        return "How the spread of the data slows the learning of features could not be told."
    slower = 100 ** max(seen.inputs.value, 0.0)
    if seen.inputs.value < 0.1 and seen.head.value < 0.1:
        return "All directions of the representation are learned at one rate, whatever the data."
    return (
        f"Of inputs with condition number 100, the weakest feature direction is learned "
        f"{slower:.3g} times more slowly than the strongest; KFAC learns both at one rate."
    )


def _scenario(task: Task) -> dict[str, Any]:
    return {
        "model": "y = F* G x, head kept",
        "sizes (m, k, d)": (6, RANK, INPUTS),
        "kappa(Sigma)": task.cov_condition,
        "kappa(F*'F*)": task.head_condition,
        "noise": task.noise_std,
        "rows": task.rows,
    }


def _details(seen: Exponents, task: Task) -> dict[str, Any]:
    return {
        "exponent in kappa(Sigma)": seen.inputs.value,
        "exponent in kappa(F*'F*)": seen.head.value,
        "interval": [seen.inputs.half_width, seen.head.half_width] if seen.inputs.known else [],
        "learning rate": seen.learning_rate,
        **_scenario(task),
    }
