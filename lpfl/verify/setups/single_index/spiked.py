"""The outlier of spiked weights: what its strength predicts, margins, pure models, a picture."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.measure import alignment as measures
from lpfl.problems.single_index import network as networks
from lpfl.verify.expect import Near, Rival
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial

Array = NDArray[np.float64]

PARTS = ("singular_value", "left", "right")
RELATIVE = 0.01
PURE_DOUBT = 6.0  # over min(d, N); 0 to 3 was measured for the position, 0 to 4 for the overlaps
BINS = 40


def predictions(trial: Trial, strengths: Array, psi: float) -> dict[str, Array]:
    """Return the position and the overlaps (R,) for strengths (R,)."""
    known = {"spike_strength": strengths, "width_ratio": psi}
    return {name: np.asarray(setup.printed(trial, name, **known)) for name in PARTS}


def margins(
    trial: Trial, theta: float, psi: float, doubt: float, shrunk: float = 0.0
) -> dict[str, Tolerance]:
    """Return what a relative error ``doubt`` of the strength does to each number, plus 1 %.

    Near the threshold the overlaps are steep, and so is what a finite size does to them.
    shrunk: the share by which G0's component along f is smaller. That component adds 1 to the
    square of the position and is what the overlaps lack to 1: a change by 2 ``shrunk`` of both.
    """
    values = predictions(trial, theta * np.array([1 - doubt, 1.0, 1 + doubt]), psi)
    extra = {
        "singular_value": shrunk / values["singular_value"][1],
        **{name: 2.0 * shrunk * (1.0 - values[name][1]) for name in ("left", "right")},
    }
    why = "a relative error of the strength of order 1/d, and a smaller component along the head"
    found = {}
    for name, value in values.items():
        moved = float(np.abs(value - value[1]).max() + extra[name])
        share = judgement(RELATIVE * abs(float(value[1])), "1 % of the limit")
        found[name] = finite_size(moved, why) + share
    return found


def compared(
    trial: Trial,
    seen: Mapping[str, Array],
    strengths: Array,
    psi: float,
    allowed: Mapping[str, Tolerance],
    label: str,
) -> Iterator[Near]:
    """Compare position and overlaps with the prediction at each replicate's own strength."""
    expected = predictions(trial, strengths, psi)
    edge = float(setup.printed(trial, "edge", width_ratio=psi))
    for name in PARTS:
        mean = float(expected[name].mean())
        rival = Rival("edge of the bulk", edge) if name == "singular_value" else NO_OVERLAP
        yield Near(
            part=name,
            samples=seen[name] - expected[name] + mean,
            predicted=mean,
            tolerance=allowed[name],
            rival=rival,
            label=label,
        )


NO_OVERLAP = Rival("no overlap", 0.0)


def numbers(
    scenario: Mapping[str, Any], top: measures.TopSingular, head: Tensor, beta: Tensor
) -> dict[str, Tensor]:
    """Return the position and both overlaps (R,), negative where the pair points uphill."""
    down = layers.descends(scenario, top, head, beta)
    return {
        "singular_value": top.values[:, 0],
        "left": down * layers.top_alignment(top, "left", head),
        "right": down * layers.top_alignment(top, "right", beta),
    }


def pure(
    trial: Trial, dim: int, width: int, strengths: tuple[float, ...], *, replicates: int, name: str
) -> Iterator[tuple[measures.TopSingular, Tensor, Tensor]]:
    """Yield per strength the top of G0 + theta u v', u = f/|f| and a random v, with f and v."""
    replicates = trial.replicates(replicates)
    network = networks.initialise(
        replicates=replicates,
        dim=dim,
        width=width,
        generator=trial.stream(name),
        dtype=trial.dtype,
    )
    f = network.second_layer
    size = (replicates, dim)
    g = torch.randn(size, generator=trial.stream(name, "v"), dtype=trial.dtype, device=trial.device)
    u, v = torch.nn.functional.normalize(f, dim=1), torch.nn.functional.normalize(g, dim=1)
    spike = u[:, :, None] * v[:, None, :]
    for theta in strengths:
        yield measures.top_singular(network.first_layer + theta * spike), f, v


def histogram(values: Array, psi: float, edge: float, position: float, theta: float) -> Any:
    """Return the singular values of one new first layer with the predicted edge and outlier."""
    counts, edges = np.histogram(values, bins=BINS)
    tallest = float(counts.max())
    series: list[dict[str, Any]] = [
        {
            "name": "singular values of G+",
            "style": "line",
            "x": np.repeat(edges, 2)[1:-1].tolist(),
            "y": np.repeat(counts, 2).astype(float).tolist(),
        }
    ]
    series += [
        {"name": name, "style": "line", "x": [x, x], "y": [0.0, tallest]}
        for name, x in (("predicted edge", edge), ("predicted outlier", position))
    ]
    return {
        "title": "The spike leaves the bulk",
        "x_label": "singular value",
        "y_label": "count",
        "x_scale": "linear",
        "y_scale": "linear",
        "series": series,
        "note": f"one first layer, strength {theta:.3g}, N/d = {psi:.3g}",
    }


def edge_scale(edge: float, psi: float, dim: int) -> float:
    """Return the scale on which the largest singular value of G0 fluctuates below its edge."""
    return float(edge ** (1 / 3) * (1 + math.sqrt(1 / psi)) ** (1 / 3) / dim ** (2 / 3))
