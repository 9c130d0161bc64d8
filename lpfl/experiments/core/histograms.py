"""Histograms of singular values with predicted edges and outliers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.experiments.core.estimates import Comparison, curve, picture
from lpfl.experiments.core.experiment import Table

BINS = 44
NOTE = (
    "Bars: mean number of singular values per bin over the replicates. Dotted lines: predicted "
    "edges of the bulk, and the predicted outliers in red; marks: measured outliers."
)
EDGE, BEFORE, OUTLIER = 4, 4, 7  # colours


def spectrum_of(matrix: Tensor) -> NDArray[np.float64]:
    """Return the singular values of (1, n, N), descending, from the smaller Gram matrix."""
    short = matrix[0] if matrix.shape[1] <= matrix.shape[2] else matrix[0].mT
    values = torch.linalg.eigvalsh(short @ short.mT).clamp_min(0.0).sqrt()
    return np.asarray(values.flip(0).cpu().numpy())


def histogram(
    title: str,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    *,
    colour: int,
    bins: NDArray[np.float64],
    edges: Sequence[float],
    outliers: Sequence[float],
    x_label: str,
    **more: Any,
) -> dict[str, Any]:
    """Return the mean histograms of singular values (R, k) before and after, with predictions.

    The means of the largest len(outliers) values after the step are drawn as points.
    """
    grey = _bars("before the step", before, bins, BEFORE, more)
    coloured = _bars("after the step", after, bins, colour, more)
    top = max(*grey["y"], *coloured["y"])
    shown = [grey, coloured]
    shown += [curve(f"bulk edge {e:.3g}", [e, e], [0.0, top], EDGE) for e in edges]
    shown += [curve(f"outlier {o:.3g}", [o, o], [0.0, top], OUTLIER) for o in outliers]
    if outliers:
        points = {"name": "measured outliers", "style": "points", "colour": OUTLIER}
        places = after[:, : len(outliers)].mean(axis=0).tolist()
        shown.append({**points, "x": places, "y": [0.12 * top] * len(places)})
    return picture(title, x_label, "singular values per bin", shown, note=NOTE, **more)


def _bars(
    name: str,
    runs: NDArray[np.float64],
    bins: NDArray[np.float64],
    colour: int,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    counts = np.mean([np.histogram(row, bins)[0] for row in runs], axis=0)
    geometric = more.get("x_scale") == "log"
    middle = np.sqrt(bins[1:] * bins[:-1]) if geometric else (bins[1:] + bins[:-1]) / 2
    bars = {"name": name, "style": "bars", "colour": colour}
    return {**bars, "x": middle.tolist(), "y": counts.tolist()}


def comparison_table(comparisons: Sequence[Comparison], title: str) -> Table:
    rows = [(one.where, one.predicted, one.measured.text, one.margin) for one in comparisons]
    return Table(["", "predicted", "measured", "margin"], rows, title=title)
