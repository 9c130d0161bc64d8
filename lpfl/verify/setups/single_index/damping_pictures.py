"""Pictures of the alignment with and without damping."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of


def against_noise(
    trial: Trial, seen: Mapping[str, NDArray[np.float64]], *, least: float
) -> dict[str, Any]:
    """Return SGD, KFAC without damping and with the best one against the noise of the labels.

    seen: squared cosines (R,) of the runs, by "sgd", "kfac" and "best". least: smallest damping.
    """
    known = setup.limits(trial.scenario)
    own = known["residual_var"] / known["c1"] ** 2
    ratios = np.linspace(0.0, max(1.5, 1.5 * own), 61)
    lines: dict[str, list[float]] = {"SGD": [], "KFAC(0)": [], "KFAC(λ⋆)": []}
    for ratio in ratios:
        point = {**known, "c1": 1.0, "residual_var": float(ratio)}
        best = max(known["aspect"] * float(ratio), least)
        lines["SGD"].append(alignment_of("sgd", **point))
        lines["KFAC(0)"].append(alignment_of("kfac", damping=0.0, **point))
        lines["KFAC(λ⋆)"].append(alignment_of("kfac", damping=best, **point))
    series: list[dict[str, Any]] = [
        {"name": f"{name}, limit", "style": "line", "x": ratios.tolist(), "y": line}
        for name, line in lines.items()
    ]
    for label, key in (("SGD", "sgd"), ("KFAC(0)", "kfac"), ("KFAC(λ⋆)", "best")):
        mean = float(seen[key].mean())
        half = 1.96 * float(seen[key].std(ddof=1)) / float(np.sqrt(seen[key].size))
        series.append(
            {
                "name": f"{label}, runs",
                "style": "points",
                "x": [own],
                "y": [mean],
                "low": [mean - half],
                "high": [mean + half],
            }
        )
    return {
        "title": "KFAC without damping does not always beat SGD",
        "x_label": "energy of the labels' nonlinear part and noise, σ² / c₁²",
        "y_label": "squared cosine with the teacher",
        "x_scale": "linear",
        "y_scale": "linear",
        "series": series,
        "note": f"d = {trial.scenario.input_dim}, d/n = {known['aspect']:.3g}, eigenvalues from "
        f"{known['spectrum'].eigenvalues.min():.3g} to {known['spectrum'].eigenvalues.max():.3g}",
    }
