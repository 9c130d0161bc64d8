"""theory.damping: what damping does to the weakest directions of the representation."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lpfl.conformance.claims import theory_methods
from lpfl.conformance.learning.affine import damping_option, dampings, without_average
from lpfl.conformance.learning.local_rates import INPUTS, RANK, Corner, Task, decays, local_rate
from lpfl.conformance.learning.speed import speed
from lpfl.conformance.learning.task_snippet import damped_snippet
from lpfl.conformance.learning.theory_snippet import shown
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject
from theory.linear_representation import damped_eigenvalues

ID = "theory.damping"
CLAIMED = frozenset({"kfac", "kfac-empirical", "foof"})
WEAKEST: Corner = (1, INPUTS - RANK - 1)
CORNERS: tuple[Corner, ...] = ((0, 0), (0, INPUTS - RANK - 1), (1, 0), WEAKEST)
VALUE = 1e-2
"""Damping at which its kind is told, in units of the largest eigenvalue of each factor."""
NEGLIGIBLE = 1e-6
SAME = 0.02
FELT = 1e-4
"""Change of a rate that damping must make: all kinds make one of 1e-2 or more here."""
Kind = Callable[[float, float, float, Task], float]


def _nu(mu: float, damping: float) -> float:
    """Return what is left of the input factor's share, by LR-05, for Sigma without cross terms."""
    cov = np.diag([1.0, mu])
    return float(damped_eigenvalues(cov, rank=1, damping=damping)[0])


def _split(lam: float, mu: float, damping: float, task: Task) -> float:
    ratio = float((task.cov_eigenvalues.mean() / task.head_eigenvalues.mean()).sqrt())
    root = damping**0.5
    return lam / (lam + root / ratio) * _nu(mu, ratio * root)


def _times(lam: float, mu: float, on_head: float, on_inputs: float) -> float:
    return lam / (lam + on_head) * _nu(mu, on_inputs)


KINDS: Mapping[str, Kind] = {
    "to the input factor": lambda lam, mu, g, task: _nu(mu, g),
    "to each factor": lambda lam, mu, g, task: lam / (lam + g) * _nu(mu, g),
    "to products of eigenvalues": lambda lam, mu, g, task: _nu(mu, g / lam),
    "its root to each factor": lambda lam, mu, g, task: lam / (lam + g**0.5) * _nu(mu, g**0.5),
    "its root, split by mean eigenvalues": _split,
    "to each factor, times its mean eigenvalue": lambda lam, mu, g, task: _times(
        lam, mu, g * float(task.head_eigenvalues.mean()), g * float(task.cov_eigenvalues.mean())
    ),
    "to each factor, times its largest eigenvalue": lambda lam, mu, g, task: _times(
        lam, mu, g * float(task.head_eigenvalues.max()), g * float(task.cov_eigenvalues.max())
    ),
    "to the input factor, times its mean eigenvalue": lambda lam, mu, g, task: _nu(
        mu, g * float(task.cov_eigenvalues.mean())
    ),
    "to the input factor, times its largest eigenvalue": lambda lam, mu, g, task: _nu(
        mu, g * float(task.cov_eigenvalues.max())
    ),
    "to the input factor, a sum over the rows": lambda lam, mu, g, task: _nu(mu, g / task.rows),
}
"""Share of the undamped rate that is left in the direction (lambda, mu): LR-05 and LR-36."""


@check(ID, tags=("theory",), cost=0.5, quick=False, control=False)
def damping(subject: Subject) -> Iterable[CheckResult]:
    """Damping slows the directions that the theory says, by as much as it says."""
    claimed = [c for c, m in theory_methods(subject.spec.claims).items() if m in CLAIMED]
    option = damping_option(subject)
    named = option is not None and option[0] not in ("eps", "epsilon")
    if option is None or not (claimed or named):
        return
    name, default = option
    task = replace(Task(), whole=True, noise_std=0.0, steps=12)
    rates = {value: _rates(subject, task, value) for value in (NEGLIGIBLE, VALUE, default)}
    left = {c: rates[VALUE][c] / rates[NEGLIGIBLE][c] for c in CORNERS}
    drift = 1 - rates[default][WEAKEST] / rates[default][0, 0]
    found = {kind: _apart(left, share, task) for kind, share in KINDS.items()}
    kind = min(found, key=lambda k: found[k])
    outcome, says = _graded(left, kind, found[kind], name)
    if outcome is Outcome.DEVIATES and not claimed:
        outcome = Outcome.NOT_CLAIMED
    more: Mapping[str, Any] = {}
    if outcome is Outcome.DEVIATES:
        more = _program(subject, task, left[WEAKEST])
    yield CheckResult(
        check=ID,
        outcome=outcome,
        message=f"The rate left of the weakest direction at {name} = {VALUE:g} is "
        f"{left[WEAKEST]:.3f}; {says}.",
        measured=found[kind],
        bound=SAME,
        convention={"damping": kind} if found[kind] <= SAME else {},
        scenario={"model": "y = F* G x, head kept", "damping": VALUE, "kappa": 16.0},
        details={
            "rate left": {f"lambda {i}, mu {j}": value for (i, j), value in left.items()},
            "distance to each kind": found,
            "drift at the default": drift,
            **more.get("details", {}),
        },
        snippet=more.get("snippet", ""),
        feature=(
            f"At its default {name} of {default:g} the weakest feature direction, 256 times weaker "
            f"than the strongest, is learned {100 * drift:.2g} % more slowly than it."
        ),
    )


def _rates(subject: Subject, task: Task, value: float) -> dict[Corner, float]:
    """Return the local rates under one value of damping, in units of one learning rate.

    Where factors have options of their own, all of them get the value.
    """
    found = speed(subject, task, options=_damped(subject, NEGLIGIBLE))
    options = _damped(subject, value)
    left = decays(subject, task, 0, found.learning_rate, CORNERS, options=options)
    return {corner: local_rate([values]) for corner, values in left.items()}


def _damped(subject: Subject, value: float) -> dict[str, Any]:
    return {**without_average(subject), **dict.fromkeys(dampings(subject), value)}


def _program(subject: Subject, task: Task, number: float) -> Mapping[str, Any]:
    """Return the program that prints the rate left of the weakest direction."""
    options = [_damped(subject, value) for value in (NEGLIGIBLE, VALUE)]
    rate = speed(subject, task, options=options[0]).learning_rate
    return shown(damped_snippet(subject, task, rate, options, WEAKEST, number))


def _apart(left: Mapping[Corner, float], share: Kind, task: Task) -> float:
    """Return the largest difference of measured and predicted shares."""
    away = []
    for (i, j), value in left.items():
        lam, mu = float(task.head_eigenvalues[i]), float(task.cov_eigenvalues[RANK + j])
        away.append(abs(value - share(lam, mu, VALUE, task) / share(lam, mu, NEGLIGIBLE, task)))
    return max(away)


def _graded(left: Mapping[Corner, float], kind: str, away: float, name: str) -> tuple[Outcome, str]:
    weakest = left[WEAKEST]
    if not all(math.isfinite(value) for value in left.values()):
        return Outcome.INCONCLUSIVE, "the rates could not be told"
    if abs(weakest - 1) < FELT:
        return Outcome.DEVIATES, f"{name} changes no rate"
    if weakest > 1:
        return Outcome.DEVIATES, f"{name} speeds the weakest direction up, which no damping does"
    if away <= SAME:
        usual = kind in ("to each factor", "to the input factor")
        return Outcome.CONFORMS if usual else Outcome.CONVENTION, f"damping is added {kind}"
    return Outcome.VARIANT, f"no kind of damping in the theory leaves that (nearest: {kind})"
