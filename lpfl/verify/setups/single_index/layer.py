"""Scenarios with a whole first layer: axes, drawn networks and batches, the step and its strength.

Widths and samples are of the order of d = 64 to 300. What a limit owes to that is written beside
each margin, as a function of the sizes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lpfl import one_step, precondition
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.measure import alignment as measures
from lpfl.precondition import Preconditioner
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.problems.single_index import network as networks
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.trial import Trial
from theory.core.gauss.hermite import ActivationStatistics, activation_statistics
from theory.single_index import gradient_remainder_ratio
from theory.single_index.direction import Direction, direction

ACTIVATIONS = ("tanh", "erf", "relu")
METHODS = ("sgd", "kfac")

INPUT_DIM = Integers("input_dim", 96, 160, log=True)
COVARIANCE = Covariances(families=setup.FAMILIES, rotations=("none", "haar"), max_log10_cond=1.0)
ASPECT = Reals("aspect", 0.2, 0.6)
WIDTH_RATIO = Reals("width_ratio", 0.7, 1.6)
LINK = Choice("link", ("tanh", "erf", "relu", "he12"))
ACTIVATION = Choice("activation", ACTIVATIONS)
METHOD = Choice("method", METHODS)
DAMPING = Reals("damping", 0.05, 1.0, log=True, easy="high")
NOISE_STD = Reals("noise_std", 0.1, 0.5, log=True)


@dataclass(frozen=True)
class Layer:
    """A problem, its network at the start and the batch of the step, R replicates."""

    problem: model.SingleIndexProblem
    network: networks.TwoLayerNetwork
    batch: model.Sample


def scenario(dim: int, *, n: int, width: int, **fields: Any) -> Scenario:
    """Return a scenario with n rows and ``width`` neurons, activation tanh unless given."""
    values: dict[str, Any] = {"width_ratio": width / dim, "activation": "tanh"}
    found: Scenario = setup.scenario(dim, n=n, **{**values, **fields})
    return found


def width(scenario: Mapping[str, Any]) -> int:
    """Return the number of neurons N that comes closest to the scenario's N/d."""
    return max(2, round(scenario["input_dim"] * scenario["width_ratio"]))


def width_ratio(scenario: Mapping[str, Any]) -> float:
    """Return N/d after rounding N."""
    return float(width(scenario) / scenario["input_dim"])


def activation(scenario: Mapping[str, Any]) -> ActivationStatistics:
    """Return the Gaussian statistics of the scenario's activation."""
    return activation_statistics(scenario["activation"])


def facts(scenario: Scenario) -> dict[str, Any]:
    """Return what is planned: the labels, the width and the statistics of the activation."""
    return {
        **setup.facts(scenario),
        "width": width(scenario),
        "width_ratio": width_ratio(scenario),
        **setup.activation_facts(activation(scenario)),
    }


def admit(trial: Trial, layer: Layer, **more: Any) -> None:
    """Test the domain on the drawn problem, network and batch, and on what the run adds."""
    n = layer.batch.inputs.shape[-2]
    setup.admit(trial, layer.problem, n, network=layer.network, **more)


def remainder_ratio(scenario: Mapping[str, Any]) -> float:
    """Return the limit F of |Delta|_F over the gradient's rank-one part, for SGD (SI-01)."""
    link, act = setup.statistics(scenario), activation(scenario)
    return gradient_remainder_ratio(
        **setup.limits(scenario),
        c0=link.c0,
        c_act=act.c_act,
        act_prime_var=act.act_prime_var,
        act_second=act.act_second,
    )


def resized(trial: Trial, factor: int) -> Trial:
    """Return the same trial with every dimension ``factor`` times larger."""
    values = dict(trial.scenario)
    spec: CovarianceSpec = values["covariance"]
    dim = factor * spec.dim
    values["input_dim"] = dim
    values["covariance"] = CovarianceSpec(
        dim, spec.family, spec.log10_cond, spec.rotation, spec.seed
    )
    return replace(trial, scenario=Scenario(values), memory={})


def entries(scenario: Mapping[str, Any]) -> int:
    """Return the size of the largest tensor of one replicate, for ``setup.replicated``."""
    n, d, N = setup.batch_size(scenario), scenario["input_dim"], width(scenario)
    return n * max(N, d)


def draw(trial: Trial, problem: model.SingleIndexProblem, block: int) -> Layer:
    """Draw the network and the batch of one block of replicates."""
    scenario = trial.scenario
    network = networks.initialise(
        replicates=problem.replicates,
        dim=problem.dim,
        width=width(scenario),
        generator=trial.stream("network", block),
        activation=scenario.get("activation", "tanh"),
        dtype=trial.dtype,
    )
    n = setup.batch_size(scenario)
    batch = model.sample(problem, n, generator=trial.stream("batch", block))
    return Layer(problem, network, batch)


def draw_in_turn(
    trial: Trial, problem: model.SingleIndexProblem, block: int, *, num_neurons: int
) -> tuple[Layer, torch.Generator]:
    """Draw a batch, then a network, from one stream; return the stream too, for what follows."""
    stream = trial.stream("rows", block)
    batch = model.sample(problem, setup.batch_size(trial.scenario), generator=stream)
    network = networks.initialise(
        replicates=problem.replicates,
        dim=problem.dim,
        width=num_neurons,
        generator=stream,
        activation=trial.activation,
    )
    return Layer(problem, network, batch), stream


def method_damping(scenario: Mapping[str, Any]) -> float | None:
    """Return the damping where the scenario's method has one."""
    return scenario["damping"] if scenario["method"] == "kfac" else None


def preconditioner(scenario: Mapping[str, Any]) -> Preconditioner:
    """Return the map of gradients of the scenario's method."""
    if scenario["method"] == "sgd":
        return precondition.sgd
    return partial(precondition.kfac, damping=scenario["damping"])


def stepped(scenario: Mapping[str, Any], layer: Layer, eta: float) -> networks.TwoLayerNetwork:
    """Return the network after one step of the scenario's method on its first layer."""
    return one_step.one_step(
        layer.network,
        layer.batch.inputs,
        layer.batch.targets,
        step_size=eta,
        precondition=preconditioner(scenario),
    )


def learned_direction(scenario: Mapping[str, Any], batch: model.Sample) -> Tensor:
    """Return the beta of a batch under the scenario's method, (R, d)."""
    return direction_of(scenario, sampler.moments(sampler.plain_rows(batch)))


def direction_of(scenario: Mapping[str, Any], statistics: sampler.Moments) -> Tensor:
    """Return the beta of the moments of a batch under the scenario's method, (R, d)."""
    if scenario["method"] == "sgd":
        return directions.sgd_direction(statistics)
    return directions.kfac_direction(statistics, damping=scenario["damping"])


def predicted_direction(scenario: Mapping[str, Any]) -> Direction:
    """Return the Gaussian equivalent of beta under the scenario's method."""
    return direction(scenario["method"], **setup.limits(scenario), damping=method_damping(scenario))


def spike_variance(first: Direction) -> float:
    """Return nu^2 = beta'S beta / |beta|^2."""
    return first.energy("covariance") / first.energy("identity")


def step_size(scenario: Mapping[str, Any], strength: float) -> float:
    """Return the step size whose spike has the given strength in the limit."""
    size = math.sqrt(predicted_direction(scenario).energy("identity"))
    return strength / (abs(activation(scenario).c_act) * size)


def spike_strength(scenario: Mapping[str, Any], layer: Layer, beta: Tensor, eta: float) -> Tensor:
    """Return theta = eta |c_act| |f| |beta| of each replicate (R,)."""
    norms = torch.linalg.vector_norm(layer.network.second_layer, dim=-1)
    return eta * abs(activation(scenario).c_act) * norms * torch.linalg.vector_norm(beta, dim=-1)


def top_alignment(top: measures.TopSingular, side: str, vector: Tensor) -> Tensor:
    """Return the squared cosine (R,) of the first left or right singular vector with a vector."""
    found: Tensor = getattr(top, side)[..., 0]
    return measures.alignment(found, vector)


def descends(
    scenario: Mapping[str, Any], top: measures.TopSingular, head: Tensor, vector: Tensor
) -> Tensor:
    """Return +1 or -1 (R,): whether the first singular pair points along ``c_act head vector'``.

    A singular pair is free up to a common sign, so only the product of both cosines has one.
    """
    left = (top.left[..., 0] * head).sum(-1)
    right = (top.right[..., 0] * vector).sum(-1)
    return torch.sign(left * right) * math.copysign(1.0, activation(scenario).c_act)


def mean_strength(strengths: Tensor) -> float:
    """Return the mean strength of the runs, the fact that they are admitted with."""
    return float(strengths.mean())
