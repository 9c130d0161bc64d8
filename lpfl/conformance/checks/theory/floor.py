"""theory.floor: how much label noise the representation keeps, for the speed at which it learns."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.claims import normal, theory_methods
from lpfl.conformance.learning.cost import affordable
from lpfl.conformance.learning.exponents import Estimate, held
from lpfl.conformance.learning.local_rates import (
    INPUTS,
    RANK,
    Corner,
    Task,
    Truth,
    decays,
    draw_batches,
    draw_truth,
    local_rate,
    path,
)
from lpfl.conformance.learning.speed import speed
from lpfl.conformance.learning.task_snippet import floor_snippet
from lpfl.conformance.learning.theory_snippet import shown
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.subject import Subject
from theory.linear_representation import tangent_floor

ID = "theory.floor"
WEAKEST: Corner = (1, INPUTS - RANK - 1)
SPEED = 0.25
"""Local rate of the strongest direction."""
REPLICATES = 16
MARGIN = math.log(1.35)
"""Finite batches and the rest of the approach to the floor, on a logarithmic scale."""
CALLS = 5e6
JUDGED = frozenset({"sgd", "kfac"})


@check(ID, tags=("theory",), cost=2.0, quick=False, control=False)
def floor(subject: Subject) -> Iterable[CheckResult]:
    """The noise left in the representation is the theory's for the claimed method."""
    task = Task(head_condition=3.0, cov_condition=3.0, noise_std=1.0)
    steps = affordable(subject, REPLICATES, calls=CALLS, least=80, most=240)
    found = speed(subject, task, target=SPEED)
    short = replace(task, steps=40)
    left = [decays(subject, short, r, found.learning_rate, (WEAKEST,)) for r in range(4)]
    slow = local_rate([d[WEAKEST] for d in left])
    if not 0 < slow < 1:
        raise Undrivable("the weakest direction does not come nearer to the solution")
    seen = [_kept(subject, replace(task, steps=steps), r, found.learning_rate)
            for r in range(REPLICATES)]  # fmt: skip
    unit = _theory(task, "kfac", slow)
    ratios = _log_mean([value / unit for value in seen])
    times = math.exp(ratios.value)
    message = f"The noise kept is {times:.2f} times KFAC's at equal speed in the weakest direction"
    common: dict[str, Any] = {
        "measured": times,
        "scenario": {"model": "y = F* G x, head kept", "kappa": 3.0, "noise": 1.0, "rows": 64},
        "details": {
            "mean |T|^2": sum(seen) / len(seen),
            "theory of KFAC": unit,
            "rate of the weakest direction": slow,
            "half width of the logarithm": ratios.half_width,
            "steps": steps,
        },
        "feature": (
            f"For the speed at which it learns its weakest feature, it keeps {times:.2f} times the "
            "label noise that a whitened step keeps in the representation."
        ),
    }
    claimed = {c: m for c, m in theory_methods(subject.spec.claims).items() if m in JUDGED}
    if subject.accepts("momentum") and subject.default("momentum"):
        claimed = {}  # momentum has a floor of its own
    claimed = {c: m for c, m in claimed.items() if normal(c) not in ("momentum", "nesterov")}
    for claim, method in claimed.items():
        expected = math.log(_expected(task, method, found.local_rate) / _unit(task, method, slow))
        outcome = held(ratios, expected, margin=MARGIN, rival=math.log(4))
        more: Mapping[str, Any] = {}
        if outcome is Outcome.DEVIATES:
            rate, long = found.learning_rate, replace(task, steps=steps)
            more = shown(floor_snippet(subject, long, rate, REPLICATES, unit, times))
        yield CheckResult(
            check=ID,
            outcome=outcome,
            message=f"{message}; {claim} keeps {math.exp(expected):.2f} times as much.",
            bound=math.exp(MARGIN),
            snippet=more.get("snippet", ""),
            **{**common, "details": {**common["details"], **more.get("details", {})}},
        )
    if not claimed:
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=f"{message}.", **common)


def _expected(task: Task, method: str, fast: float) -> float:
    if method == "kfac":
        return 1.0
    return _theory(task, "amgd_large_batch", fast)


def _unit(task: Task, method: str, slow: float) -> float:
    return 1.0 if method == "kfac" else _theory(task, "kfac", slow)


def _theory(task: Task, method: str, step_size: float) -> float:
    """Return the theory's floor; both largest eigenvalues are 1, so SGD's step is its fast rate."""
    return tangent_floor(
        method,
        step_size=step_size,
        noise_std=task.noise_std,
        n=task.rows,
        head_eigenvalues=task.head_eigenvalues.numpy(),
        schur_eigenvalues=task.cov_eigenvalues[RANK:].numpy(),
    )


def _kept(subject: Subject, task: Task, replicate: int, rate: float | None) -> float:
    """Return the mean of |T|^2 over the second half of a run that starts at the solution."""
    truth = draw_truth(subject, task, replicate)
    values = path(subject, truth, draw_batches(subject, task, truth, replicate), rate)
    late = values[len(values) // 2 :]
    return sum(float(_tangent(G, truth).square().sum()) for G in late) / len(late)


def _tangent(G: Tensor, truth: Truth) -> Tensor:
    """Return T = (G G*')^{-1} G P, P onto the complement of G*."""
    inside = G @ truth.representation.mT
    return torch.linalg.solve(inside, G @ truth.cov_basis[:, RANK:])


def _log_mean(values: list[float]) -> Estimate:
    """Return the logarithm of the mean, with pseudo-values of the jackknife."""
    count, total = len(values), sum(values)
    whole = math.log(total / count)
    parts = [math.log((total - v) / (count - 1)) for v in values]
    return Estimate(whole, tuple(count * whole - (count - 1) * part for part in parts))
