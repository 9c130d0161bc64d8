"""theory.scale-exponents: which optimizer is this, by how its local rate answers to units."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lpfl.conformance.claims import normal, theory_methods
from lpfl.conformance.learning.cost import affordable
from lpfl.conformance.learning.exponents import Estimate, held, jackknife, together
from lpfl.conformance.learning.local_rates import RANK, Decays, Task, decays, local_rate
from lpfl.conformance.learning.speed import Speed, speed
from lpfl.conformance.learning.theory_snippet import answer_to, rates_snippet, shown
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject
from theory.linear_representation import local_rate as predicted_multiplier

ID = "theory.scale-exponents"
PROBES: Mapping[str, tuple[str, float]] = {
    "y": ("output_unit", 2.0),
    "noise": ("noise_std", 2.0),
    "x": ("input_unit", 2.0),
    "n": ("rows", 4.0),
}
"""What is multiplied, and by how much: F* and the noise; the noise; x; the rows of a batch."""
CORNER = (0, 0)
EMPIRICAL = "kfac-empirical"
"""A documented form of KFAC, and what most backward hooks see."""
MARGIN, RIVAL = 0.3, 0.9
"""Largest difference of one exponent that counts as none; the rows differ by 1 in one of them."""
METHODS = ("sgd", "kfac", EMPIRICAL, "adam", "muon", "shampoo 1/4", "shampoo 1/2")
REPLICATES = 16
SLOWLY = 0.002
"""Local rate of the plain runs: four times as much must still be small against 1 - momentum."""
CALLS = 5e6


@check(ID, tags=("theory",), cost=2.5, quick=False, control=False)
def scale_exponents(subject: Subject) -> Iterable[CheckResult]:
    """The local rate answers to the units of y, noise, x and n as the claimed method's does."""
    seen = measured(subject, Task())
    words = ", ".join(f"{e} in {name}" for name, e in seen.items())
    likely = nearest(seen)
    message = f"The exponents of the local rate are {words}: those of {' or '.join(likely)}"
    factors = {name: factor for name, (_, factor) in PROBES.items()}
    common: dict[str, Any] = {
        "feature": feature(seen),
        "scenario": {"model": "y = F* G x, head kept", "factors": factors},
        "details": {
            "exponents": {name: e.value for name, e in seen.items()},
            "interval": {name: e.half_width for name, e in seen.items() if e.known},
            "theory": {method: predicted(method) for method in METHODS},
            "nearest": likely,
        },
    }  # fmt: skip
    known = all(e.known for e in seen.values())
    claimed = {c: m for c, m in theory_methods(subject.spec.claims).items() if m in METHODS}
    claimed = {c: m for c, m in claimed.items() if c != "condition-number-free"}
    for claim, method in claimed.items():
        expected = predicted(method)
        outcomes = [held(e, expected[name], margin=MARGIN, rival=RIVAL) for name, e in seen.items()]
        text = ", ".join(f"{value:.2g}" for value in expected.values())
        outcome = together(outcomes)
        if outcome is Outcome.DEVIATES and normal(claim) == "kfac" and EMPIRICAL in likely:
            outcome, text = Outcome.VARIANT, f"{text}, with the empirical Fisher other ones"
        more = _program(subject, seen, expected) if outcome is Outcome.DEVIATES else {}
        yield CheckResult(
            check=ID,
            outcome=outcome,
            message=f"{message}; {claim}'s are {text}.",
            measured=max(abs(e.value - expected[name]) for name, e in seen.items()),
            bound=MARGIN,
            snippet=more.get("snippet", ""),
            **{**common, "details": {**common["details"], **more.get("details", {})}},
        )
    if not claimed:
        outcome = Outcome.CONFORMS if known else Outcome.INCONCLUSIVE
        yield CheckResult(check=ID, outcome=outcome, message=f"{message}.", **common)


def measured(subject: Subject, task: Task) -> dict[str, Estimate]:
    """Return the exponent of the local rate in each probe."""
    found, task = _slowed(subject, task)

    def runs_of(changed: Task) -> list[Decays]:
        rate = found.learning_rate
        return [decays(subject, changed, r, rate, (CORNER,)) for r in range(REPLICATES)]

    plain = runs_of(task)
    return {
        name: _exponent(plain, runs_of(_changed(task, name)), PROBES[name][1]) for name in PROBES
    }


def _slowed(subject: Subject, task: Task) -> tuple[Speed, Task]:
    """Return the learning rate of the runs, and the task with their number of steps."""
    runs = REPLICATES * 2 * (1 + len(PROBES))
    task = replace(task, steps=affordable(subject, runs, calls=CALLS, least=12, most=50))
    return speed(subject, task, target=SLOWLY), task


def _program(
    subject: Subject, seen: Mapping[str, Estimate], expected: Mapping[str, float]
) -> Mapping[str, Any]:
    """Return the program that prints the exponent that is farthest from the theory's."""
    name = max(seen, key=lambda n: abs(seen[n].value - expected[n]))
    found, task = _slowed(subject, Task())
    changed = _changed(task, name)
    changes = {"y": "y=2.0", "x": "x=2.0", "noise": f"noise={changed.noise_std}",
               "n": f"rows={changed.rows}"}  # fmt: skip
    ending = answer_to(changes[name], PROBES[name][1])
    number = seen[name].value
    return shown(rates_snippet(subject, task, found.learning_rate, REPLICATES, ending, number))


def _changed(task: Task, probe: str) -> Task:
    name, factor = PROBES[probe]
    value = getattr(task, name) * factor
    changes: dict[str, Any] = {name: int(value) if name == "rows" else value}
    return replace(task, **changes)


def _exponent(plain: Sequence[Decays], changed: Sequence[Decays], factor: float) -> Estimate:
    def estimate(chosen: Sequence[int]) -> float:
        before, after = (local_rate([d[r][CORNER] for r in chosen]) for d in (plain, changed))
        return math.log(after / before) / math.log(factor)

    return jackknife(len(plain), estimate)


def predicted(method: str) -> dict[str, float]:
    """Return the theory's exponents, as finite differences of its local rate."""
    task = Task()
    base = _rate(task, method)
    return {
        name: round(math.log(_rate(_changed(task, name), method) / base) / math.log(factor), 3)
        for name, (_, factor) in PROBES.items()
    }


def _rate(task: Task, method: str) -> float:
    name, _, power = method.partition(" ")
    noise = {"noise_std": task.noise_std * task.output_unit, "n": task.rows}
    spectra: dict[str, Any] = {
        "head_eigenvalues": task.head_eigenvalues.tolist(),
        "schur_eigenvalues": task.cov_eigenvalues[RANK:].tolist(),
    }
    trace = {"cov_trace": float(task.cov_eigenvalues.sum())}
    given: dict[str, Any] = {
        "sgd": {"method": "amgd", **spectra},
        "kfac": {"method": "kfac"},
        "kfac-empirical": {"method": "ngd_empirical", "noise_std": noise["noise_std"]},
        "adam": {"method": "adam", **spectra, **noise},
        "muon": {"method": "muon", **spectra, **noise, **trace},
        "shampoo": {"method": "shampoo", **spectra, **noise, **trace,
                    "exponent": {"1/4": 0.25, "1/2": 0.5}.get(power, 0.25)},
    }[name]  # fmt: skip
    return 1.0 - predicted_multiplier(given.pop("method"), step_size=1e-6, **given)


def nearest(seen: Mapping[str, Estimate]) -> list[str]:
    """Return the methods whose exponents are nearest; several where they are the same."""
    away = {
        method: max(abs(seen[name].value - value) for name, value in predicted(method).items())
        for method in METHODS
    }
    finite = [value for value in away.values() if math.isfinite(value)]
    if not finite or min(finite) > RIVAL / 2:
        return ["no method in the table"]
    return [method for method, value in away.items() if value < min(finite) + 1e-3]


def feature(seen: Mapping[str, Estimate]) -> str:
    """Return what the exponents mean for feature learning."""
    if not all(e.known for e in seen.values()):
        return "How the units of the data change the speed of feature learning could not be told."
    strong = [f"{name} (power {e.value:.1f})" for name, e in seen.items() if abs(e.value) > 0.25]
    if not strong:
        return "The speed of feature learning does not depend on units, noise or batch size."
    return (
        f"The speed of feature learning changes with {', '.join(strong)}: the rate needs retuning."
    )
