"""Singular values of the weights before and after the step (SI-09)."""

import numpy as np
import torch
from torch import Tensor

from lpfl.experiments.core.estimates import Comparison, estimate, verdict
from lpfl.experiments.core.experiment import Options, Section
from lpfl.experiments.core.histograms import BINS, comparison_table, histogram, spectrum_of
from lpfl.experiments.core.single_index_methods import KFAC, SGD, Method
from lpfl.experiments.core.single_index_runs import Samples
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.experiments.core.single_index_steps import Start, starts, step_at
from lpfl.measure.alignment import alignment, top_singular
from theory.single_index import outlier

METHODS = (SGD, KFAC)
BEFORE = "before the step"
OUTLIER_MARGIN = 0.05
Runs = dict[tuple[str, str], Samples]


def weight_runs(
    setting: Setting, options: Options, *, index_std: float, replicates: int
) -> tuple[dict[str, Samples], Runs]:
    """Return all singular values (R, min(N, d)) by method, and overlaps by (method, name)."""
    values: dict[str, list[Samples]] = {}
    numbers: dict[tuple[str, str], list[float]] = {}
    for start in starts(setting, options, replicates=replicates, tag="weights"):
        values.setdefault(BEFORE, []).append(spectrum_of(start.network.first_layer))
        for method in METHODS:
            update = start.update(method, setting)
            G = start.after(update, step_at(method, setting, index_std)).first_layer
            values.setdefault(method.label, []).append(spectrum_of(G))
            for name, number in _overlaps(start, G, learned(start, method, setting)).items():
                numbers.setdefault((method.label, name), []).append(number)
    return (
        {name: np.array(rows) for name, rows in values.items()},
        {key: np.array(row) for key, row in numbers.items()},
    )


def learned(start: Start, method: Method, setting: Setting) -> Tensor:
    """Return the direction beta (1, d) of the method on the step's own rows."""
    X, y = start.rows.inputs, start.rows.targets
    beta = torch.einsum("rnd,rn->rd", X, y) / y.shape[-1]
    if method.theory == "sgd":
        return beta
    second = X.mT @ X / y.shape[-1]
    eye = torch.eye(X.shape[-1], dtype=second.dtype, device=second.device)
    damping = (method.damping_at(setting) or 0.0) * eye
    return torch.linalg.solve(second + damping, beta[..., None])[..., 0]


def _overlaps(start: Start, G: Tensor, beta: Tensor) -> dict[str, float]:
    top = top_singular(G)
    return {
        "singular value": float(top.values[0, 0]),
        "left": float(alignment(top.left[..., 0], start.network.second_layer)),
        "right": float(alignment(top.right[..., 0], beta)),
        "teacher": float(alignment(top.right[..., 0], start.problem.teacher)),
    }


def weights_section(
    setting: Setting, options: Options, *, index_std: float, replicates: int
) -> Section:
    """SI-09: the outlier of the updated weights."""
    values, numbers = weight_runs(setting, options, index_std=index_std, replicates=replicates)
    psi = setting.width_ratio
    bulk = (abs(1 - psi**0.5), 1 + psi**0.5)
    predicted = {
        method.label: outlier(
            strength=step_at(method, setting, index_std).strength, width_ratio=psi
        )
        for method in METHODS
    }
    largest = 1.05 * max(float(rows.max()) for rows in values.values())
    bins = np.linspace(0.0, largest, BINS + 1)
    pictures = [
        histogram(
            f"Weights around a step of {method.label}",
            values[BEFORE],
            values[method.label],
            colour=method.colour,
            bins=bins,
            edges=bulk,
            outliers=[predicted[method.label].singular_value],
            x_label="singular value of the first layer",
        )
        for method in METHODS
    ]
    comparisons = []
    for method in METHODS:
        one, label = predicted[method.label], method.label
        rho2 = method.predicted(setting)
        for name, limit in (
            ("singular value", one.singular_value),
            ("left", one.left_overlap2),
            ("right", one.right_overlap2),
            ("teacher", one.right_overlap2 * rho2),
        ):
            measured = estimate(numbers[label, name])
            margin = OUTLIER_MARGIN * limit
            comparisons.append(Comparison(f"{label}: {_WORDS[name]}", limit, measured, margin))
    teacher = {m.label: numbers[m.label, "teacher"].mean() for m in METHODS}
    finding = (
        f"At {setting.sizes} the step takes one singular value out of the bulk of the weights. Its "
        f"right vector meets the teacher with ρ² = {teacher[SGD.label]:.3f} for SGD and "
        f"{teacher[KFAC.label]:.3f} for KFAC, at the same θν."
    )
    text = (
        f"SI-09, {setting.sizes}, θν = {index_std:g} for both methods; an outlier needs "
        f"θ > ψ^(1/4) = {next(iter(predicted.values())).threshold:.3f}. The bulk keeps its edges "
        "as long as the remainder of the gradient, smaller than the spike by about "
        "√(log N / N), is small against 1.",
        verdict(comparisons, "a singular value or a squared cosine"),
    )
    tables = (comparison_table(comparisons, "The outlier in numbers"),)
    return Section(f"Weights: {setting.sizes}", finding, text, pictures, tables)


_WORDS = {
    "singular value": "largest singular value",
    "left": "left vector with the head",
    "right": "right vector with β",
    "teacher": "right vector with β*",
}
