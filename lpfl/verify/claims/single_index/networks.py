"""SI-13, SI-16: gradients of whole networks, batch-normalised or without the factor 1/sqrt(N)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lpfl import decide, precondition
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.measure.alignment import alignment
from lpfl.one_step import scaled_gradient
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import network as network_model
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.claims.single_index.alignment import RIDGELESS_BELOW, near
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Choice, Integers, Reals, ScenarioSpace
from theory.core.gauss.hermite import activation_statistics
from theory.single_index import alignment as predicted_alignment
from theory.single_index import unnormalised_alignment

FORMULA_TOLERANCE = 1e-12
NEURONS_PER_DIM = 5
# f'Delta averages over N neurons with weights f_j^2: it adds 3/N of the remainder's energy
REMAINDER = 3.0
NETWORK_SPREAD = 1.1  # of a squared cosine, times sqrt(d)
WORTH_NOTICING = 0.25

NETWORK_DIM = Integers("input_dim", 48, 64, log=True)
NETWORK_ASPECT = Reals("aspect", 0.4, 1.0, log=True)
ACTIVATION = Choice("activation", ("tanh", "erf", "relu"))
NETWORK_AXES = (NETWORK_DIM, setup.COVARIANCE, NETWORK_ASPECT, setup.LINK, setup.NOISE_STD)


def width(scenario: Scenario) -> int:
    """Return the number of hidden neurons."""
    return NEURONS_PER_DIM * int(scenario.input_dim)


def draw_network(
    trial: Trial, replicates: int, block: int, *, normalised: bool
) -> network_model.TwoLayerNetwork:
    """Draw an untrained network for each replicate."""
    return network_model.initialise(
        replicates=replicates,
        dim=trial.scenario.input_dim,
        width=width(trial.scenario),
        generator=trial.stream("network", block),
        activation=trial.scenario.activation,
        normalised=normalised,
        dtype=trial.dtype,
    )


def along_second_layer(network: network_model.TwoLayerNetwork, gradient: Tensor) -> Tensor:
    """Return ``-f' gradient`` (R, d): the direction of the rank-one part c_act f beta'."""
    return -torch.einsum("rk,rkd->rd", network.second_layer, gradient)


def network_margin(scenario: Scenario, predicted: float, *, damped: bool = True) -> float:
    """Return the margin of a squared cosine of a network's gradient: the remainder's included."""
    return setup.tolerance(scenario, predicted, damped=damped) + REMAINDER / width(scenario)


def network_replicates(trial: Trial, *limits: float) -> int:
    """Return the replicates that comparisons of a network's gradient with these limits need.

    The second layer is random as well: its spread adds to that of the batch.
    """
    return max(
        setup.replicates_for(
            trial,
            network_margin(trial.scenario, p),
            spread=NETWORK_SPREAD,
            share=0.6 if setup.is_mild(trial.scenario) else 0.45,
        )
        for p in limits
    )


def network_verdict(
    trial: Trial, samples: Any, predicted: float, *, damped: bool = True
) -> decide.Verdict:
    """Decide a squared cosine of a network's gradient."""
    return decide.equivalence(
        samples,
        predicted=predicted,
        tolerance=network_margin(trial.scenario, predicted, damped=damped),
        alpha=trial.alpha,
        matters=WORTH_NOTICING,
    )


def measure_batch_norm(trial: Trial) -> list[Finding]:
    """SI-13: X'(y - mean y)/n, and the gradient through batch-normalised pre-activations."""
    scenario = trial.scenario
    known = setup.limits(scenario)
    c0 = setup.statistics(scenario).c0
    limit = predicted_alignment("batch_norm", c0=c0, **known)
    sgd = predicted_alignment("sgd", **known)

    def low(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        centred, plain = directions.centred_direction(batch), directions.sgd_direction(batch)
        return {
            "centred": alignment(centred, problem.teacher),
            "gain": alignment(centred, problem.teacher) - alignment(plain, problem.teacher),
        }

    def whole(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        n = setup.batch_size(scenario)
        rows = model.sample(problem, n, generator=trial.stream("rows", block))
        network = draw_network(trial, problem.replicates, block, normalised=True)
        gradient = scaled_gradient(network, rows.inputs, rows.targets, batch_norm=True)
        beta = along_second_layer(network, gradient)
        return {"network": alignment(beta, problem.teacher)}

    replicates = setup.replicates_for_limits(trial, limit)
    values = setup.replicated(trial, replicates, low)
    few = network_replicates(trial, limit)
    values |= setup.replicated(trial, few, whole, name="network teacher")
    gain = decide.equivalence(
        values["gain"],
        predicted=limit - sgd,
        tolerance=setup.tolerance(scenario, limit - sgd),
        alpha=trial.alpha,
        matters=max(limit - sgd, 2.0 * setup.finite_size(scenario)),
    )
    said = f"SGD without normalisation {sgd:.4g}"
    s = known["spectrum"]
    cap = s.moment(1) ** 2 / s.moment(2)
    return [
        Finding("centred labels", near(trial, values["centred"], limit, rival=sgd, said=said)),
        Finding("gain over SGD", gain.with_detail(said)),
        Finding("network", network_verdict(trial, values["network"], limit)),
        Finding("same cap", decide.bound(limit, cap, rounding=FORMULA_TOLERANCE)),
        Finding("not below SGD", decide.bound(sgd / limit, 1.0, rounding=FORMULA_TOLERANCE)),
    ]


def plain_facts(scenario: Scenario) -> Mapping[str, Any]:
    """Say that the network lacks the factor 1/sqrt(N)."""
    return {**setup.facts(scenario), "network_scaling": "plain"}


def measure_unnormalised(trial: Trial) -> list[Finding]:
    """SI-16: the gradient of f'act(Gx), plain and whitened with the covariance of its batch."""
    scenario = trial.scenario
    known = setup.limits(scenario)
    act = activation_statistics(scenario.activation)
    more: dict[str, Any] = {"c_act": act.c_act, "c_perp2": act.c_perp2, "act_mean": act.mean}
    dampings = {"kfac": float(scenario.damping)}
    if known["aspect"] <= RIDGELESS_BELOW:
        dampings["ridgeless"] = 0.0
    limit = {"sgd": unnormalised_alignment("sgd", **known, **more)}
    rival = {"sgd": predicted_alignment("sgd", **known)}
    for name, damping in dampings.items():
        limit[name] = unnormalised_alignment("kfac", damping=damping, **known, **more)
        rival[name] = predicted_alignment("kfac", damping=damping, **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        n = setup.batch_size(scenario)
        rows = model.sample(problem, n, generator=trial.stream("rows", block))
        network = draw_network(trial, problem.replicates, block, normalised=False)
        gradient = scaled_gradient(network, rows.inputs, rows.targets)
        # preconditioning acts on the columns, so it commutes with f'
        found = {"sgd": along_second_layer(network, gradient)}
        row = found["sgd"][:, None, :]
        for name, damping in dampings.items():
            found[name] = precondition.kfac(row, rows.inputs, damping=damping)[:, 0]
        return {name: alignment(beta, problem.teacher) for name, beta in found.items()}

    replicates = network_replicates(trial, *limit.values())
    values = setup.replicated(trial, replicates, measure)
    findings = []
    for name in limit:
        damped = name != "ridgeless"
        verdict = network_verdict(trial, values[name], limit[name], damped=damped)
        said = f"with the factor 1/sqrt(N) it would be {rival[name]:.4g}"
        findings.append(Finding(name, verdict.with_detail(said)))
    ratios = [limit[name] / rival[name] for name in limit]
    return [
        *findings,
        Finding("below the network with the factor", decide.bound(ratios, 1.0, rounding=1e-12)),
    ]


BATCH_NORM = Check(
    claim_id="SI-13",
    space=ScenarioSpace(
        axes=(*NETWORK_AXES, ACTIVATION),
        anchors=(
            setup.scenario(
                64,
                n=107,
                covariance=CovarianceSpec(64),
                link="relu",
                noise_std=0.1,
                activation="tanh",
            ),
            setup.scenario(
                60,
                n=150,
                covariance=setup.two_atom(60, 0.9, "haar"),
                link="relu",
                activation="relu",
            ),
        ),
    ),
    measure=measure_batch_norm,
    decisions=3,
    facts=setup.facts,
)

UNNORMALISED = Check(
    claim_id="SI-16",
    space=ScenarioSpace(
        axes=(*NETWORK_AXES, ACTIVATION, setup.DAMPING),
        anchors=(
            setup.scenario(56, n=187, activation="tanh", damping=0.1, noise_std=0.1),
            setup.scenario(
                60,
                n=160,
                covariance=setup.two_atom(60, 0.8, "haar"),
                activation="relu",
                damping=0.1,
            ),
        ),
    ),
    measure=measure_unnormalised,
    decisions=3,
    facts=plain_facts,
)
