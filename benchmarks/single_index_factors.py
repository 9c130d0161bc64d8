"""Time of one prediction about factors at 1000 atoms: mixtures, averages, exponents, the ceiling.

python benchmarks/single_index_factors.py
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: timings on one core

import time
from collections.abc import Callable
from typing import Any

from theory.core.spectrum import Spectrum
from theory.single_index import (
    average_alignment,
    ceiling,
    exponent_alignment,
    mixture_alignment,
)

REPEATS = 10
PROBLEM: dict[str, Any] = {
    "spectrum": Spectrum.geometric(30.0, 1000),
    "aspect": 0.5,
    "c1": 0.6,
    "residual_var": 0.2,
}

CASES: dict[str, Callable[[], float]] = {
    "mixture of 2 batches": lambda: mixture_alignment(shares=[0.3, 0.7], damping=0.1, **PROBLEM),
    "ceiling": lambda: ceiling(**PROBLEM),
    "exponent 1/2, same batch": lambda: exponent_alignment(exponent=0.5, **PROBLEM),
    "average, 1 step": lambda: average_alignment(decay=0.95, **PROBLEM),
    "average, 100 steps": lambda: average_alignment(decay=0.95, steps=100, **PROBLEM),
    "average, 1000 steps": lambda: average_alignment(decay=0.95, steps=1000, **PROBLEM),
}


def main() -> None:
    """Print the best time of several calls, after one that compiles the formulas."""
    for name, predict in CASES.items():
        value, best = predict(), float("inf")
        for _ in range(REPEATS):
            start = time.perf_counter()
            predict()
            best = min(best, time.perf_counter() - start)
        print(f"{name:26s} {1e3 * best:8.2f} ms   squared cosine {value:.4f}")


if __name__ == "__main__":
    main()
