"""Comparisons with exact laws, and what they are checked by: exact tails and distances."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lpfl.verify.expect import ChiSquare, Exceeds, Scale, UniformLaw
from lpfl.verify.tolerance import judgement


def spread_over(totals: NDArray[np.float64], dof: int, matters: float) -> ChiSquare:
    """Return the comparison of totals of several replicates with their law."""
    scale = Scale(matters, "a ratio that the statement is about")
    return ChiSquare(part="chi_square_turns", totals=totals, dof=dof, scale=scale)


def within(values: NDArray[np.float64], distance: float) -> UniformLaw:
    """Return the comparison of transforms with the uniform law."""
    worth = judgement(distance, "a distance that the statement is about")
    return UniformLaw(part="uniform_turns", transforms=values, distance=worth)


def tails(trials: int, share: float) -> list[Fraction]:
    """Return the exact chance of at least 0, 1, .., trials failures, each of this share."""
    p, tail, found = Fraction(share), Fraction(0), []
    for count in range(trials, -1, -1):
        tail += math.comb(trials, count) * p**count * (1 - p) ** (trials - count)
        found.append(tail)
    return found[::-1]


def exceeds(count: int, trials: int, share: float) -> Exceeds:
    """Return the comparison of a count of failures with a bound on their share."""
    return Exceeds(part="binomial", violations=count, trials=trials, delta=share)


def distances(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return how far the empirical distribution of sorted values lies above and below x."""
    steps = np.arange(values.size + 1) / values.size
    return float(np.max(steps[1:] - values)), float(np.max(values - steps[:-1]))
