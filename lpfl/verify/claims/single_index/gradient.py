"""SI-01: the gradient is of rank one in operator norm, but not in Frobenius norm."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import one_step, precondition
from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival, Same
from lpfl.verify.setups.single_index import gauss_means
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.single_index.scenarios import two_atom
from lpfl.verify.space import Choice, Integers
from lpfl.verify.tolerance import finite_size, judgement, truncation
from lpfl.verify.trial import Trial
from theory.single_index import gradient_remainder_ratio, operator_ratio_rate
from theory.single_index.direction import direction

FACTOR = 3  # between the two sizes
REPLICATES = 192
SMALL_PER_LARGE = 2
RELATIVE = judgement(0.1, "the nearest rival is 0: a remainder that vanishes in this norm too")

GRID = truncation(1e-6, "the square of the grid's step 1/1000 at a kink")
ANCHORS = (
    layers.scenario(48, n=144, width=48, damping=0.1),
    layers.scenario(48, n=96, width=72, link="relu", activation="relu", damping=1.0),
    # A wide spectrum and a link with a mean: the last term of the remainder is a third of it.
    layers.scenario(
        48,
        n=384,
        width=72,
        link="relu",
        activation="relu",
        damping=1.0,
        covariance=two_atom(48, 0.95),
    ),
)

Samples = dict[str, NDArray[np.float64]]


def ratios(trial: Trial, replicates: int) -> Samples:
    """Return the remainder of the gradient, plain and whitened, over its rank-one part.

    The descent is read off a step of size 1, so that its sign is the step's.
    """
    scenario = trial.scenario
    c_act = layers.activation(scenario).c_act

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        layers.admit(trial, layer)
        X, y = layer.batch.inputs, layer.batch.targets
        batch = sampler.moments(sampler.plain_rows(layer.batch))
        after = one_step.one_step(layer.network, X, y, step_size=1.0)
        descent = after.first_layer - layer.network.first_layer
        whitened = precondition.kfac(descent, X, damping=scenario.damping)
        f = layer.network.second_layer
        beta = directions.sgd_direction(batch)
        plain = measures.rank_one_remainder(descent, f, beta, scale=c_act)
        beta_white = directions.kfac_direction(batch, damping=scenario.damping)
        white = measures.rank_one_remainder(whitened, f, beta_white, scale=c_act)
        return {
            "frobenius2": plain.frobenius.square(),
            "norm2": beta.square().sum(-1),
            "plain": plain.operator,
            "whitened": white.operator,
        }

    entries = layers.entries(scenario)
    return setup.replicated(trial, replicates, measure, entries=entries)


@check(
    "SI-01",
    (
        Integers("input_dim", 40, 48),
        layers.COVARIANCE,
        layers.ASPECT,
        Choice("link", ("tanh", "erf", "relu")),  # he12: rows y^2 with heavy tails, slower
        layers.NOISE_STD,
        layers.WIDTH_RATIO,
        layers.ACTIVATION,
        layers.DAMPING,
    ),
    anchors=ANCHORS,
    decisions=3,
    facts=layers.facts,
)
def rank_one(trial: Trial) -> Iterator[Comparison]:
    """Compare the Frobenius ratio with its limit, the operator ratio with its rate."""
    large = layers.resized(trial, FACTOR)
    seen, small = ratios(large, REPLICATES), ratios(trial, SMALL_PER_LARGE * REPLICATES)
    yield frobenius(large, seen)
    statistics = setup.activation_facts(layers.activation(trial.scenario))
    yield cases.printed_units(trial, "frobenius", **statistics)
    yield ratio_of_function(large, statistics)
    d, N = large.scenario.input_dim, layers.width(large.scenario)
    after, before = (
        float(setup.printed(trial, "operator", width=width, rate_constant=1.0))
        for width in (N, layers.width(trial.scenario))
    )
    slack = finite_size(
        1.0 / math.log(N) + 2.0 / math.sqrt(d),
        "1/log N in the largest |f_j|, 2/sqrt(d) in the edge of the remainder",
    )
    for name in ("plain", "whitened"):
        start = np.log(small[name]).reshape(-1, SMALL_PER_LARGE).mean(1)
        exponent = (np.log(seen[name]) - start) / math.log(after / before)
        yield Ordered(
            part="operator",
            better=exponent,
            worse=np.ones_like(exponent),
            slack=slack,
            matters=1.0,
            label=f"{name}, exponent of √(log N/N)",
        )


def ratio_of_function(trial: Trial, statistics: dict[str, Any]) -> Same:
    """The function gives the root of the printed ratio of squares."""
    found = gradient_remainder_ratio(
        c0=setup.statistics(trial.scenario).c0, **setup.limits(trial.scenario), **statistics
    )
    return cases.same_function(
        "frobenius", found**2, setup.predicted(trial, "frobenius", **statistics)
    )


def frobenius(trial: Trial, seen: Samples) -> Near:
    """Compare |Delta|_F^2 / (c_act^2 |f|^2 |beta|^2), |beta|^2 at its limit, with its limit."""
    scenario = trial.scenario
    act, known = layers.activation(scenario), setup.limits(scenario)
    statistics = setup.activation_facts(act)
    predicted = setup.predicted(trial, "frobenius", **statistics)
    d, N = scenario.input_dim, layers.width(scenario)
    norm2 = direction("sgd", **known).energy("identity")
    m2 = known["spectrum"].moment(2)
    # The network's own output moves the gradient by c_act^2 f f'G0 Shat/sqrt(N): its energy, taken
    # twice for the cross term; and O(1/d) fluctuations of the pre-activations' variances (m2/d).
    output = 2.0 * act.c_act**2 * (m2 + known["aspect"]) / (N * norm2)
    finite = output + (6.0 * predicted + m2) / d
    return Near(
        part="frobenius",
        samples=seen["frobenius2"] * seen["norm2"] / norm2,
        predicted=predicted,
        tolerance=finite_size(finite, "the network's own output, 6/d of the ratio and m2/d")
        + judgement(RELATIVE.value * predicted, RELATIVE.why),
        rival=Rival("a remainder that vanishes", 0.0),
    )


@rank_one.extra("activations", on=ANCHORS[:1])
def statistics_of_activations(trial: Trial) -> Iterator[Comparison]:
    """Every statistic of an activation that a formula needs, by integrals on a grid."""
    for name, seen, stated in gauss_means.every_activation():
        yield Same(
            part="activations",
            measured=np.array(list(seen.values())),
            predicted=np.array([stated[key] for key in seen]),
            scale=1.0,
            tolerance=GRID,
            label=f"{name}: {', '.join(seen)}",
        )
    width = layers.width(trial.scenario)
    yield Same(
        part="operator",
        measured=setup.printed(trial, "operator", width=width, rate_constant=1.0),
        predicted=operator_ratio_rate(width),
        tolerance=GRID,
        label="the function",
    )
