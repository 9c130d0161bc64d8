"""What the page of figure 1 says and shows of a sweep."""

from collections.abc import Sequence

import numpy as np

from lpfl.experiments.core.curves import median_series, predicted_series
from lpfl.experiments.core.experiment import Section, Table
from lpfl.experiments.fig1.drawing import figure
from lpfl.experiments.fig1.sweep import CONTEST, LEVEL, NATURAL_RATE, Sweep, slope

# Exponents of (condition of Sigma, condition of F*) in the number of steps.
NOISELESS = {"KFAC": (0.0, 0.0), "NGD": (0.0, 0.0), "AMGD": (1.0, 2.0), "DFW": (0.0, 2.0)}
NOISY = {"Adam": (0.5, 1.0), "Shampoo": (0.75, 1.5), "Muon": (1.0, 1.0)}


def sweep_section(subject: str, conditions: Sequence[float], outcome: Sweep) -> Section:
    """Steps to the level against one condition number, with the predicted exponents."""
    column = 0 if subject == "Sigma" else 1
    series, rows, fitted = [], [], {}
    for name, steps in outcome.steps.items():
        kept = np.isfinite(steps).all(axis=1)
        x = np.asarray(conditions)[kept].tolist()
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
                in_words(fit),
                in_words(slope(conditions, outcome.predicted[name]))
                if name in outcome.predicted
                else "–",
                NOISELESS.get(name, (None, None))[column],
                NOISY.get(name, (None, None))[column],
                *(s if np.isfinite(s) else "not reached" for s in np.median(steps, axis=1)),
            )
        )
    kfac = fitted.get("KFAC")
    amgd = fitted.get("AMGD")
    finding = "The steps of KFAC do not depend on the condition number of " + subject
    finding += f" (fitted exponent {in_words(kfac)})" if kfac else ""
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
    header = ("method", "fitted", "predicted", "limit", "noisy limit",
              *(f"κ = {c:g}" for c in conditions))  # fmt: skip
    note = (
        "Fitted: exponent of the counted steps, ± one standard error over replicates. Predicted: "
        "the same fit to predicted counts. Limit: exponent at large condition numbers; noisy "
        "limit: where gradients are mostly noise. The limit of DFW is that of AMGD with Sigma "
        f"taken out. Right: median number of steps to distance {LEVEL:g}. Dotted in the picture: "
        "KFAC by the global law (LR-28), AMGD linearised at the best rate of its grid (LR-15): "
        "near the edge of stability the true step is milder than its linear part, and its best "
        "rate larger."
    )
    data = figure(f"Steps to distance {LEVEL:g}", "distance", series) | {
        "x_label": f"condition number of {subject}",
        "y_label": "steps",
        "x_scale": "log",
        "wide": True,
    }
    table = Table(header, rows, "Exponents and steps", note)
    return Section(f"Condition number of {subject}", finding, text, (data,), (table,))


def in_words(fit: tuple[float, float] | None) -> str:
    """Return an exponent with its standard error."""
    if fit is None:
        return "–"
    exponent = f"{fit[0]:.2f}".replace("-0.00", "0.00").replace("-", "−")
    return f"{exponent} ± {fit[1]:.2f}"
