"""SI-10: the spikes of the feature matrix of fresh rows after one large step."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, one_step
from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.problems.single_index import network as networks
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import layer as layers
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Choice, Integers, Reals, ScenarioSpace
from theory.core.gauss.links import tanh_shifted
from theory.single_index import (
    feature_outliers,
    spike_count,
    spike_matrix,
)
from theory.single_index.notation import alpha_eta, n_spikes

REPLICATES = 48
HARMONICS = 30  # fewer than 12 leave the first spike several per cent short
SPIKES = 2
SEPARATED = 2.0  # a predicted spike this many times the bulk's edge is compared
DEGREE = 6
RELATIVE = 0.03
KNOTS = np.geomspace(0.6, 1.7, 4)
COUNTED = 4


def spread(scenario: Mapping[str, Any]) -> float:
    """Return theta nu / sqrt(N), the standard deviation of a neuron's spike coordinate."""
    return float(scenario["spread"])


def strength(scenario: Mapping[str, Any]) -> float:
    """Return theta for the scenario's spread."""
    nu2 = layers.spike_variance(layers.predicted_direction(scenario))
    return spread(scenario) * math.sqrt(layers.width(scenario) / nu2)


def outliers_at(scenario: Mapping[str, Any], spreads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the predicted outliers (R, SPIKES) at each replicate's own spread (R,).

    The prediction depends on the strength through the spread alone; it is interpolated in
    logarithms between knots around the scenario's.
    """
    n, N = setup.batch_size(scenario), layers.width(scenario)
    knots = spread(scenario) * KNOTS
    table = []
    for knot in knots:
        gram = spike_matrix(
            scenario["activation"],
            spike_strength=float(knot * math.sqrt(N)),
            spike_variance=1.0,
            width=N,
            harmonics=HARMONICS,
        )
        table.append(feature_outliers(gram, samples=n)[:SPIKES])
    logs = np.log(np.array(table))
    fits = [np.polyfit(np.log(knots), logs[:, k], len(knots) - 1) for k in range(SPIKES)]
    return np.stack([np.exp(np.polyval(fit, np.log(spreads))) for fit in fits], axis=-1)


def measure_features(trial: Trial) -> list[Finding]:
    """Singular values and left vectors of the centred features; the asymptotic count."""
    scenario = trial.scenario
    n, N = setup.batch_size(scenario), layers.width(scenario)
    eta = layers.step_size(scenario, strength(scenario))
    c_act = abs(layers.activation(scenario).c_act)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        beta = layers.learned_direction(scenario, layer.batch)
        after = one_step.one_step(
            layer.network,
            layer.batch.inputs,
            layer.batch.targets,
            step_size=eta,
            precondition=layers.preconditioner(scenario),
        )
        fresh = model.sample(problem, n, generator=trial.stream("fresh", block)).inputs
        top = measures.top_singular(measures.centred(networks.features(after, fresh)), count=SPIKES)
        start = measures.centred(networks.features(layer.network, fresh))
        index = torch.einsum("rnd,rd->rn", fresh, beta)
        image = model.times_covariance(beta, problem.covariance)
        norm = torch.linalg.vector_norm(layer.network.second_layer, dim=-1)
        return {
            "values": top.values,
            "span": measures.feature_overlaps(top.left, index, degree=DEGREE).sum(-1),
            "edge": measures.top_singular(start).values[:, 0],
            "spread": eta * c_act * norm * ((beta * image).sum(-1) / N).sqrt(),
        }

    seen = setup.replicated(trial, REPLICATES, measure, entries=layers.entries(scenario))
    expected = outliers_at(scenario, seen["spread"])
    edge = float(seen["edge"].mean())
    alpha = math.log(eta) / math.log(n)
    findings = []
    for k in range(SPIKES):
        mean = float(expected[:, k].mean())
        if mean < SEPARATED * edge:
            continue
        bulk = (edge / mean) ** 2
        ratio = seen["values"][:, k] / expected[:, k]
        verdict = decide.equivalence(
            mean * ratio,
            predicted=mean,
            tolerance=mean * position_tolerance(scenario, k + 1, bulk),
            alpha=trial.alpha,
            matters=mean - edge,
        ).with_detail(
            f"edge of the bulk at the start {edge:.1f}; eta = n^{alpha:.2f}; outside the bulk: "
            f"{int((seen['values'].mean(0) > 1.2 * edge).sum())} of {SPIKES} compared"
        )
        findings.append(Finding(f"spike {k + 1}: position", verdict))
        verdict = decide.equivalence(
            seen["span"][:, k],
            predicted=1.0,
            tolerance=position_tolerance(scenario, k + 1, bulk) + bulk / 2,
            alpha=trial.alpha,
            matters=1.0 - DEGREE / n,  # the overlap of a random vector
        )
        findings.append(Finding(f"spike {k + 1}: left vector", verdict))
    return [*findings, *counting(trial)]


def position_tolerance(scenario: Mapping[str, Any], k: int, bulk: float) -> float:
    """Return the relative margin of the k-th spike, ``bulk`` = (edge/spike)^2.

    bulk/2: noise of rank min(n, N) moves a singular value from s^2 to s^2 + (n+N) w + n N w^2/s^2,
    with (n+N) w below the edge's square. 6/N: the mean over N neurons of a heavy-tailed function
    of f_j. (k-1) F^2/2: the remainder of Frobenius ratio F (SI-01) adds F^2 a^2 to the variance of
    a pre-activation of spike coordinate a, which the rule neglects; whitening can double it.
    """
    ratio = layers.remainder_ratio(scenario)
    remainder = (k - 1) * ratio**2 / 2 * (2.0 if scenario["method"] == "kfac" else 1.0)
    return RELATIVE + bulk / 2 + 6.0 / layers.width(scenario) + remainder


def counting(trial: Trial) -> list[Finding]:
    """The k-th spike grows with n exactly where the asymptotic count includes it."""
    wrong = []
    relations = trial.claim.relations()
    widths = (10**8, 10**10)
    for ell in range(1, COUNTED + 1):
        alpha = ((ell - 1) / (2 * ell) + ell / (2 * ell + 2)) / 2  # inside the interval of ell
        inside = all(
            bool(relations[part].subs({n_spikes: ell, alpha_eta: alpha}))
            for part in ("count_above", "count_below")
        )
        grams = [
            spike_matrix(
                tanh_shifted(0.7),
                spike_strength=float(width**alpha),
                spike_variance=1.0,
                width=width,
                harmonics=COUNTED + 1,
            )
            for width in widths
        ]
        growth = np.diagonal(grams[1]) / np.diagonal(grams[0])
        wrong += [float(not inside), float((growth > 1).sum() != spike_count(alpha))]
    return [Finding("asymptotic count", decide.identity(wrong, tolerance=1e-3))]


def facts(scenario: Scenario) -> dict[str, Any]:
    """Add the strength and whose features are looked at."""
    return {
        **layers.facts(scenario),
        "spike_strength": strength(scenario),
        "feature_data": "fresh",
    }


FEATURES = Check(
    claim_id="SI-10",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 96, 128),
            layers.COVARIANCE,
            Reals("aspect", 0.2, 0.4),
            Choice("link", ("tanh", "erf")),
            layers.NOISE_STD,
            Reals("width_ratio", 1.0, 1.5),
            layers.ACTIVATION,
            layers.METHOD,
            layers.DAMPING,
            Reals("spread", 0.6, 1.4),
        ),
        anchors=(
            layers.scenario(
                128, n=512, width=160, activation="relu", method="sgd", damping=0.1, spread=1.0
            ),
            layers.scenario(
                128, n=512, width=160, activation="relu", method="kfac", damping=0.1, spread=1.2
            ),
            layers.scenario(128, n=512, width=160, method="kfac", damping=0.1, spread=0.8),
        ),
    ),
    measure=measure_features,
    decisions=4,
    facts=facts,
)
