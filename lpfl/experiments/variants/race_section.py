"""How many rows and how many steps each variant takes to one accuracy, predicted and measured."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

from lpfl.experiments.core.estimates import curve, dots, picture, verdict
from lpfl.experiments.core.experiment import Options, Say, Section, Table
from lpfl.experiments.variants.entrants import ENTRANTS, Entrant
from lpfl.experiments.variants.laws import best_step
from lpfl.experiments.variants.race import MOST_STEPS, Finish, race
from lpfl.experiments.variants.truth import Truth

GRID_POINTS = 15


def race_section(
    truth: Truth, rows: Sequence[int], options: Options, *, replicates: int, say: Say
) -> Section:
    """Return the race to the accuracy at several batch sizes."""
    found = race(truth, rows, options, replicates=replicates, say=say)
    ahead = min(found, key=lambda one: one.measured.mean * one.n)
    quick = min((one for one in found if one.n == max(rows)), key=lambda one: one.measured.mean)
    smallest = {one.entrant.name: one for one in found if one.n == min(rows)}
    words = ""
    if {"SGD", "KFAC"} <= smallest.keys():
        ratio = smallest["SGD"].measured.mean / smallest["KFAC"].measured.mean
        words = f" With {min(rows)} rows a step SGD takes {ratio:.1f} times the steps of KFAC."
    finding = (
        f"Subspace distance about {sqrt(truth.accuracy):g}: fewest rows {ahead.entrant.name} at "
        f"n = {ahead.n} ({ahead.measured.mean * ahead.n:.0f} rows, {_over(ahead, truth):.2f} of "
        f"A/ε); fewest steps at n = {max(rows)} {quick.entrant.name} "
        f"({quick.measured.mean:.1f}).{words}"
    )
    text = (
        f"d = {truth.input_dim}, m = {truth.output_dim}, k = {truth.rank}, T₀ in the slowest of "
        f"the modes, |T₀|² = {truth.start:g}, wanted E|T|² = ε = {truth.accuracy:g}. Noise such "
        f"that the Cramér-Rao bound A/ε is {truth.rows:g} rows; a schedule that knows |T₀| may "
        f"save A/|T₀|², {truth.tangent_noise / truth.start:.0f} of them. For every batch size "
        "theory chooses the step size of a grid that arrives first, and the run takes it.",
        "Steps: " + verdict([one.comparison for one in found], "a number of steps"),
    )
    middle = sorted(rows)[len(rows) // 2 - 1]
    return Section(
        "Rows and steps to a given distance",
        finding,
        text,
        (_paths(found, middle), _frontier(truth, found, rows)),
        (_table(truth, found), _entrants()),
    )


def _over(one: Finish, truth: Truth) -> float:
    return one.measured.mean * one.n / truth.rows


def _paths(found: Sequence[Finish], n: int) -> dict[str, Any]:
    series = []
    for one in found:
        if one.n != n:
            continue
        name, colour = one.entrant.name, one.entrant.colour
        steps = range(1, len(one.measured_path))
        series.append(
            {
                "name": name,
                "style": "line",
                "colour": colour,
                "x": [float(t) for t in steps],
                "y": [float(v) for v in one.measured_path[1:]],
            }
        )
        series.append(curve(name, steps, one.predicted_path[1:].tolist(), colour))
    return picture(
        f"On the way, n = {n}",
        "steps",
        "E|T|²",
        series,
        x_scale="log",
        y_scale="log",
        note="Dotted: prediction.",
        wide=True,
    )


def _frontier(truth: Truth, found: Sequence[Finish], rows: Sequence[int]) -> dict[str, Any]:
    """Return rows against steps: each variant's line is traced by the batch size."""
    ratio = max(rows) / min(rows)
    grid = [round(min(rows) * ratio ** (i / (GRID_POINTS - 1))) for i in range(GRID_POINTS)]
    series: list[dict[str, Any]] = []
    for entrant in ENTRANTS:
        own = [one for one in found if one.entrant is entrant]
        if not own:
            continue
        line = [(n, _steps(truth, entrant, n)) for n in grid]
        line = [(n, steps) for n, steps in line if steps < MOST_STEPS]
        name, colour = entrant.name, entrant.colour
        series.append(curve(name, [s for _, s in line], [n * s for n, s in line], colour))
        points = [one.measured for one in own]
        drawn = dots(name, [one.mean for one in points], points, colour)
        for key in ("y", "low", "high"):
            drawn[key] = [v * one.n for v, one in zip(drawn[key], own, strict=True)]
        series.append(drawn)
    left = min(one.measured.mean for one in found)
    right = max(one.measured.mean for one in found)
    series.append(curve("Cramér-Rao", [left, right], [truth.rows] * 2, 3))
    return picture(
        "Rows against steps, as the batch grows from right to left",
        "steps",
        "rows in all",
        series,
        x_scale="log",
        y_scale="log",
        note=f"Dotted: prediction; the level line is the Cramér-Rao bound A/ε. n from "
        f"{min(rows)} to {max(rows)}.",
        wide=True,
    )


def _steps(truth: Truth, entrant: Entrant, n: int) -> float:
    return best_step(entrant.law, truth, n, entrant.grid(truth), most_steps=MOST_STEPS)[1]


def _table(truth: Truth, found: Sequence[Finish]) -> Table:
    rows = [
        (
            one.entrant.name,
            one.n,
            one.step_size if not one.entrant.scheduled else None,
            one.predicted,
            f"{one.measured.mean:.1f} ± {one.measured.half_width:.1f}",
            round(one.predicted * one.n),
            round(one.measured.mean * one.n),
            _over(one, truth),
        )
        for one in found
    ]
    header = ("variant", "n", "step size", "steps, predicted", "measured", "rows, predicted",
              "measured", "over A/ε")  # fmt: skip
    note = "KFAC, empirical: the step size in units of σ². Between two steps ln E|T|² is linear."
    return Table(header, rows, "To the same distance", note)


def _entrants() -> Table:
    rows = [(one.name, one.says) for one in ENTRANTS]
    return Table(("variant", "what it is"), rows, "The variants")
