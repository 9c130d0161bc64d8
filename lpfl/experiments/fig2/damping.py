"""Alignment against damping, and the bookkeeping of every confrontation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from lpfl.experiments.core.estimates import Comparison, Estimate, curve, dots, estimate, picture
from lpfl.experiments.core.experiment import Options
from lpfl.experiments.core.single_index_methods import (
    BATCH_NORM,
    KFAC,
    KFAC_BEST,
    SGD,
    Method,
    best_damping,
)
from lpfl.experiments.core.single_index_runs import direction_alignments
from lpfl.experiments.core.single_index_setting import Setting

LABELS = {"identity": "alignment ρ²", "covariance": "correlation ρ²_Σ"}
NOTE = "Points: measured, 95 % intervals. Dotted lines: predicted."
DAMPING_RANGE = (-3.0, 2.0)
LEVEL_PLACES = (0.004, 50.0, 0.02, 0.3)
Estimates = dict[tuple[str, str], Estimate]


@dataclass
class Alignments:
    """Estimates by (method, weight) for every spread, and every confrontation made so far."""

    by_spread: dict[float, Estimates] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)


def damping_pictures(
    setting: Setting,
    options: Options,
    *,
    replicates: int,
    points: int,
    found: Alignments,
    networks: Mapping[Method, Estimate] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """Return rho^2 and rho_S^2 against the damping; methods without one are levels.

    networks: what was measured of methods that need real networks, for rho^2.
    """
    dampings = [float(v) for v in np.logspace(*DAMPING_RANGE, points)]
    methods = {f"{v:.17g}": replace(KFAC, damping=v) for v in dampings}
    others = {method.label: method for method in (SGD, BATCH_NORM)}
    runs = measured(setting, options, {**methods, **others}, replicates, "damping")
    pictures = []
    for weight in LABELS:
        levels = {method: runs[method.label, weight] for method in others.values()}
        levels |= networks if weight == "identity" else {}
        damped = {method: runs[label, weight] for label, method in methods.items()}
        pictures.append(_damping_picture(setting, weight, damped, levels, found))
    return pictures


def _damping_picture(
    setting: Setting,
    weight: str,
    damped: Mapping[Method, Estimate],
    levels: Mapping[Method, Estimate],
    found: Alignments,
) -> dict[str, Any]:
    grid = np.logspace(*DAMPING_RANGE, 81)
    line = [replace(KFAC, damping=float(v)).predicted(setting, weight) for v in grid]
    places = [float(method.damping or 0) for method in damped]
    values = list(damped.values())
    series = [curve("KFAC", grid, line, KFAC.colour), dots("KFAC", places, values, KFAC.colour)]
    for v, (method, value) in zip(places, damped.items(), strict=True):
        confront(found, setting, method, weight, value, f"KFAC, damping {v:.3g}")
    for at, (method, value) in zip(LEVEL_PLACES, levels.items(), strict=False):
        level = method.predicted(setting, weight)
        series.append(curve(method.label, grid[[0, -1]], [level, level], method.colour))
        series.append(dots(method.label, [at], [value], method.colour))
    best = best_damping(setting)
    top = KFAC_BEST.predicted(setting, weight)
    bottom = min(line)
    series.append({**curve("λ*", [best, best], [bottom, top], 4), "style": "line"})
    return picture(
        f"{LABELS[weight]} against damping",
        "damping λ, in units of Σ",
        LABELS[weight],
        series,
        x_scale="log",
        note=f"{NOTE} Vertical: the best damping λ* = {best:.3g}.",
    )


def measured(
    setting: Setting,
    options: Options,
    methods: Mapping[str, Method],
    replicates: int,
    tag: str,
) -> Estimates:
    """Return estimates by (label, weight) of methods whose direction suffices."""
    runs = {label: (m.run, m.damping_at(setting)) for label, m in methods.items()}
    samples = direction_alignments(setting, options, methods=runs, replicates=replicates, tag=tag)
    return {
        (label, weight): estimate(values)
        for label, weights in samples.items()
        for weight, values in weights.items()
    }


def confront(
    found: Alignments, setting: Setting, method: Method, weight: str, value: Estimate, where: str
) -> None:
    """Note a measured point beside its prediction."""
    predicted = method.predicted(setting, weight)
    name = f"{where} ({'ρ²' if weight == 'identity' else 'ρ²_Σ'})"
    found.comparisons.append(Comparison(name, predicted, value, setting.margin(predicted)))
