"""Time of every public prediction, at 1000 atoms where it takes a spectrum. Bound: 10 ms.

    python benchmarks/predictions.py

The first call of a prediction builds its formula and is not timed; the median of several later
calls is shown, slowest first. A grid is one call for many values.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: timings on one core

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from theory import linear_representation as lr
from theory import single_index as si
from theory.core.spectrum import Spectrum

ATOMS = 1000
BOUND = 0.010
REPEATS = 7
WIDE = Spectrum.geometric(100.0, ATOMS)
HEADS = np.geomspace(0.5, 2.0, 20)
SCHURS = np.geomspace(0.1, 10.0, ATOMS - 20)
KNOWN: dict[str, Any] = {"spectrum": WIDE, "aspect": 0.3, "c1": 0.6, "residual_var": 0.2}
MODES: dict[str, Any] = {"head_eigenvalues": HEADS, "schur_eigenvalues": SCHURS}
SIZES: dict[str, Any] = {"n": 5000, "d": ATOMS, "k": 20}
NETWORK: dict[str, Any] = {
    "spectrum": WIDE,
    "dimension": 300,
    "samples": 1000,
    "ridge_samples": 900,
    "width": 300,
    "link": "tanh",
    "activation": "tanh",
    "noise_std": 0.3,
    "ridge": 0.1,
}

CALLS: dict[str, Callable[[], object]] = {
    "alignment sgd": lambda: si.alignment("sgd", **KNOWN),
    "alignment kfac": lambda: si.alignment("kfac", damping=0.1, **KNOWN),
    "alignment kfac, no damping": lambda: si.alignment("kfac", damping=0.0, **KNOWN),
    "average_alignment, 100 steps": lambda: si.average_alignment(
        decay=0.95, steps=100, damping=0.1, **KNOWN
    ),
    "average_alignment, decay 0.99, rare updates": lambda: si.average_alignment(
        decay=0.99, steps=1000, inverse_every=10, factor_every=5, damping=0.1, **KNOWN
    ),
    "average_alignment, 10000 steps, a period of 9797": lambda: si.average_alignment(
        decay=0.95, steps=10_000, inverse_every=97, factor_every=101, damping=0.1, **KNOWN
    ),
    "ceiling": lambda: si.ceiling(**KNOWN),
    "elliptical_alignment": lambda: si.elliptical_alignment(
        spectrum=WIDE, aspect=0.3, link="tanh", noise_std=0.3, scales=[0.4, 1.6], damping=0.1
    ),
    "exponent_alignment": lambda: si.exponent_alignment(exponent=0.5, damping=0.1, **KNOWN),
    "exponent_alignment, population": lambda: si.exponent_alignment(
        exponent=0.5, damping=0.1, factor="population", **KNOWN
    ),
    "filter_alignment": lambda: si.filter_alignment(step_size=0.05, steps=16, **KNOWN),
    "independent_batch_alignment": lambda: si.independent_batch_alignment(
        whitening_aspect=0.2, damping=0.1, **KNOWN
    ),
    "mixture_alignment, 3 factors": lambda: si.mixture_alignment(
        shares=[0.5, 0.3, 0.2], aspects=[0.3, 0.3, 0.3], damping=0.1, **KNOWN
    ),
    "population_whitening_alignment": lambda: si.population_whitening_alignment(**KNOWN),
    "ridge_risk": lambda: si.ridge_risk("kfac", damping=0.1, spike_strength=2.0, **NETWORK),
    "ridge_risk, 16 harmonics": lambda: si.ridge_risk(
        "kfac", damping=0.1, spike_strength=2.0, harmonics=16, **NETWORK
    ),
    "samples_for_alignment": lambda: si.samples_for_alignment(
        "kfac", target=0.5, spectrum=WIDE, c1=0.6, residual_var=0.2
    ),
    "spike_matrix, 12 harmonics": lambda: si.spike_matrix(
        "tanh", spike_strength=3.0, spike_variance=1.0, width=300, harmonics=12
    ),
    "steps_alignment sgd": lambda: si.steps_alignment("sgd", steps=10, step_size=0.1, **KNOWN),
    "steps_alignment kfac": lambda: si.steps_alignment(
        "kfac", steps=10, step_size=0.1, damping=0.1, **KNOWN
    ),
    "damped_rate pi": lambda: lr.damped_rate(
        "pi", step_size=0.1, damping=0.1, head_eigenvalues=HEADS, cov_x=np.diag(SCHURS[:60])
    ),
    "factor_floor average": lambda: lr.factor_floor("average", step_size=0.1, decay=0.9, **SIZES),
    "factor_floor joint": lambda: lr.factor_floor(
        "population", step_size=0.1, head="joint", head_step_size=0.1, **SIZES
    ),
    "factor_multiplier independent": lambda: lr.factor_multiplier(
        "independent", step_size=0.1, factor_rows=3000, **SIZES
    ),
    "local_rate amgd": lambda: lr.local_rate("amgd", step_size=0.01, **MODES),
    "momentum_floor nesterov": lambda: lr.momentum_floor("nesterov", step_size=0.1, momentum=0.9),
    "momentum_spectrum, all modes": lambda: lr.momentum_spectrum(
        "heavy_ball", step_size=0.01, momentum=0.9, h=np.outer(HEADS, SCHURS)
    ),
    "output_factor empirical": lambda: lr.output_factor(
        "empirical", step_size=0.05, noise_std=0.5, **SIZES
    ),
    "output_factor sampled": lambda: lr.output_factor(
        "sampled", step_size=0.1, samples_per_row=1, **SIZES
    ),
    "samples_to_reach": lambda: lr.samples_to_reach(
        0.5, accuracy=1e-4, start=1e-2, noise_std=0.1, **MODES
    ),
    "scale_exponents": lambda: lr.scale_exponents("shampoo", exponent=0.3),
    "tangent_floor amgd": lambda: lr.tangent_floor(
        "amgd", step_size=0.01, noise_std=0.1, n=5000, **MODES
    ),
    "tangent_floor kfac": lambda: lr.tangent_floor(
        "kfac", step_size=0.1, noise_std=0.1, n=5000, **MODES
    ),
}


def seconds(call: Callable[[], object]) -> float:
    """Return the median time of several calls, the first one left out."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return median(times)


if __name__ == "__main__":
    found = sorted(((seconds(call), name) for name, call in CALLS.items()), reverse=True)
    for used, name in found:
        print(f"{1e3 * used:8.2f} ms  {'over the bound' if used > BOUND else '':14}  {name}")
    over = sum(used > BOUND for used, _ in found)
    print(f"{len(found)} predictions at {ATOMS} atoms, {over} over {1e3 * BOUND:g} ms")
