"""Two pictures: steps against the condition number of the inputs, the floor against the rows."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lpfl.experiments.core.curves import median_series, predicted_series
from lpfl.experiments.core.estimates import curve, dots, estimate, picture
from lpfl.experiments.core.experiment import Experiment, Options, Part, Say, Section
from lpfl.experiments.fig1.sweep import CONTEST, LEVEL, NATURAL_RATE, START_TANGENT, slope, sweep
from lpfl.experiments.fig1.sweep_section import in_words
from lpfl.experiments.fig1.tasks import Sizes
from lpfl.experiments.headline.floors import AMGD_SHARE, CONDITION, KFAC_RATE, measured_floors

SIZES = Sizes(input_dim=16, output_dim=8, rank=4, head_condition=1.5, noise_std=0.1)
METHODS = ("KFAC", "SGD", "AMGD")


@dataclass(frozen=True)
class Scale:
    """Condition numbers, replicates and most steps of the first picture; rows of the second."""

    conditions: tuple[float, ...]
    seeds: int
    steps: int
    rows: tuple[int, ...]
    replicates: int


SCALES = {
    "quick": Scale((1, 3, 10, 30, 100, 300, 1000), 3, 2000, (32, 128, 512, 2048), 24),
    "paper": Scale((1, 3, 10, 30, 100, 300, 1000, 3000), 5, 20000, (32, 128, 512, 2048, 8192), 96),
}


def scale_of(options: Options) -> Scale:
    """Return the scale, with the person's own number of replicates where one is given."""
    scale = SCALES[options.scale]
    few = options.seeds
    return scale if few is None else replace(scale, seeds=few, replicates=few)


def settings(options: Options) -> list[tuple[str, str]]:
    """Return what was chosen by us."""
    scale = scale_of(options)
    return [
        ("sizes", f"d = {SIZES.input_dim}, m = {SIZES.output_dim}, k = {SIZES.rank}"),
        (
            "steps",
            f"infinite batches, no noise, start at tangent {START_TANGENT:g}, counted to distance "
            f"{LEVEL:g}, at most {scale.steps}; {scale.seeds} replicates",
        ),
        (
            "step sizes",
            f"KFAC {NATURAL_RATE:g} at every condition number (1 would need a single step); SGD "
            "and AMGD the best of a grid at each condition number",
        ),
        (
            "floor",
            f"label noise {SIZES.noise_std:g}, condition number {CONDITION:g}, Gaussian batches by "
            f"the law of their statistics; KFAC at step {KFAC_RATE:g}, AMGD at {AMGD_SHARE:g} of "
            f"its fastest step size; {scale.replicates} runs",
        ),
    ]


def parts(options: Options, say: Say) -> list[Part]:
    """Return both pictures as parts."""
    scale = scale_of(options)
    return [
        Part("steps", partial(steps_section, scale, options, say), 3.0),
        Part("floor", partial(floor_section, scale, options), 2.0),
    ]


def steps_section(scale: Scale, options: Options, say: Say) -> list[Section]:
    """Count steps to the level against the condition number of the inputs."""
    outcome = sweep(
        SIZES,
        [(condition, SIZES.head_condition) for condition in scale.conditions],
        scale.seeds,
        num_steps=scale.steps,
        seed=options.seed,
        device=options.device,
        say=say,
        names=METHODS,
    )
    series: list[dict[str, Any]] = []
    for name in METHODS:
        own, colour = outcome.steps[name], CONTEST[name][1]
        series.append(median_series(name, scale.conditions, own, colour=colour, style="points"))
        if name in outcome.predicted:
            guess = np.median(outcome.predicted[name], axis=1)
            end = int(np.isfinite(guess).cumprod().sum())
            series.append(
                predicted_series(name, scale.conditions[:end], guess[:end], colour=colour)
            )
    slopes = {name: slope(scale.conditions, outcome.steps[name]) for name in METHODS}
    finding = ", ".join(f"{name} with the power {in_words(slopes[name])}" for name in METHODS)
    data = picture(
        f"Steps to learn the features to distance {LEVEL:g}",
        "condition number of the inputs",
        "steps",
        series,
        x_scale="log",
        y_scale="log",
        direct=True,
        note="Points: runs, with the range of replicates. Dotted: predicted, KFAC by the global "
        "law (LR-28), AMGD by its local rate at the best step of the grid (LR-15).",
    )
    return [Section("How fast", f"Steps grow with the condition number: {finding}.", (), (data,))]


def floor_section(scale: Scale, options: Options) -> list[Section]:
    """Measure the floor against the rows of a batch."""
    measured, predicted = measured_floors(
        SIZES, scale.rows, scale.replicates, seed=options.seed, device=options.device
    )
    series, worst = [], 0.0
    for name, squares in measured.items():
        colour = CONTEST[name][1]
        found = [estimate(row) for row in squares]
        means = np.array([one.mean for one in found])
        worst = max(worst, float(np.abs(means / predicted[name] - 1.0).max()))
        series += [
            dots(name, scale.rows, found, colour),
            curve(name, scale.rows, predicted[name].tolist(), colour),
        ]
    data = picture(
        "The floor that label noise leaves",
        "rows in a batch",
        "mean squared tangent",
        series,
        x_scale="log",
        y_scale="log",
        direct=True,
        note="Points: runs, with 95 % intervals. Dotted: predicted (LR-12 for KFAC, leading order "
        "in the noise; LR-16 for AMGD).",
    )
    finding = f"Both floors fall with the rows; the largest deviation from the line is {worst:.0%}."
    return [Section("Down to which floor", finding, (), (data,))]


HEADLINE = Experiment(
    "headline",
    "Which methods learn features here, how fast, down to which floor",
    "Linear representation learning: the steps to the true features against the condition number "
    "of the inputs, and the distance that label noise leaves.",
    settings,
    parts,
)
