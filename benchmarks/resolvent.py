"""Speed and accuracy of the fixed point, side by side with other ways to the same numbers.

    python benchmarks/resolvent.py

1. a grid of 10^4 (aspect, damping) pairs at 1000 atoms, on one core;
2. one pair against an eigendecomposition Monte Carlo, which is averaged until its standard error
   would match the tolerance (time extrapolated from the measured error of one draw);
3. freealg, if installed (``pip install 'lpfl[peers]'``): agreement and time.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: timings on one core

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum

MONTE_CARLO_DIM = 400
MONTE_CARLO_DRAWS = 8
TARGETS = (1e-3, 1e-5)


def seconds(function: Callable[[], object], repeats: int = 5) -> float:
    """Best wall time of several calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def grid() -> None:
    spectrum = Spectrum.geometric(1e4, 1000)
    aspect = np.geomspace(0.01, 100.0, 100)[:, None]
    damping = np.geomspace(1e-18, 1e6, 100)
    used = seconds(lambda: resolvent(spectrum, aspect=aspect, damping=damping), 3)
    print(f"grid      10^4 pairs x 1000 atoms: {used:.3f} s  (bound 0.5 s)")


def monte_carlo(spectrum: Spectrum, aspect: float, damping: float) -> None:
    d = MONTE_CARLO_DIM
    rng = np.random.default_rng(0)
    scale = np.sqrt(np.repeat(spectrum.eigenvalues, d // spectrum.eigenvalues.size))

    def draw() -> float:
        X = rng.standard_normal((round(d / aspect), d)) * scale
        return float(np.mean(1 / (np.linalg.eigvalsh(X.T @ X / len(X)) + damping)))

    start = time.perf_counter()
    found = np.array([draw() for _ in range(MONTE_CARLO_DRAWS)])
    per_draw = (time.perf_counter() - start) / MONTE_CARLO_DRAWS
    exact = float(resolvent(spectrum, aspect=aspect, damping=damping).m)
    spread = float(np.std(found, ddof=1)) / exact
    ours = seconds(lambda: resolvent(spectrum, aspect=aspect, damping=damping))
    print(f"one pair  aspect={aspect}, damping={damping}: fixed point {ours * 1e6:.0f} us at 1e-15")
    print(
        f"          Monte Carlo d={d}: {per_draw * 1e3:.0f} ms per draw, relative spread "
        f"{spread:.1e}, bias {abs(found.mean() / exact - 1):.1e}"
    )
    for target in TARGETS:
        needed = max(1.0, (spread / target) ** 2)
        ratio = needed * per_draw / ours
        print(f"          ratio at relative accuracy {target:.0e}: {ratio:.2g} times slower")


def peer(spectrum: Spectrum, aspect: float, damping: float) -> None:
    if find_spec("freealg") is None:
        print("freealg   not installed: pip install 'lpfl[peers]' to compare")
        return
    from freealg.distributions import DeformedMarchenkoPastur

    other = DeformedMarchenkoPastur(list(spectrum.eigenvalues), list(spectrum.weights), c=aspect)

    def stieltjes() -> complex:
        # just above the real axis: on it the physical sheet is not singled out
        return complex(np.ravel(other.stieltjes(np.array([-damping + 1e-12j])))[0])

    ours = float(resolvent(spectrum, aspect=aspect, damping=damping).m)
    theirs = stieltjes().real
    ratio = seconds(stieltjes) / seconds(
        lambda: resolvent(spectrum, aspect=aspect, damping=damping)
    )
    print(
        f"freealg   m = {theirs:.10g}, ours {ours:.10g}, relative difference "
        f"{abs(theirs / ours - 1):.1e}, {ratio:.2g} times slower"
    )


if __name__ == "__main__":
    grid()
    for pair in ((0.5, 0.1), (2.0, 0.1)):
        monte_carlo(Spectrum.two_atom(0.5), *pair)
        peer(Spectrum.two_atom(0.5), *pair)
