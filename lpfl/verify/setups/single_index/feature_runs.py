"""Runs of one large step seen through the features of fresh rows, and what the rule predicts."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.problems.single_index import network as networks
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.trial import Trial
from theory.single_index import spike_matrix

Array = NDArray[np.float64]

REPLICATES = 64
USUAL_DIM, FEWEST = 128, 24
HARMONICS = 30  # fewer than 12 leave the first spike several per cent short
SPIKES = 2
DEGREE = 6
KNOTS = np.geomspace(0.6, 1.7, 4)


def spread(scenario: Mapping[str, Any]) -> float:
    """Return theta nu / sqrt(N), the standard deviation of a neuron's spike coordinate."""
    return float(scenario["spread"])


def strength(scenario: Mapping[str, Any]) -> float:
    """Return theta for the scenario's spread."""
    nu2 = layers.spike_variance(layers.predicted_direction(scenario))
    return spread(scenario) * math.sqrt(layers.width(scenario) / nu2)


def at_spread(trial: Trial, factor: float, level: float) -> Trial:
    """Return the trial with every dimension ``factor`` times as large, at another spread."""
    values = dict(trial.scenario)
    spec: CovarianceSpec = values["covariance"]
    dim = round(factor * spec.dim)
    values |= {"input_dim": dim, "spread": level}
    values["covariance"] = CovarianceSpec(
        dim, spec.family, spec.log10_cond, spec.rotation, spec.seed
    )
    return replace(trial, scenario=Scenario(values), memory={})


def replicates(scenario: Mapping[str, Any]) -> int:
    """Return how many runs are as sure as the usual ones: a run varies like one over root d."""
    return min(REPLICATES, max(FEWEST, REPLICATES * USUAL_DIM // int(scenario["input_dim"])))


def measured(trial: Trial, *, replicates: int = REPLICATES) -> dict[str, Array]:
    """Return per replicate the outliers, how far their left vectors lie in the span of the
    harmonics, the edge at the start, the entries of the matrix, and the spread of the run."""
    scenario = trial.scenario
    n, N = setup.batch_size(scenario), layers.width(scenario)
    eta = layers.step_size(scenario, strength(scenario))
    c_act = abs(layers.activation(scenario).c_act)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        beta = layers.learned_direction(scenario, layer.batch)
        after = layers.stepped(scenario, layer, eta)
        theta = layers.spike_strength(scenario, layer, beta, eta)
        layers.admit(trial, layer, spike_strength=layers.mean_strength(theta), feature_data="fresh")
        fresh = model.sample(problem, n, generator=trial.stream("fresh", block)).inputs
        centred = measures.centred(networks.features(after, fresh))
        top = measures.top_singular(centred, count=SPIKES)
        start = measures.centred(networks.features(layer.network, fresh))
        index = torch.einsum("rnd,rd->rn", fresh, beta)
        image = model.times_covariance(beta, problem.covariance)
        norm = torch.linalg.vector_norm(layer.network.second_layer, dim=-1)
        return {
            "values": top.values,
            "span": measures.feature_overlaps(top.left, index, degree=DEGREE).sum(-1),
            "edge": measures.top_singular(start).values[:, 0],
            "gram": diagonal_of_gram(centred, index),
            "spread": eta * c_act * norm * ((beta * image).sum(-1) / N).sqrt(),
        }

    return setup.replicated(trial, replicates, measure, entries=layers.entries(scenario))


def log_heights(trial: Trial) -> Array:
    """Return the logarithms of the outliers over the edge (R, SPIKES), at the planned spread.

    The spread of a run fluctuates with its head and its batch: what the runs say about the
    dependence on it, a straight line in logarithms, is taken out.
    """
    seen = measured(trial)
    heights = np.log(seen["values"] / seen["edge"][:, None])
    away = np.log(seen["spread"] / spread(trial.scenario))
    slopes = np.polyfit(away, heights, 1)[0]
    return np.asarray(heights - slopes * away[:, None])


def diagonal_of_gram(features: Tensor, index: Tensor) -> Tensor:
    """Return sum_j c_kj^2 (R, SPIKES), c_kj the k-th harmonic of neuron j, without noise.

    Each c is estimated on both halves of the rows; the product of independent estimates has no
    noise in its mean.
    """
    half = features.shape[1] // 2
    found = []
    for rows in (slice(0, half), slice(half, 2 * half)):
        powers = measures.orthogonal_powers(index[:, rows], degree=DEGREE)[..., :SPIKES]
        found.append(powers.mT @ features[:, rows] / math.sqrt(half))
    return (found[0] * found[1]).sum(-1)


def predicted(trial: Trial, spreads: Array) -> dict[str, Array]:
    """Return the outliers and the diagonal of the matrix (R, SPIKES) at each run's own spread.

    The prediction depends on the strength through the spread alone; it is interpolated in
    logarithms between knots around the scenario's.
    """
    scenario = trial.scenario
    n, N = setup.batch_size(scenario), layers.width(scenario)
    knots = spread(scenario) * KNOTS
    positions, entries = [], []
    for knot in knots:
        gram = spike_matrix(
            scenario["activation"],
            spike_strength=float(knot * math.sqrt(N)),
            spike_variance=1.0,
            width=N,
            harmonics=HARMONICS,
        )
        eigenvalues = np.linalg.eigvalsh(gram)[::-1][:SPIKES]
        known = {"batch_size": n, "spike_eigenvalue": np.maximum(eigenvalues, 0.0)}
        positions.append(setup.printed(trial, "outlier", **known))
        entries.append(np.diagonal(gram)[:SPIKES])
    return {
        "outliers": interpolated(np.array(positions), knots, spreads),
        "gram": interpolated(np.array(entries), knots, spreads),
    }


def interpolated(table: Array, knots: Array, spreads: Array) -> Array:
    """Return a table of positive columns (knots, SPIKES) at other spreads (R,), in logarithms."""
    tiny = np.finfo(np.float64).tiny
    columns = []
    for column in np.maximum(table, tiny).T:
        fit = np.polyfit(np.log(knots), np.log(column), len(knots) - 1)
        columns.append(np.exp(np.polyval(fit, np.log(spreads))))
    return np.stack(columns, axis=-1)
