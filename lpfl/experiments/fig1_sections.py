"""What the page of figure 1 says and shows of finished runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lpfl.experiments.curves import first_below, median_series, predicted_series
from lpfl.experiments.experiment import Section, Table
from lpfl.experiments.fig1_compare import Run
from lpfl.experiments.fig1_predictions import floor_of, prediction, rate_of
from lpfl.experiments.fig1_sweep import CONTEST, LEVEL, NATURAL_RATE, Sweep, slope
from lpfl.experiments.fig1_tasks import Tasks

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
# Exponents of (condition of Sigma, condition of F*) in the number of steps.
NOISELESS = {"KFAC": (0.0, 0.0), "NGD": (0.0, 0.0), "AMGD": (1.0, 2.0), "DFW": (0.0, 2.0)}
NOISY = {"Adam": (0.5, 1.0), "Shampoo": (0.75, 1.5), "Muon": (1.0, 1.0)}


def fixed_section(runs: Sequence[Run]) -> Section:
    """The comparison at the paper's learning rates."""
    order = ranking(runs)
    slow = [run.entrant.name for run in runs if (run.final("distance") or 1.0) > 0.9]
    finding = f"At the paper's rates {order[0].entrant.name} ends at the smallest distance"
    finding += f", followed by {order[1].entrant.name} and {order[2].entrant.name}."
    if slow:
        finding += f" {listed(slow)} {'has' if len(slow) == 1 else 'have'} hardly moved."
    text = (
        "Every method runs at 10⁻², natural gradient with the empirical Fisher matrix at 10⁻⁴. "
        "For SGD, AMGD and batch-norm the gap is in good part a rate that is too small, as the "
        "next part shows: their step size carries units, that of KFAC and natural gradient is a "
        "pure number.",
    )
    return Section(
        "At the paper's learning rates", finding, text, pictures(runs), (final_table(runs),)
    )


def tuned_section(runs: Sequence[Run], fixed: Sequence[Run]) -> Section:
    """The comparison at the best rate of each method."""
    order = ranking(runs)
    gains = [
        (before.final("distance") or np.inf) / (after.final("distance") or np.inf)
        for before, after in zip(fixed, runs, strict=True)
    ]
    most = runs[int(np.argmax(np.nan_to_num(gains, nan=0.0, posinf=0.0)))]
    finding = (
        f"At the best rate of each method {order[0].entrant.name} ends at the smallest distance, "
        f"followed by {order[1].entrant.name} and {order[2].entrant.name}. {most.entrant.name} "
        f"gains most from a better rate ({most.rate:g} in place of {most.entrant.paper_rate:g})."
    )
    text = (
        "The rates were chosen on other tasks, for the smallest distance at the last step. A "
        "larger rate would be faster at first and end on a higher floor.",
    )
    return Section(
        "At the best rate of each method", finding, text, pictures(runs), (final_table(runs),)
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
            | {"note": "Dotted: prediction. KFAC from the start, the others from half-way on."}
        )
    worst = max(ratios, key=lambda ratio: abs(np.log(ratio)))
    finding = (
        "Where theory predicts a curve, the last measured value is within a factor "
        f"{max(worst, 1 / worst):.2f} of it, natural gradient with the empirical Fisher matrix "
        "aside."
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
    first, best = ranking(fixed), ranking(tuned)
    place = 1 + next(i for i, run in enumerate(best) if run.entrant.key == "kfac")
    finding = (
        f"With noise {noise_std:g}, {first[0].entrant.name} is first at the paper's rates and "
        f"{best[0].entrant.name} at the best rates, where KFAC is number {place} of {len(best)}."
    )
    text = (
        "The floor of KFAC is proportional to η σ²; a method whose steps shrink with time (Shampoo "
        "divides by the root of a growing sum) can end below any method of constant rate.",
    )
    drawn = [
        figure(title, "distance", curves(runs, "distance")) | {"wide": True}
        for title, runs in (("At the paper's rates", fixed), ("At the best rates", tuned))
    ]
    return Section("With more noise", finding, text, drawn, (final_table(tuned),))


def sweep_section(subject: str, conditions: Sequence[float], outcome: Sweep) -> Section:
    """Steps to the level against one condition number, with the predicted exponents."""
    column = 0 if subject == "Sigma" else 1
    series, rows, fitted = [], [], {}
    for name, steps in outcome.steps.items():
        kept = np.isfinite(steps).all(axis=1)
        x = [c for c, keep in zip(conditions, kept, strict=True) if keep]
        own = median_series(name, x, steps[kept], colour=CONTEST[name][1]) if x else None
        series += [own] if own else []
        if name in outcome.predicted:
            guess = np.median(outcome.predicted[name], axis=1)
            end = int(np.isfinite(guess).cumprod().sum())
            series.append(
                predicted_series(name, conditions[:end], guess[:end], colour=CONTEST[name][1])
            )
        fitted[name] = slope(conditions, steps)
        fit = fitted[name]
        rows.append(
            (
                name,
                None if fit is None else fit[0],
                None if fit is None else fit[1],
                NOISELESS.get(name, (None, None))[column],
                NOISY.get(name, (None, None))[column],
                *(s if np.isfinite(s) else "not reached" for s in np.median(steps, axis=1)),
            )
        )
    kfac = fitted.get("KFAC")
    amgd = fitted.get("AMGD")
    finding = "The steps of KFAC do not depend on the condition number of " + subject
    finding += f" (fitted exponent {kfac[0]:.2f})" if kfac else ""
    finding += f"; those of AMGD grow with the power {amgd[0]:.2f}." if amgd else "."
    if kfac and abs(kfac[0]) > 0.1:
        finding = f"The steps of KFAC grow with the power {kfac[0]:.2f} of the condition number."
    text = (
        f"Infinite batches, no noise. KFAC and natural gradient keep the rate {NATURAL_RATE:g}: at "
        "small condition numbers a tuned gradient method is faster, at rate 1 KFAC would need one "
        "step. An exponent is reached only where the condition number dominates; at its small end "
        "a curve is flatter.",
        "The exponents of Adam, Shampoo and Muon hold where gradients are mostly noise (LR-22 to "
        "LR-24, along eigenvectors and near the solution): they are listed, not tested here.",
    )
    header = ("method", "fitted exponent", "std. error", "predicted", "predicted, noise-dominated",
              *(f"κ = {c:g}" for c in conditions))  # fmt: skip
    note = (
        f"Right: median number of steps to distance {LEVEL:g}. Dotted in the picture: KFAC by the "
        "global law (LR-28), AMGD linearised, at the best rate of the same grid (LR-15)."
    )
    data = figure(f"Steps to distance {LEVEL:g}", "distance", series) | {
        "x_label": f"condition number of {subject}",
        "y_label": "steps",
        "x_scale": "log",
        "wide": True,
    }
    table = Table(header, rows, "Exponents and steps", note)
    return Section(f"Condition number of {subject}", finding, text, (data,), (table,))


def pictures(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return distance, training loss and transfer loss against steps."""
    return [
        figure(TITLES[measure], measure, curves(runs, measure)) | {"wide": True}
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


def final_table(runs: Sequence[Run]) -> Table:
    """Return medians at the last step, best distance first."""
    rows = []
    for run in ranking(runs):
        first = float(np.median(first_below(run.values["distance"], REACHED)))
        edge = run.rate in (run.entrant.grid[0], run.entrant.grid[-1])
        rows.append(
            (
                run.entrant.name,
                f"{run.rate:g}{' (end of its grid)' if edge else ''}",
                run.steps,
                run.final("distance"),
                run.final("train"),
                run.final("transfer"),
                int(first) if np.isfinite(first) else "not reached",
            )
        )
    header = ("method", "rate", "steps", "distance", "training loss − noise",
              "transfer loss − noise", f"steps to distance {REACHED:g}")  # fmt: skip
    return Table(header, rows, "Medians at the last step")


def ranking(runs: Sequence[Run]) -> list[Run]:
    """Return the runs, smallest final distance first; a diverged one last."""
    return sorted(runs, key=lambda run: run.final("distance") or np.inf)


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
