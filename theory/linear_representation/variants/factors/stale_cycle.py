"""Cycles of any number of steps on one input factor, through moments of an inverse Wishart matrix.

A is the inverse of W, Wishart of nu = n - k degrees of freedom and p = d - k dimensions. Given A, a
step on a fresh batch turns the second moment V of a whitened row of T into

    L(V) = V - eta nu (V A + A V) + eta^2 nu ((nu + 1) A V A + tr(V) A^2),

which for V = A^i is a sum of powers of A times traces of powers of A. Their means solve linear
equations: for q = nu - p - 1, a product f of traces of powers and t_r = tr A^r,

    E t_m f = E[(q - m) t_{m+1} f - sum_{s=1}^{m} t_s t_{m+1-s} f - 2 sum_r r t_{r+m+1} f / t_r],

t_0 = p, the last sum over the factors t_r of f. This is the identity of Stein and Haff for A^m f.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from theory.core.guards import count, number

Traces = tuple[int, ...]  # (3, 1): tr A^3 tr A
Powers = dict[tuple[int, Traces], float]  # {(2, (1,)): c}: c A^2 tr A
LONGEST_CYCLE = 8  # the equations for a longer one number thousands


class StaleCycle(NamedTuple):
    """What K_f - 1 steps on an old factor make of mean squares, each a trace over p.

    cycle_kept: of the identity. cycle_own: of A, the noise of the first step over eta^2.
    cycle_old: of the noise of the steps on the old factor, over eta^2.
    """

    cycle_kept: float
    cycle_own: float
    cycle_old: float


def stale_cycle(factor_every: int, *, step_size: float, n: int, d: int, k: int) -> StaleCycle:
    """Return the moments of a cycle of ``factor_every`` steps on batches of n rows.

    Raises: ValueError on a bad argument, or unless n > d + 4 factor_every - 3: E|T|^2 is infinite.
    Source: derived (LR-31).
    """
    K = count("factor_every", factor_every)
    number("factor_every", K, high=LONGEST_CYCLE)
    eta = number("step_size", step_size, low=0.0, open_low=True)
    count("k", k)
    count("d", d, low=k + 1)
    count("n", n, low=d + 4 * K - 2)
    return _cycle(K, eta, int(n) - int(k), int(d) - int(k))


@lru_cache(maxsize=256)
def _cycle(K: int, eta: float, nu: int, p: int) -> StaleCycle:
    """Return the moments for nu degrees of freedom in p dimensions."""
    moments = inverse_wishart_moments(2 * K - 1, freedom=nu, dim=p)

    def mean(powers: Powers) -> float:
        """Return the mean trace over p."""
        return sum(c * moments[_joined(i, traces)] for (i, traces), c in powers.items()) / p

    kept: Powers = {(0, ()): 1.0}
    own: Powers = {(1, ()): 1.0}
    noise: Powers = {(2, ()): float(nu)}
    old = 0.0
    for _ in range(K - 1):
        old += mean(noise)
        kept, own, noise = (_step(V, eta, nu, p) for V in (kept, own, noise))
    return StaleCycle(mean(kept), mean(own), old)


def _step(V: Powers, eta: float, nu: int, p: int) -> Powers:
    """Return L(V)."""
    after: Powers = {}
    for (i, traces), c in V.items():
        images = {
            (i, traces): c,
            (i + 1, traces): -2.0 * eta * nu * c,
            (i + 2, traces): eta**2 * nu * (nu + 1) * c,
        }
        spread = (2, _joined(i, traces)) if i else (2, traces)
        images[spread] = images.get(spread, 0.0) + eta**2 * nu * c * (1 if i else p)
        for key, value in images.items():
            after[key] = after.get(key, 0.0) + value
    return after


def _joined(power: int, traces: Traces) -> Traces:
    return tuple(sorted((*traces, power), reverse=True))


def inverse_wishart_moments(degree: int, *, freedom: int, dim: int) -> dict[Traces, float]:
    """Return E of every product of traces of powers of A, by its powers, up to ``degree``.

    The powers fall, such as (3, 1) for tr A^3 tr A; a last power 0 stands for tr I = dim.
    A is the inverse of a Wishart matrix of scale I. Needs freedom - dim + 1 > 2 degree.
    Source: Haff 1979, the Wishart identity; the recursion is in the module's text.
    """
    q = freedom - dim - 1
    known: dict[Traces, float] = {(): 1.0, (0,): float(dim)}
    for size in range(1, degree + 1):
        unknown = list(_partitions(size, size))
        place = {powers: i for i, powers in enumerate(unknown)}
        equations, constants = np.zeros((len(unknown),) * 2), np.zeros(len(unknown))
        for row, (first, *others) in enumerate(unknown):
            m, rest = first - 1, tuple(others)
            below = known[_joined(m, rest)] if m else dim * known[rest]
            constants[row] = below
            equations[row, row] += q - m
            for s in range(1, m + 1):
                equations[row, place[_joined(s, _joined(m + 1 - s, rest))]] -= 1.0
            for at, r in enumerate(rest):
                left = rest[:at] + rest[at + 1 :]
                equations[row, place[_joined(r + m + 1, left)]] -= 2.0 * r
        solved = np.linalg.solve(equations, constants)
        known |= {powers: float(solved[i]) for powers, i in place.items()}
        known |= {(*powers, 0): dim * known[powers] for powers in unknown}
    return known


def _partitions(total: int, largest: int) -> Iterator[Traces]:
    """Yield the partitions of ``total`` into falling parts of at most ``largest``."""
    if total == 0:
        yield ()
    for first in range(min(total, largest), 0, -1):
        for rest in _partitions(total - first, first):
            yield (first, *rest)
