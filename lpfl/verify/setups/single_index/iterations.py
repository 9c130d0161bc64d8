"""The two iterations towards the fixed point: rates at the root, and which way they move."""

import math
from collections.abc import Iterator
from decimal import Decimal, localcontext

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.verify.expect import Below, Comparison, Same
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.tolerance import judgement, rounding, truncation
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.core.resolvent import Resolvent, resolvent
from theory.single_index import fixed_point as iterations

# sums of at most 200 positive terms, and a root to 1e-15
FORMULA = rounding(torch.float64, dim=24, why="sums of 200 positive terms, and a root to 1e-15")
CLOSE_TO_RATE_ONE = judgement(0.02, "closer to 1 an iteration needs hundreds of steps to show it")
STATED = rounding(
    torch.float64, dim=1, condition=64.0, why="64 roundings; 2000 without a last step"
)
ITERATIONS = 100
STEP = 1e-4
DIFFERENCE = truncation(1e-6, "the square of the step 1e-4, with room for the third derivative")
HALF = judgement(0.5, "the distance to the root halves, or doubles, in the planned steps")


def solved(trial: Trial) -> tuple[Spectrum, float, float, Resolvent]:
    """Return the spectrum, aspect, damping and fixed point of the scenario."""
    s, aspect = setup.spectrum(trial.scenario), setup.aspect(trial.scenario)
    damping = float(trial.scenario.damping)
    return s, aspect, damping, resolvent(s, aspect=aspect, damping=damping)


# Eigenvalues, weights, aspect and damping where the left side of the companion equation is flat: as
# many directions above a gap as there are samples.
FLAT = (
    ((1e-8, 1.0), (0.5, 0.5), 2.0, 1e-12),
    ((1e-8, 1.0), (0.5, 0.5), 2.0, 1e-9),
    ((1e-10, 1.0), (0.5, 0.5), 2.0, 1e-14),
    ((1e-6, 1.0), (0.125, 0.875), 8 / 7, 1e-10),
)
DIGITS = 60


def root_in_digits(
    atoms: tuple[float, ...], weights: tuple[float, ...], aspect: float, damping: float
) -> float:
    """Return the root v of lam v + phi E[s v/(1 + s v)] = 1, by halving at 60 digits."""
    with localcontext() as context:
        context.prec = DIGITS
        pairs = [(Decimal(s), Decimal(p)) for s, p in zip(atoms, weights, strict=True)]
        phi, lam = Decimal(aspect), Decimal(damping)
        low, high = Decimal(0), 1 / lam
        while high - low > high * Decimal(10) ** -25:
            v = (low + high) / 2
            left = lam * v + phi * sum(p * s * v / (1 + s * v) for s, p in pairs)
            low, high = (low, v) if left > 1 else (v, high)
        return float(low)


def nearly_flat() -> Iterator[Comparison]:
    """The solver keeps its digits where rounding errors of a plain equation show."""
    for atoms, weights, aspect, damping in FLAT:
        root = resolvent(Spectrum(atoms, weights), aspect=aspect, damping=damping)
        yield Same(
            part="companion",
            measured=root_in_digits(atoms, weights, aspect, damping),
            predicted=float(root.v),
            tolerance=STATED,
            label=f"60 digits, a gap down to {atoms[0]:g}, d/n = {aspect:.3g}",
        )


def companion_iteration(trial: Trial) -> Iterator[Comparison]:
    """The iteration for v: its rate is below 1 and bounds the error from every larger start.

    The map is increasing and concave, so right of the root its slope is at most that at the root,
    and left of it the iterates increase towards the root.
    """
    s, aspect, damping, root = solved(trial)
    v = float(root.v)
    rate = setup.predicted(trial, "companion_rate")

    def iterate(start: float, steps: int = ITERATIONS) -> NDArray[np.float64]:
        path = iterations.companion_iteration(
            s, aspect=aspect, damping=damping, start=start, steps=steps
        )
        return np.asarray(path, dtype=np.float64)

    ahead, behind = iterate(v * (1 + STEP), 1)[-1], iterate(v * (1 - STEP), 1)[-1]
    yield Same(
        part="companion_rate",
        measured=(ahead - behind) / (2 * STEP * v),
        predicted=rate,
        scale=1.0 + rate,
        tolerance=DIFFERENCE,
        label="slope at the root",
    )
    yield Below(
        part="contraction",
        measured=rate,
        limit=float(setup.printed(trial, "contraction")),
        tolerance=rounding(torch.float64, dim=1, why="a mean of squares below 1"),
        label="rate",
    )
    right, left = iterate(1e3 * v), iterate(1e-3 * v)
    steps = np.arange(right.size)
    # each step adds a rounding error of a few eps, and a geometric sum of them stays
    room = FORMULA.times(1.0 / (1.0 - rate), "summed over the steps")
    errors = right / v - 1.0
    yield Below(
        part="contraction",
        measured=errors,
        limit=errors[0] * rate**steps,
        tolerance=room,
        label="from the right at this rate",
    )
    yield Below(
        part="contraction",
        measured=left[:-1] / left[1:],
        limit=1.0,
        tolerance=room,
        label="from the left, increasing",
    )
    yield Below(
        part="contraction",
        measured=left / v,
        limit=1.0,
        tolerance=room,
        label="never beyond the root",
    )


def natural_iteration(trial: Trial) -> Iterator[Comparison]:
    """The iteration for m: its slope at the root, and which way it moves near the root."""
    s, aspect, damping, root = solved(trial)
    m = float(root.m)
    rate = setup.predicted(trial, "natural_rate")
    step = STEP / (1.0 + rate)

    def iterate(start: float, steps: int) -> list[float]:
        return iterations.natural_iteration(
            s, aspect=aspect, damping=damping, start=start, steps=steps
        )

    ahead, behind = iterate(m * (1 + step), 1)[-1], iterate(m * (1 - step), 1)[-1]
    slope = (behind - ahead) / (2 * step * m)
    yield Same(
        part="natural_rate",
        measured=slope,
        predicted=rate,
        scale=1.0 + rate,
        tolerance=DIFFERENCE,
        label="slope at the root",
    )
    sign = setup.predicted(trial, "repelled")
    if aspect <= 1.0:
        yield Same(
            part="repelled",
            measured=sign,
            predicted=-1.0,
            tolerance=FORMULA,
            label="attracted for d at most n",
        )
    if abs(rate - 1.0) <= CLOSE_TO_RATE_ONE.value:
        return
    yield Same(
        part="repelled",
        measured=np.sign(slope - 1.0),
        predicted=sign,
        tolerance=FORMULA,
        label="sign of the measured rate less 1",
    )
    steps = min(400, math.ceil(math.log(4.0) / abs(math.log(rate))) + 1)
    path = iterate(m * (1 + step), steps)
    errors = [abs(x / m - 1.0) if x > 0 else math.inf for x in path]
    reached = min(max(errors[1:]), 1e300) if sign > 0 else errors[-1]
    moved = errors[0] / reached if sign > 0 else reached / errors[0]
    yield Below(
        part="repelled",
        measured=moved,
        limit=HALF.value,
        tolerance=FORMULA,
        label="start over the largest distance" if sign > 0 else "last distance over the start",
    )
