"""SI-13, SI-16: gradients of whole networks, batch-normalised or without the factor 1/sqrt(N)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import precondition
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.one_step import scaled_gradient
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.problems.single_index import network as networks
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.stated import stated_order
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.core.gauss.hermite import activation_statistics
from theory.single_index import alignment as alignment_of
from theory.single_index import unnormalised_alignment

NEURONS_PER_DIM = 5
# f'Delta averages over N neurons with weights f_j^2: it adds 3/N of the remainder's energy
REMAINDER = 3.0
NETWORK_SPREAD = 1.1  # of a squared cosine, times sqrt(d)

NETWORK_DIM = Integers("input_dim", 48, 64, log=True)
NETWORK_ASPECT = Reals("aspect", 0.4, 1.0, log=True)
ACTIVATION = Choice("activation", ("tanh", "erf", "relu"))
NETWORK_AXES = (NETWORK_DIM, setup.COVARIANCE, NETWORK_ASPECT, setup.LINK, setup.NOISE_STD)


def width(scenario: Scenario) -> int:
    """Return the number of hidden neurons."""
    return NEURONS_PER_DIM * int(scenario.input_dim)


def draw_network(
    trial: Trial, replicates: int, block: int, *, normalised: bool
) -> networks.TwoLayerNetwork:
    """Draw an untrained network for each replicate."""
    return networks.initialise(
        replicates=replicates,
        dim=trial.scenario.input_dim,
        width=width(trial.scenario),
        generator=trial.stream("network", block),
        activation=trial.scenario.activation,
        normalised=normalised,
        dtype=trial.dtype,
    )


def along_second_layer(network: networks.TwoLayerNetwork, gradient: Tensor) -> Tensor:
    """Return ``-f' gradient`` (R, d): the direction of the rank-one part c_act f beta'."""
    return -torch.einsum("rk,rkd->rd", network.second_layer, gradient)


def network_margin(scenario: Scenario, predicted: float, *, damped: bool = True) -> Tolerance:
    """Return the margin of a squared cosine of a network's gradient: the remainder's included."""
    rest = finite_size(REMAINDER / width(scenario), "3/N, the remainder's energy along f")
    return compare.margin(scenario, predicted, damped=damped) + rest


def network_replicates(trial: Trial, *limits: float) -> int:
    """Return the replicates that comparisons of a network's gradient with these limits need.

    The second layer is random as well: its spread adds to that of the batch.
    """
    return max(
        compare.replicates_for(
            trial,
            network_margin(trial.scenario, p).value,
            spread=NETWORK_SPREAD,
            share=0.6 if compare.is_mild(trial.scenario) else 0.45,
        )
        for p in limits
    )


def network_near(
    trial: Trial,
    part: str,
    samples: Any,
    predicted: float,
    rivals: dict[str, float],
    *,
    damped: bool = True,
    label: str = "",
) -> Comparison:
    """Return the comparison of a squared cosine of a network's gradient."""
    return compare.near(
        trial,
        part,
        samples,
        predicted,
        rivals=rivals,
        tolerance=network_margin(trial.scenario, predicted, damped=damped),
        label=label,
    )


@check(
    "SI-13",
    (*NETWORK_AXES, ACTIVATION),
    anchors=(
        setup.scenario(
            64, n=107, covariance=CovarianceSpec(64), link="relu", noise_std=0.1, activation="tanh"
        ),
        setup.scenario(
            60, n=150, covariance=setup.two_atom(60, 0.9, "haar"), link="relu", activation="relu"
        ),
    ),
    decisions=6,
    facts=setup.facts,
)
def batch_norm(trial: Trial) -> Iterator[Comparison]:
    """X'(y - mean y)/n, and the gradient through batch-normalised pre-activations."""
    known = setup.limits(trial.scenario)
    limit, cap = setup.predicted(trial, "alignment"), setup.predicted(trial, "cap")
    sgd = alignment_of("sgd", **known)
    whitened = alignment_of("kfac", damping=0.1, **known)

    def low(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        centred = compare.signed(trial, directions.centred_direction(batch), problem)
        plain = compare.signed(trial, directions.sgd_direction(batch), problem)
        weighted = compare.signed(
            trial, directions.centred_direction(batch), problem, weighted=True
        )
        return {"centred": centred, "gain": centred - plain, "weighted": weighted}

    def whole(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        n = setup.batch_size(trial.scenario)
        rows = model.sample(problem, n, generator=trial.stream("rows", block))
        network = draw_network(trial, problem.replicates, block, normalised=True)
        setup.admit(trial, problem, rows.inputs.shape[-2], network=network)
        gradient = scaled_gradient(network, rows.inputs, rows.targets, batch_norm=True)
        beta = along_second_layer(network, gradient)
        return {"network": compare.signed(trial, beta, problem)}

    seen = setup.replicated(trial, compare.replicates_for_limits(trial, limit), low)
    few = network_replicates(trial, limit)
    seen |= setup.replicated(trial, few, whole, name="network teacher")
    rivals = {"SGD": sgd, "KFAC at damping 0.1": whitened, "infinite data": cap}
    yield network_near(trial, "alignment", seen["network"], limit, rivals, label="network")
    yield compare.near(
        trial, "alignment", seen["centred"], limit, rivals=rivals, label="centred labels"
    )
    yield compare.near(
        trial,
        "alignment",
        seen["gain"],
        limit - sgd,
        rivals={"no gain": 0.0},
        label="gain over SGD",
    )
    c0 = setup.statistics(trial.scenario).c0
    correlation = alignment_of("batch_norm", weight="covariance", c0=c0, **known)
    yield compare.near(
        trial,
        "alignment",
        seen["weighted"],
        correlation,
        rivals={"the squared cosine": limit},
        label="squared correlation",
    )
    yield cases.same_function("alignment", alignment_of("batch_norm", c0=c0, **known), limit)
    yield cases.printed_units(trial, "cap")
    yield stated_order(trial, "cap", known["spectrum"], alignment=limit)
    yield compare.ordered(
        trial, "cap", np.full_like(seen["centred"], cap), seen["centred"], cap - limit
    )


def plain_facts(scenario: Scenario) -> dict[str, Any]:
    """Say that the network lacks the factor 1/sqrt(N)."""
    return {**setup.facts(scenario), "network_scaling": "plain"}


@check(
    "SI-16",
    (*NETWORK_AXES, ACTIVATION, setup.DAMPING),
    anchors=(
        setup.scenario(56, n=187, activation="tanh", damping=0.1, noise_std=0.1),
        setup.scenario(
            60, n=160, covariance=setup.two_atom(60, 0.8, "haar"), activation="relu", damping=0.1
        ),
    ),
    decisions=6,
    facts=plain_facts,
)
def unnormalised(trial: Trial) -> Iterator[Comparison]:
    """The gradient of f'act(Gx), plain and whitened with the covariance of its batch."""
    known = setup.limits(trial.scenario)
    act = activation_statistics(trial.scenario.activation)
    more = {"c_act": act.c_act, "c_perp2": act.c_perp2, "act_mean": act.mean}
    damping = float(trial.scenario.damping)
    dampings = {"kfac": damping}
    if known["aspect"] <= compare.RIDGELESS_BELOW:
        dampings["ridgeless"] = 0.0
    limit = {"sgd": setup.predicted(trial, "sgd", **more)}
    scaled = {"sgd": alignment_of("sgd", **known)}
    for name, value in dampings.items():
        limit[name] = setup.predicted(trial, name, damping=value, **more)
        scaled[name] = alignment_of("kfac", damping=value, **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        n = setup.batch_size(trial.scenario)
        rows = model.sample(problem, n, generator=trial.stream("rows", block))
        network = draw_network(trial, problem.replicates, block, normalised=False)
        setup.admit(trial, problem, rows.inputs.shape[-2], network=network, damping=damping)
        batch = sampler.moments(sampler.plain_rows(rows))
        trial.memory.setdefault("batch", batch)
        gradient = scaled_gradient(network, rows.inputs, rows.targets)
        # preconditioning acts on the columns, so it commutes with f'
        found = {"sgd": along_second_layer(network, gradient)}
        row = found["sgd"][:, None, :]
        for name, value in dampings.items():
            found[name] = precondition.kfac(row, rows.inputs, damping=value)[:, 0]
        found["scaled sgd"] = directions.sgd_direction(batch)
        found["scaled kfac"] = directions.kfac_direction(batch, damping=damping)
        return {name: compare.signed(trial, beta, problem) for name, beta in found.items()}

    replicates = network_replicates(trial, *limit.values())
    seen = setup.replicated(trial, replicates, measure)
    yield from functions(trial, limit, dampings, more)
    for name, value in limit.items():
        rivals = {"with the factor 1/√N": scaled[name]}
        yield network_near(trial, name, seen[name], value, rivals, damped=name != "ridgeless")
    yield compare.fixed_point(trial, "fixed_point", trial.memory["batch"], damping)
    for name in ("sgd", "kfac"):
        yield compare.ordered(
            trial,
            "lower",
            seen[f"scaled {name}"],
            seen[name],
            scaled[name] - limit[name],
            label=name.upper(),
        )
        yield stated_order(trial, "lower", alignment=limit[name], alignment_normalised=scaled[name])


def functions(
    trial: Trial, limit: dict[str, float], dampings: dict[str, float], act: dict[str, Any]
) -> Iterator[Comparison]:
    """The function gives the numbers of the statement, which do not change with the units."""
    known = setup.limits(trial.scenario)
    a, b = cases.INPUT_UNIT, cases.TARGET_UNIT
    other: dict[str, Any] = {
        "spectrum": Spectrum(known["spectrum"].eigenvalues * a**2),
        "aspect": known["aspect"],
        "c1": known["c1"] * b / a,
        "residual_var": known["residual_var"] * b**2,
        "c_act": act["c_act"] * b / a,
        "c_perp2": act["c_perp2"] * b**2,
        "act_mean": act["act_mean"] * b,
    }
    for name, value in limit.items():
        method = "sgd" if name == "sgd" else "kfac"
        damping = dampings.get(name)
        found = unnormalised_alignment(method, damping=damping, **known, **act)
        yield cases.same_function(name, found, value)
        unit = None if damping is None else damping * a**2
        yield cases.same_function(
            name,
            unnormalised_alignment(method, damping=unit, **other),
            value,
            label="other units, the function",
        )
