"""Alignment against anisotropy and everything else at the paper's two sizes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lpfl.experiments.core.estimates import curve, dots, estimate, picture, verdict
from lpfl.experiments.core.experiment import Options, Section, Table
from lpfl.experiments.core.single_index_methods import (
    ADAM,
    ADAM_ROTATED,
    DIRECTIONS,
    KFAC,
    KFAC_BEST,
    MUON,
    SGD,
    WEIGHTS,
    Method,
)
from lpfl.experiments.core.single_index_runs import weight_alignments
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.experiments.fig2.damping import (
    LABELS,
    NOTE,
    Alignments,
    Estimates,
    confront,
    damping_pictures,
    measured,
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
        (*text, verdict(found.comparisons, "ρ²")),
        pictures,
        (method_table(setting, weights_setting, found),),
    )
