"""Singular values of the feature matrix before and after the step (SI-10)."""

import numpy as np
from torch import Tensor

from lpfl.experiments.core.estimates import Comparison, estimate, verdict
from lpfl.experiments.core.experiment import Options, Section
from lpfl.experiments.core.feature_bulk import feature_edge
from lpfl.experiments.core.histograms import BINS, comparison_table, histogram, spectrum_of
from lpfl.experiments.core.single_index_methods import SGD, Method
from lpfl.experiments.core.single_index_runs import Samples
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.experiments.core.single_index_steps import starts, step_at
from lpfl.experiments.fig3.weights import BEFORE, METHODS
from lpfl.measure.alignment import centred
from lpfl.problems.single_index import sample
from lpfl.problems.single_index.network import TwoLayerNetwork, features
from theory.single_index import feature_outliers, spike_matrix

EDGE_MARGIN = 0.03
SPIKE_MARGIN = 0.10
WELL_ABOVE = 1.25


def feature_spectrum(network: TwoLayerNetwork, inputs: Tensor) -> Samples:
    """Return the singular values of the centred features of rows (1, n, d), over sqrt(n)."""
    F = centred(features(network, inputs))
    return spectrum_of(F) / np.sqrt(F.shape[1])


def features_section(
    setting: Setting, options: Options, *, index_std: float, replicates: int
) -> Section:
    """SI-10: the outliers of the feature matrix."""
    values: dict[str, list[Samples]] = {}
    for start in starts(setting, options, replicates=replicates, tag="features"):
        X = sample(start.problem, setting.samples, generator=start.stream).inputs
        values.setdefault(BEFORE, []).append(feature_spectrum(start.network, X))
        for method in METHODS:
            update = start.update(method, setting)
            network = start.after(update, step_at(method, setting, index_std))
            values.setdefault(method.label, []).append(feature_spectrum(network, X))
    runs = {name: np.array(rows) for name, rows in values.items()}
    edge = feature_edge(setting)
    spikes = {m.label: _spikes(m, setting, index_std, edge) for m in METHODS}
    smallest = min(float(rows.min()) for rows in runs.values())
    largest = max(float(rows.max()) for rows in runs.values())
    bins = np.geomspace(max(smallest, 0.02), 1.1 * largest, BINS + 1)
    pictures = [
        histogram(
            f"Features around a step of {method.label}",
            runs[BEFORE],
            runs[method.label],
            colour=method.colour,
            bins=bins,
            edges=[edge],
            outliers=spikes[method.label],
            x_label="singular value of the centred features / √n",
            x_scale="log",
        )
        for method in METHODS
    ]
    second = estimate(runs[BEFORE][:, 1])
    comparisons = [Comparison("before: edge of the bulk", edge, second, EDGE_MARGIN * edge)]
    for method in METHODS:
        for k, limit in enumerate(spikes[method.label]):
            measured = estimate(runs[method.label][:, k])
            where = f"{method.label}: outlier {k + 1}"
            comparisons.append(Comparison(where, limit, measured, SPIKE_MARGIN * limit))
    count = len(spikes[SGD.label])
    finding = (
        f"At θν = {index_std:g} the finite-size rule puts {count} singular values of the features "
        "above the bulk, at the same places for SGD and KFAC: equal θν means equal spikes, and "
        "what differs is the direction they carry."
    )
    text = (
        f"SI-10, {setting.sizes}, n fresh rows, activation tanh(t + {setting.shift:g}), which has "
        "an even part. "
        "Outlier k sits near √(n e_k), e_k the eigenvalues of an explicit matrix. The edge of the "
        "bulk takes the features as linear plus white noise (derived, Silverstein and Choi 1995); "
        "before the step it is compared with the second singular value, since the largest one "
        "already feels the quadratic part. Large steps also widen the bulk, by the remainder of "
        "the gradient. On the rows of the step itself the outliers are larger: there Xβ has fitted "
        "the noise.",
        verdict(comparisons, "a singular value"),
    )
    title = f"Features: {setting.sizes}"
    tables = (comparison_table(comparisons, "Edge and outliers in numbers"),)
    return Section(title, finding, text, pictures, tables)


def _spikes(method: Method, setting: Setting, index_std: float, edge: float) -> list[float]:
    """Return the predicted outliers well above the bulk."""
    step = step_at(method, setting, index_std)
    gram = spike_matrix(
        setting.predicted_activation,
        spike_strength=step.strength,
        spike_variance=step.nu2,
        width=setting.width,
    )
    places = feature_outliers(gram, samples=setting.samples) / np.sqrt(setting.samples)
    return [float(place) for place in places if place > WELL_ABOVE * edge]
