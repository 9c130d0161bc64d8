"""Test error after the step and a ridge fit of the second layer, against the size of the step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from lpfl.experiments.core.estimates import (
    Comparison,
    Estimate,
    curve,
    dots,
    estimate,
    picture,
    verdict,
)
from lpfl.experiments.core.experiment import Options, Section, Table
from lpfl.experiments.core.single_index_methods import KFAC, KFAC_BEST, SGD, Method
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.experiments.core.single_index_steps import Start, starts, step_at, unit_step
from lpfl.measure.ridge import refit_errors
from lpfl.problems.single_index.network import TwoLayerNetwork
from theory.single_index import ridge_risk
from theory.single_index.ridge import Risk

METHODS = (SGD, KFAC, KFAC_BEST)
RIDGE = 0.1
RISK_MARGIN = 0.04
TEST_ROWS = 10_000
GRID = 19
NO_STEP = "no step"
NOTE = "Points: measured, 95 % intervals. Dotted lines: predicted for fresh rows (SI-14)."


@dataclass
class ErrorRuns:
    """Measured errors by method and theta nu; the start without a step; same rows reused."""

    setting: Setting
    index_stds: Sequence[float]
    test: dict[tuple[str, float], Estimate] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    warnings: dict[tuple[str, float], tuple[str, ...]] = field(default_factory=dict)


@lru_cache(maxsize=512)
def predicted_risk(
    method: Method, setting: Setting, index_std: float, *, same_data: bool = False
) -> Risk:
    """Return the errors of SI-14 after a step with theta nu = index_std."""
    return ridge_risk(
        method.theory,
        spectrum=setting.spectrum,
        dimension=setting.dim,
        samples=setting.samples,
        ridge_samples=setting.samples,
        width=setting.width,
        link=setting.link,
        activation=setting.predicted_activation,
        noise_std=setting.noise_std,
        spike_strength=step_at(method, setting, index_std).strength,
        ridge=RIDGE,
        damping=method.damping_at(setting),
        same_data=same_data,
    )


def measure(
    setting: Setting, options: Options, *, index_stds: Sequence[float], replicates: int
) -> ErrorRuns:
    """Run every method at every theta nu on fresh rows, from the same starts."""
    found: dict[tuple[str, float], list[float]] = {}
    tag = f"errors {setting.link}"
    for start in starts(setting, options, replicates=replicates, tag=tag):
        found.setdefault((NO_STEP, 0.0), []).append(test_error(start, start.network, setting))
        for method in METHODS:
            update = start.update(method, setting)
            for x in index_stds:
                network = start.after(update, step_at(method, setting, x))
                error = test_error(start, network, setting)
                found.setdefault((method.label, x), []).append(error)
    runs = ErrorRuns(setting, index_stds)
    runs.test = {key: estimate(values) for key, values in found.items()}
    for (label, x), value in runs.test.items():
        method = next((m for m in METHODS if m.label == label), SGD)
        risk = predicted_risk(method, setting, x)
        where = label if x == 0 else f"{label}, θν = {x:g}"
        margin = RISK_MARGIN * risk.test
        runs.comparisons.append(Comparison(where, risk.test, value, margin))
        runs.warnings[label, x] = risk.warnings
    return runs


def test_error(start: Start, network: TwoLayerNetwork, setting: Setting) -> float:
    """Return the test error of a second layer fitted on n fresh rows."""
    errors = refit_errors(
        start.problem,
        network,
        penalty=RIDGE,
        fit_rows=setting.samples,
        test_rows=TEST_ROWS,
        generator=start.stream,
    )
    return float(errors.test)


def error_picture(runs: ErrorRuns, *, equal: str) -> dict[str, Any]:
    """Return test error against theta nu (equal "index") or the step size (equal "step")."""
    setting = runs.setting
    grid = np.geomspace(0.7 * runs.index_stds[0], runs.index_stds[-1], GRID)
    series = []
    for method in METHODS:
        scale = unit_step(method, setting).step_size if equal == "step" else 1.0
        line = [predicted_risk(method, setting, float(x)).test for x in grid]
        series.append(curve(method.label, scale * grid, line, method.colour))
        values = [runs.test[method.label, x] for x in runs.index_stds]
        places = [scale * x for x in runs.index_stds]
        series.append(dots(method.label, places, values, method.colour))
    ends = [min(min(one["x"]) for one in series), max(max(one["x"]) for one in series)]
    start = predicted_risk(SGD, setting, 0.0).test
    series.append(curve(NO_STEP, ends, [start, start], 4))
    series.append(dots(NO_STEP, ends[:1], [runs.test[NO_STEP, 0.0]], 4))
    title = "equal θν, the step in units of the index" if equal == "index" else "equal η"
    return picture(
        f"Test error at {title}",
        "θν" if equal == "index" else "step size η",
        "mean squared test error",
        series,
        x_scale="log",
        note=NOTE,
    )


def warning_table(runs: ErrorRuns) -> Table | None:
    """Return where the prediction says itself that it is outside its domain."""
    places: dict[str, list[str]] = {}
    for (label, x), warnings in runs.warnings.items():
        for warning in warnings:
            places.setdefault(warning, []).append(label if x == 0 else f"{label} at {x:g}")
    if not places:
        return None
    total = len(runs.warnings)
    rows = [
        (warning, "all points" if len(at) == total else "; ".join(at))
        for warning, at in places.items()
    ]
    return Table(
        ["domain warning of the prediction", "where (θν)"], rows, title="Outside the domain"
    )


def gaps(runs: ErrorRuns) -> tuple[float, float]:
    """Return the smallest and the largest relative gap, measured over predicted minus 1."""
    ratios = [one.gap / one.predicted for one in runs.comparisons]
    return min(ratios), max(ratios)


def errors_section(title: str, runs: ErrorRuns, text: Sequence[str]) -> Section:
    """Return test error against theta nu, with the domain warnings of the prediction."""
    table = warning_table(runs)
    low, high = gaps(runs)
    best = {m.label: min(runs.test[m.label, x].mean for x in runs.index_stds) for m in METHODS}
    finding = (
        f"{title}. Smallest test error: SGD {best[SGD.label]:.3f}, KFAC without damping "
        f"{best[KFAC.label]:.3f}, with the best damping {best[KFAC_BEST.label]:.3f}; without a "
        f"step {runs.test[NO_STEP, 0.0].mean:.3f}. Measured minus predicted: "
        f"{_percent(low, high)}."
    )
    warned = (
        "The prediction warns that it is outside its domain; see the table."
        if table
        else "Every point is inside the domain of the prediction."
    )
    return Section(
        title,
        finding,
        (*text, f"{verdict(runs.comparisons, 'the test error')} {warned}"),
        (error_picture(runs, equal="index"),),
        (table,) if table else (),
    )


def _percent(low: float, high: float) -> str:
    return f"{100 * low:+.1f} to {100 * high:+.1f} %"
