"""Comparisons of squared cosines: margins, rivals, replicates, and the fixed point of a batch.

A limit is confronted at finite d: the margin of every comparison is a stated multiple of 1/d plus
a stated relative tolerance. A rival statement is named where the planned replicates tell it apart;
one that lies closer is named as not told apart.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide
from lpfl.measure.alignment import signed_alignment
from lpfl.problems import single_index as model
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.expect import Near, Ordered, Rival
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy
from theory.core.resolvent import resolvent

Array = NDArray[np.float64]

HEAVY_TAILED = ("he3", "he13")
MILD_CONDITION, MILD_TOP, MILD_ASPECT = 10.0, 3.0, 0.6
# Over d. Preliminary runs: 0 to 1 over d in mild scenarios, 2 to 5 over d at condition 100 and
# d = 2n, then confirmed on a seed that no preliminary run had used.
MILD_TERM, WIDE_TERM = 2.0, 6.0
RELATIVE = 0.03
# Standard deviation of a squared cosine times sqrt(d): 0.3 to 0.9 mild, up to 1.3 elsewhere; half
# of it or more is kept where the limit is close to 0 or 1.
MILD_SPREAD, WIDE_SPREAD = 0.75, 1.2
PAIRED = 0.6  # a difference of two squared cosines of the same batch spreads by this share of one
# Replicates are planned for a half-width of 0.45 margins, hence a detectable effect of 1.6
# margins where the spread is as large as its bound.
TOLD_APART = 1.7
# The ridgeless noise grows as 1/|1 - d/n|; its finite-size term would not be of order 1/d.
RIDGELESS_BELOW, RIDGELESS_ABOVE = 0.6, 1.6
TRACE_TERM = 2.0  # over d: bias of the mean of a batch's normalised trace, relative (measured)
PLANNED = 256  # replicates at which the quantile of an interval is taken for a plan
ROOM = 2.0  # for the largest eigenvalue of a batch, above its limit at finite d
FORMULA = rounding(torch.float64, dim=1000, why="sums of at most 1000 positive terms in float64")


def is_mild(scenario: Mapping[str, Any]) -> bool:
    """Say whether runs of this size are close to the limit.

    The spectrum is well-conditioned and without a few large eigenvalues (mean 1), there are clearly
    more samples than dimensions, and the labels have light tails.
    """
    if setup.aspect(scenario) > MILD_ASPECT or scenario["link"] in HEAVY_TAILED:
        return False
    covariance = scenario["covariance"]
    if covariance.condition_number() > MILD_CONDITION:
        return False
    return bool(covariance.spectrum()[0] <= MILD_TOP)


def finite(scenario: Mapping[str, Any], *, damped: bool = True) -> Tolerance:
    """Return the stated bound on |mean over replicates - limit|.

    Without damping the inverse of the batch's covariance fluctuates more, by 1/(1 - d/n).
    """
    dim = float(scenario["input_dim"])
    if not is_mild(scenario):
        return finite_size(
            WIDE_TERM / dim, "6/d, measured beforehand in wide scenarios: 2/d to 5/d"
        )
    if damped:
        return finite_size(MILD_TERM / dim, "2/d, measured beforehand in mild scenarios: 0 to 1/d")
    value = MILD_TERM / (dim * (1.0 - setup.aspect(scenario)))
    return finite_size(value, "2/d over 1 - d/n, by which an inverse without damping fluctuates")


def margin(scenario: Mapping[str, Any], predicted: float, *, damped: bool = True) -> Tolerance:
    """Return the margin of a comparison with ``predicted``: finite-size term + 3 per cent."""
    share = judgement(RELATIVE * abs(predicted), "3 % of the limit, closer than any rival sought")
    return finite(scenario, damped=damped) + share


def nearest(predicted: float, tolerance: Tolerance, rivals: Mapping[str, float]) -> Rival | None:
    """Return the nearest rival statement that the planned replicates tell apart, if any."""
    reach = TOLD_APART * tolerance.value
    apart = [Rival(name, x) for name, x in rivals.items() if abs(x - predicted) > reach]
    return min(apart, key=lambda rival: abs(rival.value - predicted), default=None)


def near(
    trial: Trial,
    part: str,
    samples: Any,
    predicted: float,
    *,
    rivals: Mapping[str, float],
    damped: bool = True,
    tolerance: Tolerance | None = None,
    label: str = "",
) -> Near:
    """Return the comparison of the mean of ``samples`` with a limit, up to the stated margin."""
    allowed = tolerance or margin(trial.scenario, predicted, damped=damped)
    rival = nearest(predicted, allowed, rivals)
    close = [
        f"{name} {x:.4g}"
        for name, x in rivals.items()
        if abs(x - predicted) <= TOLD_APART * allowed.value
    ]
    if close:
        why = f"{allowed.why}; not told apart here: {', '.join(close)}"
        allowed = Tolerance(allowed.value, allowed.basis, why)
    return Near(
        part=part,
        samples=samples,
        predicted=predicted,
        tolerance=allowed,
        rival=rival,
        label=label,
    )


def ordered(
    trial: Trial, part: str, better: Any, worse: Any, gap: float, *, label: str = ""
) -> Ordered:
    """Return the comparison of paired runs whose limits differ by ``gap`` >= 0.

    Strict where the limits differ by more than twice the finite-size term, else up to that term.
    """
    slack = finite(trial.scenario)
    clear = gap > 2.0 * slack.value
    return Ordered(
        part=part,
        better=better,
        worse=worse,
        slack=finite_size(0.0, "the limits are further apart than twice 2/d") if clear else slack,
        matters=gap if clear else None,
        label=label,
    )


def signed(
    trial: Trial, beta: Tensor, problem: model.SingleIndexProblem, *, weighted: bool = False
) -> Tensor:
    """Return the squared cosines (R,) with the teacher, negative for a direction of ascent.

    weighted: with the weight Sigma, that is squared correlations of beta.x with beta*.x.
    """
    weight = problem.covariance if weighted else None
    slope = math.copysign(1.0, setup.statistics(trial.scenario).c1)
    return slope * signed_alignment(beta, problem.teacher, weight=weight)


def replicates_for(
    trial: Trial, tolerance: float, *, spread: float | None = None, share: float = 0.45
) -> int:
    """Return the replicates at which the half-width of the interval is ``share`` of the margin.

    spread: standard deviation of one replicate times sqrt(d), a bound known beforehand; by default
    that of a squared cosine.
    """
    if spread is None:
        spread = widest(trial)
    quantile = decide.quantile(trial.alpha / 2.0, PLANNED)
    std = spread / math.sqrt(trial.scenario.input_dim)
    return max(64, math.ceil((quantile * std / (share * tolerance)) ** 2))


def widest(trial: Trial) -> float:
    """Return the bound on the spread of a squared cosine, times sqrt(d)."""
    return MILD_SPREAD if is_mild(trial.scenario) else WIDE_SPREAD


def replicates_for_limits(trial: Trial, *limits: float) -> int:
    """Return the replicates that comparisons with all of these squared cosines need.

    A squared cosine p fluctuates like 2 sqrt(p (1 - p)) times an angle; half of the bound at
    p = 1/2 is kept as the least.
    """
    return max(
        replicates_for(
            trial,
            margin(trial.scenario, p).value,
            spread=widest(trial) * max(0.5, 2.0 * math.sqrt(max(p * (1.0 - p), 0.0))),
        )
        for p in limits
    )


def replicates_for_order(trial: Trial) -> int:
    """Return replicates for paired differences, which spread less than squared cosines do."""
    slack = finite(trial.scenario).value
    return replicates_for(trial, slack, spread=PAIRED * widest(trial), share=0.6)


def ridgeless_applies(trial: Trial) -> bool:
    """Say whether d/n is far enough from 1 for a run without damping."""
    aspect = setup.aspect(trial.scenario)
    return aspect <= RIDGELESS_BELOW or aspect >= RIDGELESS_ABOVE


def largest_eigenvalue(trial: Trial) -> float:
    """Return an upper bound for the largest eigenvalue of the batch's second moment."""
    top = float(trial.scenario.covariance.spectrum()[0])
    return ROOM * top * (1.0 + math.sqrt(setup.aspect(trial.scenario))) ** 2


def companion_traces(batch: sampler.Moments, damping: float) -> Array:
    """Return v = tr (XX'/n + damping)^-1 / n of each batch (R,), from the eigenvalues of X'X/n."""
    eigenvalues = torch.linalg.eigvalsh(batch.second_moment).clamp(min=0.0)
    total = (1.0 / (eigenvalues + damping)).sum(-1)
    d = eigenvalues.shape[-1]
    return as_numpy((total + (batch.n - d) / damping) / batch.n)


def fixed_point(
    trial: Trial, part: str, batch: sampler.Moments, damping: float, *, label: str = ""
) -> Near:
    """Return the comparison of the relation ``part``, read at the traces of real batches.

    The mean of a normalised trace is off by 2/d; v is that of m times phi m / v.
    """
    s, phi = setup.spectrum(trial.scenario), setup.aspect(trial.scenario)
    known = {"aspect": phi, "damping": damping}

    def left(v: float) -> float:
        return float(setup.printed_left(trial, part, s, **known, resolvent_v=v))

    traces = companion_traces(batch, damping)
    found = [left(float(v)) for v in traces]
    root = resolvent(s, **known)
    magnified = max(1.0, phi * float(root.m) / float(root.v))
    allowed = finite_size(
        TRACE_TERM / trial.scenario.input_dim * magnified, "2/d of a trace, as it enters v"
    )
    return near(
        trial,
        part,
        found,
        float(setup.printed(trial, part, s, **known, resolvent_v=float(root.v))),
        rivals={"v = 1/damping, as for endless data": left(1.0 / damping)},
        tolerance=allowed,
        label=label,
    )
