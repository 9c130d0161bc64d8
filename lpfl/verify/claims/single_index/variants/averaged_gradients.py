"""SI-23: averaged second moments of first-layer gradients, and a step through their power."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lpfl import one_step
from lpfl.optim.core.average import Average, include
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index.network import TwoLayerNetwork
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.stated import stated_order
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of

PER_DIMENSION = 2  # gradients averaged, over d
DECAY = 0.995  # of the average: nearly uniform weights over these
FRESH = 10  # batches whose direction is taken through the power of the average
REPLICATES = 96
TERM = 4.0  # over d, N and n: mean slopes and norms of finitely many weights (measured: 0 to 2)
RELATIVE = judgement(0.2, "20 % of a number that is an order of magnitude below SGD's")


def white(dim: int, **fields: object) -> Scenario:
    """Return a scenario with white inputs."""
    spec = setup.CovarianceSpec(dim, "identity", 0.0, "none", 0)
    return layers.scenario(dim, covariance=spec, **fields)  # type: ignore[arg-type]


ANCHORS = (
    white(36, n=72, width=48, factor_exponent=0.5, damping_share=0.0),
    white(36, n=54, width=48, activation="relu", factor_exponent=0.25, damping_share=0.0),
    white(36, n=72, width=48, factor_exponent=0.5, damping_share=20.0),
)


@check(
    "SI-23",
    (
        Integers("input_dim", 32, 40),
        Covariances(families=("identity",), rotations=("none",), max_log10_cond=0.0),
        Reals("aspect", 0.4, 0.9),
        Choice("link", ("tanh", "erf", "relu")),
        layers.NOISE_STD,
        Reals("width_ratio", 1.0, 1.6),
        Choice("activation", ("tanh", "erf")),
        Reals("factor_exponent", 0.2, 0.5),
        Reals("damping_share", 0.0, 2.0),
    ),
    anchors=ANCHORS,
    decisions=4,
    facts=layers.facts,
)
def signal_removed(trial: Trial) -> Iterator[Comparison]:
    """Average G'G of fresh batches at fixed weights; send the direction through its power."""
    at, known = trial.scenario, setup.limits(trial.scenario)
    act = setup.activation_facts(layers.activation(at))
    slopes = {name: act[name] for name in ("c_act", "act_prime_var")}
    bulk = setup.predicted(trial, "bulk", **slopes)
    strength = setup.predicted(trial, "signal", **slopes)
    damping = float(at.damping_share) * strength
    limit = setup.predicted(
        trial,
        "alignment",
        gradient_bulk=bulk,
        gradient_signal=strength,
        statistics_damping=damping,
    )
    sgd = alignment_of("sgd", **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        layers.admit(trial, layer)
        average = averaged_statistic(trial, problem, layer.network, block)
        along = (problem.teacher * (average @ problem.teacher[:, :, None])[..., 0]).sum(-1)
        rest = (average.diagonal(dim1=-2, dim2=-1).sum(-1) - along) / (problem.dim - 1)
        steps = []
        for k in range(FRESH):
            batch = setup.draw_moments(trial, problem, block, name=f"fresh batch {k}")
            (beta,) = directions.power_directions(
                batch, average, [at.factor_exponent], damping=damping
            )
            plain = directions.sgd_direction(batch)
            steps.append([compare.signed(trial, x, problem) for x in (beta, plain)])
        removed, kept = (torch.stack(column).mean(0) for column in zip(*steps, strict=True))
        heads = layer.network.second_layer.square().sum(-1)  # 1 in the limit, 1 +- sqrt(2/N) here
        found = {"bulk": rest / heads, "signal": (along - rest) / heads}
        return {**found, "alignment": removed, "sgd": kept}

    seen = setup.replicated(trial, REPLICATES, measure, entries=layers.entries(at))
    term = finite_term(trial)
    yield compare.near(
        trial,
        "bulk",
        seen["bulk"],
        bulk,
        rivals={"the second moment of x": 1.0, "equal neurons": bulk_of_mean(trial)},
        tolerance=term.times(bulk, "of it"),
    )
    yield compare.near(
        trial,
        "signal",
        seen["signal"],
        strength,
        rivals={"no signal": 0.0},
        tolerance=term.times(strength, "of it"),
    )
    allowed = finite_size(1.0 / at.input_dim, "1/d") + judgement(
        RELATIVE.value * limit, RELATIVE.why
    )
    kfac = alignment_of("kfac", damping=0.0, **known)
    yield compare.near(
        trial,
        "alignment",
        seen["alignment"],
        limit,
        rivals={"SGD": sgd, "KFAC without damping": kfac},
        tolerance=allowed,
    )
    yield compare.ordered(trial, "removed", seen["sgd"], seen["alignment"], sgd - limit)
    yield stated_order(trial, "removed", alignment=limit, alignment_sgd=sgd)


def averaged_statistic(
    trial: Trial, problem: model.SingleIndexProblem, network: TwoLayerNetwork, block: int
) -> Tensor:
    """Return the average of G'G (R, d, d) over fresh batches, as Shampoo's right statistic."""
    d, n = problem.dim, setup.batch_size(trial.scenario)
    average = Average(problem.teacher.new_zeros(problem.replicates, d, d), 0.0)
    for k in range(PER_DIMENSION * d):
        batch = model.sample(problem, n, generator=trial.stream("gradient", k, block))
        G = one_step.scaled_gradient(network, batch.inputs, batch.targets)
        average = include(average, G.mT @ G, DECAY)
    return average.mean


def bulk_of_mean(trial: Trial) -> float:
    """Return the bulk if every neuron had the mean slope, the rival without its variance."""
    known = {"c_act": layers.activation(trial.scenario).c_act, "act_prime_var": 0.0}
    return setup.predicted(trial, "bulk", **known)


def finite_term(trial: Trial) -> Tolerance:
    """Return the relative finite-size term of averaged gradients."""
    d, n = trial.scenario.input_dim, setup.batch_size(trial.scenario)
    sizes = np.array([d, n, layers.width(trial.scenario)])
    return finite_size(float((TERM / sizes).sum()), "4/d + 4/N + 4/n, relative")
