"""What the page of figure 1 says and shows of the comparisons."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lpfl.experiments.core.curves import median_series, predicted_series
from lpfl.experiments.core.experiment import Section, Table
from lpfl.experiments.fig1.compare import Run
from lpfl.experiments.fig1.drawing import curves, figure, final_table, listed, pictures, podium
from lpfl.experiments.fig1.predictions import floor_of, prediction, rate_of
from lpfl.experiments.fig1.tasks import Tasks

UNMOVED = 0.8


def fixed_section(runs: Sequence[Run]) -> Section:
    """The comparison at the paper's learning rates."""
    longest = max(run.steps for run in runs)
    slow = [
        run.entrant.name
        for run in runs
        if run.steps == longest and (run.final("distance") or np.inf) > UNMOVED
    ]
    finding = f"At the paper's rates, {podium(runs)}."
    if slow:
        finding += f" {listed(slow)} {'is' if len(slow) == 1 else 'are'} still beyond {UNMOVED:g}."
    text = (
        "Every method runs at 10⁻², natural gradient with the empirical Fisher matrix at 10⁻⁴. "
        "For SGD, AMGD and batch-norm much of the gap comes from too low a learning rate, as the "
        "next part shows: their step size carries units, that of KFAC and natural gradient is a "
        "pure number.",
    )
    return Section(
        "At the paper's learning rates", finding, text, pictures(runs), (final_table(runs),)
    )


def tuned_section(runs: Sequence[Run], fixed: Sequence[Run]) -> Section:
    """The comparison at the best rate of each method."""
    gains = [
        (before.final("distance") or np.inf) / (after.final("distance") or np.inf)
        for before, after in zip(fixed, runs, strict=True)
    ]
    most = runs[int(np.argmax(np.nan_to_num(gains, nan=0.0, posinf=0.0)))]
    finding = (
        f"At the best rate of each method, {podium(runs)}. {most.entrant.name} gains most from a "
        f"better rate ({most.rate:g} in place of {most.entrant.paper_rate:g})."
    )
    text = (
        "The rates were chosen on other tasks, for the smallest distance at the last step. A "
        "larger rate would be faster at first and end on a higher floor.",
    )
    return Section(
        "At the best rate of each method",
        finding,
        text,
        pictures(runs),
        (final_table(runs, tuned=True),),
    )


def prediction_section(
    fixed: Sequence[Run], tuned: Sequence[Run], tasks: Tasks, batch_size: int
) -> Section:
    """Squared tangents with the predicted curves and floors on top."""
    drawn, rows, ratios = [], [], []
    for label, runs in (("paper's rates", fixed), ("best rates", tuned)):
        series: list[dict[str, Any]] = []
        for run in runs:
            curve = prediction(run, tasks, batch_size)
            if curve is None:
                continue
            steps, predicted = curve
            name, colour = run.entrant.name, run.entrant.colour
            values = run.values["tangents"]
            series.append(median_series(name, range(len(values)), values, colour=colour))
            series.append(predicted_series(name, steps.tolist(), predicted, colour=colour))
            measured = run.final("tangents")
            rows.append(
                (
                    name,
                    label,
                    run.rate,
                    rate_of(run, tasks),
                    floor_of(run, tasks, batch_size),
                    run.steps,
                    float(predicted[-1]),
                    measured,
                )
            )
            if measured is not None and run.entrant.key != "ngd_empirical":
                ratios.append(measured / float(predicted[-1]))
        drawn.append(
            figure(f"At the {label}", "tangents", series)
            | {
                "note": "Dotted: prediction. KFAC from the start, the others from half-way on, if "
                "|T|² is below 1 by then."
            }
        )
    worst = max((max(ratio, 1 / ratio) for ratio in ratios), default=np.inf)
    finding = (
        f"Where theory predicts a curve, the last measured median is within a factor {worst:.2f} "
        "of it (natural gradient with the empirical Fisher matrix aside)."
    )
    text = (
        "KFAC is predicted from the start: in the inner product of Sigma each tangent follows "
        "tan ↦ (1 − η) tan / (1 + η tan²) (LR-28), and the label noise gathers to its floor "
        "(LR-12). AMGD is predicted from half-way on, mode by mode (LR-15, LR-16); natural "
        "gradient by its rate and floor (LR-20). The floors are those of Gaussian inputs, to "
        "leading order in the noise.",
        "For the empirical Fisher matrix the prediction (LR-21) assumes residuals that are mostly "
        "label noise. Far from the solution they are not, the matrix is larger, and the step is "
        "smaller than predicted.",
    )
    header = ("method", "at", "rate", "contraction per step", "floor", "steps", "predicted |T|²",
              "measured |T|²")  # fmt: skip
    note = "Contraction: the slowest mode near the solution. First replicate for rate and floor."
    table = Table(header, rows, "Predicted and measured", note)
    return Section("Measured against predicted", finding, text, drawn, (table,))


def noisy_section(fixed: Sequence[Run], tuned: Sequence[Run], noise_std: float) -> Section:
    """The same comparison with more noise: distances only."""
    finding = (
        f"With noise {noise_std:g} and the paper's rates, {podium(fixed)}. At the best rates, "
        f"{podium(tuned)}."
    )
    text = (
        "Same tasks otherwise. The squared floor of KFAC is proportional to η σ²; a method whose "
        "steps shrink with time (Shampoo divides by the root of a growing sum) can end below any "
        "method of constant rate.",
    )
    drawn = [
        figure(title, "distance", curves(runs, "distance")) | {"wide": True, "direct": True}
        for title, runs in (("At the paper's rates", fixed), ("At the best rates", tuned))
    ]
    return Section("With more noise", finding, text, drawn, (final_table(tuned, tuned=True),))
