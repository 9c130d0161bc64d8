"""Histograms of singular values with predicted edges and outliers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.experiments.estimates import Comparison, curve, picture
from lpfl.experiments.experiment import Table

BINS = 44
NOTE = (
    "Bars: mean number of singular values per bin over the replicates. Dotted lines: predicted "
    "edges of the bulk and outliers. Points: measured outliers."
)


def spectrum_of(matrix: Tensor) -> NDArray[np.float64]:
    """Return the singular values of (1, n, N), descending, from the smaller Gram matrix."""
    short = matrix[0] if matrix.shape[1] <= matrix.shape[2] else matrix[0].mT
    values = torch.linalg.eigvalsh(short @ short.mT).clamp_min(0.0).sqrt()
    return np.asarray(values.flip(0).cpu().numpy())


def histogram(
    title: str,
    runs: NDArray[np.float64],
    *,
    colour: int,
    bins: NDArray[np.float64],
    edges: Sequence[float],
    outliers: Sequence[float],
    x_label: str,
    **more: Any,
) -> dict[str, Any]:
    """Return the mean histogram of singular values (R, k) with predicted marks.

    The largest len(outliers) values of each replicate are drawn as points with intervals in y at
    their mean.
    """
    counts = np.mean([np.histogram(row, bins)[0] for row in runs], axis=0)
    log = more.get("x_scale") == "log"
    centres = np.sqrt(bins[1:] * bins[:-1]) if log else (bins[1:] + bins[:-1]) / 2
    top = float(counts.max())
    shown = [
        {
            "name": "singular values",
            "style": "bars",
            "colour": colour,
            "x": centres.tolist(),
            "y": counts.tolist(),
        }
    ]
    shown += [curve(f"bulk edge {e:.3g}", [e, e], [0.0, top], 4) for e in edges]
    shown += [curve(f"outlier {o:.3g}", [o, o], [0.0, top], 11) for o in outliers]
    if outliers:
        places = runs[:, : len(outliers)].mean(axis=0)
        shown.append(
            {
                "name": "measured outliers",
                "style": "points",
                "colour": 11,
                "x": places.tolist(),
                "y": [0.12 * top] * len(outliers),
            }
        )
    return picture(title, x_label, "singular values per bin", shown, note=NOTE, **more)


def comparison_table(comparisons: Sequence[Comparison], title: str) -> Table:
    rows = [(one.where, one.predicted, one.measured.text, one.margin) for one in comparisons]
    return Table(["", "predicted", "measured", "margin"], rows, title=title)
