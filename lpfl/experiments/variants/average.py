"""Averaged factors: what one step keeps, and what the movement of several steps regains (SI-19)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.experiments.core.estimates import (
    Comparison,
    Estimate,
    curve,
    dots,
    estimate,
    picture,
    verdict,
)
from lpfl.experiments.core.experiment import Options, Say, Section, Table
from lpfl.experiments.core.single_index_runs import covariance, draw
from lpfl.experiments.core.single_index_setting import Setting, two_atom
from lpfl.measure.alignment import alignment
from lpfl.optim.core.average import Average, include
from lpfl.problems.single_index import directions
from lpfl.problems.single_index.moments import sample_moments, sample_second_moment
from lpfl.seeding import generator
from theory.single_index import average_alignment, population_whitening_alignment

SETTING = Setting(two_atom(120, 0.5), samples=240, width=120, link="tanh", noise_std=0.3)
DECAYS = (0.0, 0.5, 0.9, 0.95)
EXACT = "exact covariance"
LEFT_OF_START = 0.05  # the average begins at the exact covariance, its own mean
NOTE = "Dotted: prediction. Whiskers: 95 % interval of the mean over replicates."
NAMES = {0.0: "same batch", **{b: f"average, decay {b:g}" for b in DECAYS[1:]}}


def limit(decay: float | None, steps: int) -> float:
    """Return the predicted alignment of the movement; decay None: the exact covariance."""
    known = SETTING.limits
    if decay is None:
        return population_whitening_alignment(**{**known, "aspect": known["aspect"] / steps})
    return average_alignment(decay=decay, steps=steps, **known)


def movements(
    options: Options, *, replicates: int, times: Sequence[int], decay: float | None
) -> dict[int, np.ndarray]:
    """Return rho^2 (R,) of the accumulated movement after each of ``times`` steps."""
    name = ("variants", "average", str(decay))
    stream = generator(options.seed, *name, device=options.device)
    matrix = covariance(SETTING, options)
    problem = draw(SETTING, options, replicates=replicates, stream=stream)
    exact = torch.diag(matrix).expand(replicates, SETTING.dim, SETTING.dim)
    average = Average(exact, 1.0)
    if decay:
        for _ in range(int(np.ceil(np.log(LEFT_OF_START) / np.log(decay)))):
            seen = sample_second_moment(problem, SETTING.samples, generator=stream)
            average = include(average, seen, decay)
    total: Tensor = torch.zeros_like(problem.teacher)
    found = {}
    for step in range(1, max(times) + 1):
        batch = sample_moments(problem, SETTING.samples, generator=stream)
        if decay is not None:
            average = include(average, batch.second_moment, decay)
        total = total + directions.factor_direction(batch, average.mean)
        if step in times:
            found[step] = np.asarray(alignment(total, problem.teacher).cpu().numpy())
    return found


def average_section(
    options: Options, *, replicates: int, times: Sequence[int], say: Say
) -> Section:
    """Return alignment against steps, for the same batch, averages and the exact covariance."""
    shown: list[tuple[str, float | None, int]] = [(NAMES[b], b, i) for i, b in enumerate(DECAYS)]
    shown.append((EXACT, None, 9))
    grid = np.unique(np.geomspace(1, max(times), 40).round().astype(int))
    series, rows, comparisons = [], [], []
    at: dict[str, list[Estimate]] = {}
    for name, decay, colour in shown:
        seen = movements(options, replicates=replicates, times=times, decay=decay)
        at[name] = [estimate(seen[t]) for t in times]
        series.append(curve(name, grid, [limit(decay, int(t)) for t in grid], colour))
        series.append(dots(name, times, at[name], colour))
        row: list[str | float] = [name]
        for t, value in zip(times, at[name], strict=True):
            predicted = limit(decay, t)
            row += [predicted, value.text]
            where = f"{name}, {t} steps"
            comparisons.append(Comparison(where, predicted, value, SETTING.margin(predicted)))
        rows.append(row)
        say(f"{name}: {max(times)} steps")
    slow, own = NAMES[DECAYS[-1]], NAMES[0.0]
    best = max(at, key=lambda name: at[name][-1].mean)
    finding = (
        f"One step with an average of decay {DECAYS[-1]:g} is worth ρ² = {at[slow][0].mean:.3f}, "
        f"against {at[EXACT][0].mean:.3f} of the exact covariance and {at[own][0].mean:.3f} of its "
        f"own batch. After {times[-1]} steps the furthest is {best} ({at[best][-1].mean:.4f}; own "
        f"batch {at[own][-1].mean:.4f}, decay {DECAYS[-1]:g} {at[slow][-1].mean:.4f}, exact "
        f"covariance {at[EXACT][-1].mean:.4f})."
    )
    text = (
        f"SI-19: {SETTING.sizes.rsplit(',', 1)[0]} in every step, a = 0.5, labels tanh with noise "
        "0.3, no damping. The covariance of the gradient's own batch cancels a part of its noise, "
        "and a moving average holds little of that batch. Yet past labels are correlated with "
        "today's factor, so that the movement of many steps regains the gain, without the price "
        "1/(1 − d/n) of inverting one small batch.",
        verdict(comparisons, "ρ²"),
    )
    header = ["factor"]
    for t in times:
        header += [f"{t} steps" if t > 1 else "1 step", "measured"]
    table = Table(header, rows, "ρ² of the accumulated movement: predicted, measured")
    drawing = picture(
        "Alignment of the accumulated movement",
        "steps, each with a fresh batch",
        "alignment ρ²",
        series,
        x_scale="log",
        note=NOTE,
        wide=True,
    )
    return Section(
        "Averaged factors, one step and many",
        finding,
        text,
        (drawing, misalignment_picture(shown, at, times, grid)),
        (table,),
    )


def misalignment_picture(
    shown: Sequence[tuple[str, float | None, int]],
    at: dict[str, list[Estimate]],
    times: Sequence[int],
    grid: np.ndarray,
) -> dict[str, Any]:
    """Return T (1/rho^2 - 1) against steps: constant where steps only average their noise."""
    series = []
    for name, decay, colour in shown:
        line = [t * (1 / limit(decay, int(t)) - 1) for t in grid]
        points = [
            Estimate(t * (1 / value.mean - 1), t * value.half_width / value.mean**2)
            for t, value in zip(times, at[name], strict=True)
        ]
        series.append(curve(name, grid, line, colour))
        series.append(dots(name, times, points, colour))
    return picture(
        "Misalignment left, times the steps",
        "steps, each with a fresh batch",
        "T (1/ρ² − 1)",
        series,
        x_scale="log",
        note=f"{NOTE} Level: the steps average independent noise. Falling: they regain.",
        wide=True,
    )
