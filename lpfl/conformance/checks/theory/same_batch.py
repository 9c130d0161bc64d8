"""theory.same-batch: whether a layer's second moments are those of the batch it steps on."""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.claims import normal
from lpfl.conformance.learning.affine import averages, dampings, without_average
from lpfl.conformance.learning.local_rates import INPUTS, Task, draw_batches, draw_truth, path
from lpfl.conformance.learning.speed import speed
from lpfl.conformance.learning.task_snippet import turned_snippet
from lpfl.conformance.learning.theory_snippet import shown
from lpfl.conformance.learning.transforms import haar
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject

ID = "theory.same-batch"
CLAIMED = frozenset({"foof", "kfac", "kfac-empirical", "kfac-sampled", "kfac-type2"})
NEGLIGIBLE = 1e-7
EXACT = 0.02
"""Signature, as a root, that damping and rounding explain."""
OLD = 1.5
"""Between the signature 1 of an average over many batches and 2 of one earlier batch."""
STEPS = 30


@check(ID, tags=("theory",), cost=0.1, claims=CLAIMED, control=False)
def same_batch(subject: Subject) -> Iterable[CheckResult]:
    """Without noise a tilt of the representation shrinks without turning, on any batch."""
    claim = sorted(c for c in subject.spec.claims if normal(c) in CLAIMED)[0]
    options = {**without_average(subject), **dict.fromkeys(dampings(subject), NEGLIGIBLE)}
    turns = turned(subject, options)
    late = turns[2:]
    unit = (INPUTS - 1) / Task().rows
    signature = sum(s * s for s in late) / len(late) / unit
    sharp = [t for t, s in enumerate(turns, 1) if s <= EXACT]
    outcome, says = _graded(turns, signature, sharp)
    if outcome is Outcome.DEVIATES and averages(subject):
        outcome, says = Outcome.VARIANT, "the average takes earlier batches only"
    if without_average(subject):
        says += f" once {next(iter(without_average(subject)))} is 0"
    more: Mapping[str, Any] = {}
    if outcome is Outcome.DEVIATES:
        rate = speed(subject, _task(), options=options).learning_rate
        more = shown(turned_snippet(subject, _task(), rate, options, signature))
    yield CheckResult(
        check=ID,
        outcome=outcome,
        message=f"The squared sine by which one step turns a tilt is {signature:.2g} in units of "
        f"(d - 1)/n; {says}.",
        measured=signature,
        bound=EXACT**2 / unit,
        scenario={"claim": claim, "model": "y = F* G x, head kept, no noise", "rows": Task().rows},
        snippet=more.get("snippet", ""),
        details={"sine by step": turns, "options": options, **more.get("details", {})},
        feature=(
            "The input factor is that of the batch itself, which cancels the batch's own "
            "fluctuations exactly: features converge as if the data were white."
            if outcome is Outcome.CONFORMS
            else "The input factor is not that of the batch, so the batch's fluctuations turn the "
            "features on their way: their error falls no faster than the batch size allows."
        ),
    )


def _task() -> Task:
    return replace(Task(), noise_std=0.0, cov_condition=1.0, head_condition=4.0, steps=STEPS)


def turned(subject: Subject, options: dict[str, Any]) -> list[float]:
    """Return per step the sine of the angle in the input space between step and tilt."""
    task = _task()
    found = speed(subject, task, options=options)
    truth = draw_truth(subject, task, 0)
    way = haar(INPUTS, subject.stream(ID))[0]
    tilt = 0.1 * torch.outer(truth.head_basis[:, 0] + truth.head_basis[:, 1], way)
    values = path(
        subject, truth, draw_batches(subject, task, truth, 0), found.learning_rate,
        tilt=tilt, options=options,
    )  # fmt: skip
    sines = []
    for before, after in itertools.pairwise(values):
        step = after - before
        whole = float(step.norm())
        across = float((step - torch.outer(step @ way, way)).norm())
        sines.append(across / whole if whole > 0 else math.nan)
    return sines


def _graded(turns: list[float], signature: float, sharp: list[int]) -> tuple[Outcome, str]:
    if not math.isfinite(signature):
        return Outcome.INCONCLUSIVE, "some steps do not move"
    if all(t in sharp for t in range(3, len(turns) + 1)):
        return Outcome.CONFORMS, "the input factor is that of the same batch"
    periods = [t for t in sharp if t > 1]
    if len(periods) > 1:
        gap = periods[1] - periods[0]
        return Outcome.VARIANT, f"the factor is renewed every {gap} steps"
    if signature > OLD:
        return Outcome.DEVIATES, "the factor is that of an earlier batch, for which theory gives 2"
    if signature > 0.5:
        return Outcome.VARIANT, "as with an average over many batches, for which theory gives 1"
    return Outcome.VARIANT, "the factor is an average in which the batch has part"
