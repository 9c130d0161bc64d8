"""Decisions without chance: identities and bounds."""

import numpy as np
from numpy.typing import ArrayLike

from lpfl import guards
from lpfl.decide.verdict import (
    Outcome,
    Verdict,
    require_finite_values,
)

COARSEST_TOLERANCE = 1e-2


def exact_identity(holds: bool, *, false_pass_bound: float, degree: int) -> Verdict:
    """Decide an identity read over a finite field: statistic 0 if it holds, 2 if not."""
    guards.truth("holds", holds)
    guards.number("false_pass_bound", false_pass_bound, least=0.0, most=1.0)
    guards.count("degree", degree, least=0)
    return Verdict(
        outcome=Outcome.CONFIRMED if holds else Outcome.REFUTED,
        statistic=0.0 if holds else 2.0,
        margin=1.0 if holds else -1.0,
        detectable=0.0,
        detail=f"degree {degree}; a false identity passes with probability <= "
        f"{false_pass_bound:.2g}",
    )


def identity(
    error: ArrayLike, *, tolerance: float, coarsest: float = COARSEST_TOLERANCE
) -> Verdict:
    """Decide an equality in floating point: largest relative error against its tolerance.

    A tolerance above ``coarsest`` could hide a wrong formula: then a pass is inconclusive.
    """
    worst = float(require_finite_values("error", error).max())
    guards.number("tolerance", tolerance, above=0.0)
    guards.number("coarsest", coarsest, above=0.0)
    if worst > tolerance:
        outcome = Outcome.REFUTED
    elif tolerance > coarsest:
        outcome = Outcome.INCONCLUSIVE
    else:
        outcome = Outcome.CONFIRMED
    detail = ""
    if tolerance > coarsest:
        detail = f"tolerance {tolerance:.2g} > {coarsest:.2g}: too coarse to see a wrong formula"
    return Verdict(
        outcome=outcome,
        statistic=worst / tolerance,
        margin=1.0 - worst / tolerance,
        predicted=0.0,
        measured=worst,
        tolerance=tolerance,
        detectable=tolerance,
        replicates=require_finite_values("error", error).size,
        detail=detail,
    )


def bound(values: ArrayLike, limits: ArrayLike, *, rounding: ArrayLike) -> Verdict:
    """Decide ``values <= limits`` always; an excess beyond ``rounding`` (absolute) refutes.

    statistic: the largest value / (limit + rounding), how tight the bound is.
    """
    given = {"values": values, "limits": limits, "rounding": rounding}
    arrays = [require_finite_values(name, one) for name, one in given.items()]
    try:
        value, limit, slack = (one.ravel() for one in np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in zip(given, arrays, strict=True))
        raise ValueError(f"shapes {shapes} do not fit, need to broadcast") from None
    if (slack < 0).any() or (limit + slack <= 0).any():
        raise ValueError(f"limit + rounding = {float((limit + slack).min())}, needs > 0")
    ratio = value / (limit + slack)
    worst = int(np.argmax(ratio))
    return Verdict(
        outcome=Outcome.REFUTED if ratio[worst] > 1.0 else Outcome.CONFIRMED,
        statistic=float(ratio[worst]),
        margin=float(1.0 - ratio[worst]),
        predicted=float(limit[worst]),
        measured=float(value[worst]),
        tolerance=float(slack[worst]),
        detectable=float(slack[worst]),
        replicates=value.size,
        sharp=True,
    )
