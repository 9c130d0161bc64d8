"""Pictures and tables of finished runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lpfl.experiments.core.curves import first_below, median_series
from lpfl.experiments.core.experiment import Table
from lpfl.experiments.fig1.compare import Run

Y_LABELS = {
    "distance": "subspace distance",
    "train": "training loss − noise",
    "transfer": "transfer loss − noise",
    "tangents": "squared tangents |T|²",
}
TITLES = {
    "distance": "Distance between the row spaces of G and G*",
    "train": "Training loss",
    "transfer": "Transfer loss",
}
REACHED = 0.1


def pictures(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return distance, training loss and transfer loss against steps."""
    return [
        figure(TITLES[measure], measure, curves(runs, measure)) | {"wide": True, "direct": True}
        for measure in ("distance", "train", "transfer")
    ]


def curves(runs: Sequence[Run], measure: str) -> list[dict[str, Any]]:
    """Return one series per run."""
    return [
        median_series(
            f"{run.entrant.name} ({run.rate:g})",
            range(run.steps + 1),
            run.values[measure],
            colour=run.entrant.colour,
        )
        for run in runs
    ]


def figure(title: str, measure: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a picture over steps with a logarithmic vertical axis."""
    return {
        "title": title,
        "x_label": "steps",
        "y_label": Y_LABELS[measure],
        "y_scale": "log",
        "series": series,
    }


def final_table(runs: Sequence[Run], *, tuned: bool = False) -> Table:
    """Return medians at the last step, best distance first; tuned: mark ends of grids."""
    rows = []
    for run in ranking(runs):
        first = float(np.median(first_below(run.values["distance"], REACHED)))
        edge = run.rate in (run.entrant.grid[0], run.entrant.grid[-1])
        rows.append(
            (
                run.entrant.name,
                f"{run.rate:g}{' †' if edge and tuned else ''}",
                run.steps,
                run.final("distance"),
                run.final("train"),
                run.final("transfer"),
                int(first) if np.isfinite(first) else "not reached",
            )
        )
    header = ("method", "rate", "steps", "distance", "training loss − noise",
              "transfer loss − noise", f"steps to distance {REACHED:g}")  # fmt: skip
    note = "† an end of the grid: a better rate may lie beyond it." if tuned else ""
    return Table(header, rows, "Medians at the last step", note)


def ranking(runs: Sequence[Run]) -> list[Run]:
    """Return the runs, smallest final distance first; a diverged one last."""
    return sorted(runs, key=lambda run: run.final("distance") or np.inf)


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def podium(runs: Sequence[Run]) -> str:
    """Return in words which three methods are nearest, and the place of KFAC among all.

    A method that ran for fewer steps than the others does not take part.
    """
    longest = max(run.steps for run in runs)
    order = ranking([run for run in runs if run.steps == longest])
    place = 1 + next(i for i, run in enumerate(order) if run.entrant.key == "kfac")
    names = listed([run.entrant.name for run in order[:3]])
    words = f"after {longest} steps {names} are nearest to the true subspace, in this order"
    return words if place <= 3 else f"{words}; KFAC is number {place} of {len(order)}"
