"""Alignment against damping and against anisotropy, at the paper's two sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from lpfl.experiments.estimates import Comparison, Estimate, curve, dots, estimate, picture, verdict
from lpfl.experiments.experiment import Options, Section, Table
from lpfl.experiments.single_index_methods import (
    ADAM,
    ADAM_ROTATED,
    BATCH_NORM,
    DIRECTIONS,
    KFAC,
    KFAC_BEST,
    MUON,
    SGD,
    WEIGHTS,
    Method,
    best_damping,
)
from lpfl.experiments.single_index_runs import direction_alignments, weight_alignments
from lpfl.experiments.single_index_setting import Setting

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


def spread_pictures(
    setting: Setting,
    options: Options,
    *,
    spreads: Sequence[float],
    replicates: int,
    networks: int,
    weights_setting: Setting,
    found: Alignments,
) -> list[dict[str, Any]]:
    """Return the alignments against the spread a of the two atoms 1 - a and 1 + a.

    weights_setting: the sizes at which Adam and Muon run, which need real networks.
    """
    for spread in spreads:
        now = setting.with_spread(spread)
        methods = {method.label: method for method in DIRECTIONS}
        rows = measured(now, options, methods, replicates, f"spread {spread}")
        smaller = weights_setting.with_spread(spread)
        rows |= measured_weights(smaller, options, networks, f"weights {spread}")
        found.by_spread[spread] = rows
    return [
        _spread_picture(setting, "identity", DIRECTIONS, spreads, found, "layer-wise methods"),
        _spread_picture(weights_setting, "identity", WEIGHTS, spreads, found, "Adam and Muon"),
        _spread_picture(setting, "covariance", DIRECTIONS, spreads, found, "layer-wise methods"),
    ]


def _spread_picture(
    setting: Setting,
    weight: str,
    methods: Sequence[Method],
    spreads: Sequence[float],
    found: Alignments,
    who: str,
) -> dict[str, Any]:
    grid = np.linspace(0.0, max(spreads), 46)
    series = []
    for method in methods:
        line = [method.predicted(setting.with_spread(float(a)), weight) for a in grid]
        series.append(curve(method.label, grid, line, method.colour))
        values = [found.by_spread[a][method.label, weight] for a in spreads]
        series.append(dots(method.label, spreads, values, method.colour))
        for a, value in zip(spreads, values, strict=True):
            where = f"{method.label}, a = {a:g}"
            confront(found, setting.with_spread(a), method, weight, value, where)
    return picture(
        f"{LABELS[weight]} against anisotropy: {who}",
        "spread a: half of the eigenvalues 1 − a, half 1 + a",
        LABELS[weight],
        series,
        note=NOTE if who != "Adam and Muon" else f"{NOTE} Real networks, {setting.sizes}.",
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


def measured_weights(
    setting: Setting,
    options: Options,
    networks: int,
    tag: str,
    methods: Sequence[Method] = WEIGHTS,
) -> Estimates:
    """Return estimates of the methods that need the weights of a network."""
    found: Estimates = {}
    for rotated in (False, True):
        now = setting.rotated(options.seed) if rotated else setting
        chosen = [m for m in methods if m.rotated is rotated]
        samples = weight_alignments(
            now,
            options,
            replicates=networks,
            tag=f"{tag} rotated {rotated}",
            methods=[m.run for m in chosen],
        )
        for method in chosen:
            found[method.label, "identity"] = estimate(samples[method.run])
    return found


def confront(
    found: Alignments, setting: Setting, method: Method, weight: str, value: Estimate, where: str
) -> None:
    """Note a measured point beside its prediction."""
    predicted = method.predicted(setting, weight)
    name = f"{where} ({'ρ²' if weight == 'identity' else 'ρ²_Σ'})"
    found.comparisons.append(Comparison(name, predicted, value, setting.margin(predicted)))


def method_table(setting: Setting, weights_setting: Setting, found: Alignments) -> Table:
    """Return all methods at the stand-in for the paper's covariance, spread 0.5."""
    rows = []
    for method in (*DIRECTIONS, *WEIGHTS):
        at = setting if method in DIRECTIONS else weights_setting
        row: list[str | float | None] = [method.label]
        for weight in LABELS:
            value = found.by_spread[0.5].get((method.label, weight))
            row.append(method.predicted(at, weight) if value else None)
            row.append(value.text if value else None)
        rows.append(row)
    header = ["method", "ρ² predicted", "measured", "ρ²_Σ predicted", "measured"]
    note = "Adam and Muon have a prediction for ρ² only."
    if weights_setting != setting:
        note += f" They ran at {weights_setting.sizes}."
    return Table(header, rows, title=f"Every method at a = 0.5, {setting.sizes}", note=note)


def alignment_section(
    title: str,
    setting: Setting,
    options: Options,
    *,
    replicates: int,
    networks: int,
    points: int,
    spreads: Sequence[float],
    weights_setting: Setting,
    text: Sequence[str],
) -> Section:
    """Return everything about one of the paper's settings."""
    found = Alignments()
    against_spread = spread_pictures(
        setting,
        options,
        spreads=spreads,
        replicates=replicates,
        networks=networks,
        weights_setting=weights_setting,
        found=found,
    )
    at = found.by_spread[0.5]
    pictures = damping_pictures(
        setting,
        options,
        replicates=replicates,
        points=points,
        found=found,
        networks={method: at[method.label, "identity"] for method in (ADAM, ADAM_ROTATED)},
    )
    pictures += against_spread
    finding = (
        f"{setting.sizes}, a = 0.5: SGD reaches ρ² = {at[SGD.label, 'identity'].mean:.3f}, KFAC "
        f"without damping {at[KFAC.label, 'identity'].mean:.3f} and with the best damping "
        f"{at[KFAC_BEST.label, 'identity'].mean:.3f}; the top singular vector of Muon's weights "
        f"does not see the teacher ({at[MUON.label, 'identity'].mean:.3f})."
    )
    return Section(
        title,
        finding,
        (*text, verdict(found.comparisons)),
        pictures,
        (method_table(setting, weights_setting, found),),
    )
