"""SI-01: the gradient is of rank one in operator norm, but not in Frobenius norm."""

import math

import numpy as np
from torch import Tensor

from lpfl import decide, one_step, precondition
from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.setups import layer as layers
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Choice, Integers, ScenarioSpace
from theory.single_index import operator_ratio_rate
from theory.single_index.direction import direction

FACTOR = 3  # between the two sizes
REPLICATES = 96
SMALL_PER_LARGE = 2
RELATIVE = 0.1  # the nearest rival is 0: a remainder that vanishes in this norm too


def ratios(trial: Trial, replicates: int) -> dict[str, np.ndarray]:
    """Return the remainder of the gradient, plain and whitened, over its rank-one part."""
    scenario = trial.scenario
    c_act = layers.activation(scenario).c_act

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        X, y = layer.batch.inputs, layer.batch.targets
        batch = sampler.moments(sampler.plain_rows(layer.batch))
        descent = -one_step.scaled_gradient(layer.network, X, y)
        whitened = precondition.kfac(descent, X, damping=scenario.damping)
        f = layer.network.second_layer
        beta = directions.sgd_direction(batch)
        plain = measures.rank_one_remainder(descent, f, beta, scale=c_act)
        beta_white = directions.kfac_direction(batch, damping=scenario.damping)
        white = measures.rank_one_remainder(whitened, f, beta_white, scale=c_act)
        return {
            "frobenius2": plain.frobenius.square(),
            "norm2": beta.square().sum(-1),
            "operator": plain.operator,
            "whitened": white.operator,
        }

    entries = layers.entries(scenario)
    return setup.replicated(trial, replicates, measure, entries=entries)


def measure_rank_one(trial: Trial) -> list[Finding]:
    """Compare the Frobenius ratio with its limit, the operator ratio with its rate."""
    large = layers.resized(trial, FACTOR)
    seen = ratios(large, REPLICATES)
    small = ratios(trial, SMALL_PER_LARGE * REPLICATES)
    scenario = large.scenario
    findings = [frobenius(large, seen)]
    d, N = scenario.input_dim, layers.width(scenario)
    before = operator_ratio_rate(layers.width(trial.scenario))
    decades = math.log(operator_ratio_rate(N) / before)
    # Terms of relative size 1/log N in the largest |f_j| and of size d^(-1/2) in the edge.
    slack = 1.0 / math.log(N) + 2.0 / math.sqrt(d)
    for name in ("operator", "whitened"):
        start = np.log(small[name]).reshape(REPLICATES, SMALL_PER_LARGE).mean(1)
        slope = (np.log(seen[name]) - start) / decades
        verdict = decide.ordering(
            slope - 1.0, slack=slack, alpha=trial.alpha, matters=1.0
        ).with_detail("exponent of sqrt(log N/N) minus 1; -1: the remainder does not vanish")
        findings.append(Finding(f"rate: {name}", verdict))
    return findings


def frobenius(trial: Trial, seen: dict[str, np.ndarray]) -> Finding:
    """Compare |Delta|_F^2 / (c_act^2 |f|^2 |beta|^2), |beta|^2 at its limit, with its limit."""
    scenario = trial.scenario
    act, known = layers.activation(scenario), setup.limits(scenario)
    predicted = layers.remainder_ratio(scenario)
    d, N = scenario.input_dim, layers.width(scenario)
    norm2 = direction("sgd", **known).energy("identity")
    m2 = known["spectrum"].moment(2)
    # The network's own output moves the gradient by c_act^2 f f'G0 Shat/sqrt(N): its energy, taken
    # twice for the cross term; and O(1/d) fluctuations of the pre-activations' variances (m2/d).
    output = 2.0 * act.c_act**2 * (m2 + known["aspect"]) / (N * norm2)
    finite = output + (6.0 * predicted**2 + m2) / d
    samples = seen["frobenius2"] * seen["norm2"] / norm2
    verdict = decide.equivalence(
        samples,
        predicted=predicted**2,
        tolerance=finite + RELATIVE * predicted**2,
        alpha=trial.alpha,
        matters=predicted**2,
    )
    return Finding("Frobenius", verdict.with_detail("squared; it does not vanish"))


RANK_ONE = Check(
    claim_id="SI-01",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 40, 48),
            layers.COVARIANCE,
            layers.ASPECT,
            Choice("link", ("tanh", "erf", "relu")),  # he12: rows y^2 with heavy tails, slower
            layers.NOISE_STD,
            layers.WIDTH_RATIO,
            layers.ACTIVATION,
            layers.DAMPING,
        ),
        anchors=(
            layers.scenario(48, n=144, width=48, damping=0.1),
            layers.scenario(48, n=96, width=72, link="relu", activation="relu", damping=1.0),
        ),
    ),
    measure=measure_rank_one,
    decisions=3,
    facts=layers.facts,
)
