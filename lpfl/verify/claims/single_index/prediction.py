"""SI-07: how well beta.x predicts beta*.x, and the risk of the best function of beta.x."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import decide, linalg
from lpfl.measure.alignment import alignment
from lpfl.problems import single_index as model
from lpfl.problems.links import link_function
from lpfl.problems.single_index import directions
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.claims.single_index import properties
from lpfl.verify.claims.single_index.alignment import (
    RIDGELESS_BELOW,
    damping_of,
    geometric,
    near,
    predictions,
    ridgeless_applies,
)
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import ScenarioSpace
from theory import Spectrum
from theory.single_index import alignment as predicted_alignment
from theory.single_index import mehler_risk

RISK_TOLERANCE = 0.03  # of E y^2
TEST_POINTS, HEAVY_TEST_POINTS = 8192, 32768


def measure_prediction(trial: Trial) -> list[Finding]:
    """SI-07: correlation of beta.x with beta*.x, and the risk it allows."""
    scenario = trial.scenario
    limit = predictions(scenario, "covariance")
    names = ["sgd", "kfac"]
    if ridgeless_applies(scenario):
        names.append("ridgeless")

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        found = {"sgd": directions.sgd_direction(batch)}
        for name in names[1:]:
            found[name] = directions.kfac_direction(batch, damping=damping_of(scenario, name))
        values = {
            name: alignment(beta, problem.teacher, weight=problem.covariance)
            for name, beta in found.items()
        }
        return {**values, "risk": best_risk(trial, problem, values["kfac"], block)}

    replicates = setup.replicates_for_limits(trial, *(limit[name] for name in names))
    values = setup.replicated(trial, replicates, measure)
    findings = []
    for name in names:
        rival = limit["kfac"] if name == "sgd" else limit["sgd"]
        verdict = near(trial, values[name], limit[name], rival=rival, damped=name != "ridgeless")
        findings.append(Finding(name, verdict))
    findings.append(Finding("risk", risk_verdict(trial, values["kfac"], values["risk"])))
    if setup.aspect(scenario) <= RIDGELESS_BELOW:
        findings.append(Finding("free of the spectrum", spectrum_free(trial, limit["ridgeless"])))
    return [*findings, *properties.correlation_properties(trial)]


def best_risk(
    trial: Trial, problem: model.SingleIndexProblem, correlation2: Tensor, block: int
) -> Tensor:
    """Return per replicate an unbiased estimate of the risk of the best function of beta.x.

    It is E y^2 - E[E(y | beta.x)^2], and the second term is E g(z1) g(z2) for indices z1, z2 that
    are independent given beta.x: jointly normal with correlation rho_S^2.
    """
    stream = trial.stream("test points", block)
    heavy = trial.scenario.link in setup.HEAVY_TAILED
    size = (correlation2.shape[0], HEAVY_TEST_POINTS if heavy else TEST_POINTS, 2)
    first, other = torch.randn(
        size, generator=stream, dtype=trial.dtype, device=trial.device
    ).unbind(-1)
    rho2 = correlation2[:, None]
    second = rho2 * first + (1 - rho2.square()).clamp(min=0).sqrt() * other
    g = link_function(problem.link)
    lost = (g(first).square() + g(second).square()) / 2 - g(first) * g(second)
    return lost.mean(-1) + problem.noise_std**2


def risk_verdict(trial: Trial, correlation2: Any, risk: Any) -> decide.Verdict:
    """Decide that the runs' risks are Mehler's at the runs' own correlations: no bias in d."""
    link = setup.statistics(trial.scenario)
    pairs = [mehler_risk(link, covariance_alignment=min(float(r), 1.0)) for r in correlation2]
    unsure = max(radius for _, radius in pairs)
    return decide.equivalence(
        risk - np.array([value for value, _ in pairs]),
        predicted=0.0,
        tolerance=RISK_TOLERANCE * link.second_moment + unsure,
        alpha=trial.alpha,
        matters=0.1 * link.second_moment,
    )


def spectrum_free(trial: Trial, limit: float) -> decide.Verdict:
    """Decide that without damping the correlation is the same number for Sigma and for I.

    From the same white noise the runs agree to rounding, because the least-squares direction in
    white coordinates does not know Sigma; the two limits agree as well.
    """
    known = {**setup.limits(trial.scenario), "spectrum": Spectrum.isotropic()}
    flat = predicted_alignment("kfac", damping=0.0, weight="covariance", **known)
    gaps = [abs(flat - limit) / flat]
    numbers = []
    for matrix in (setup.covariance(trial), trial.tensor(np.ones(trial.scenario.input_dim))):
        problem = model.draw_problem(
            matrix,
            replicates=8,
            generator=trial.stream("teacher", 0),
            link=trial.scenario.link,
            noise_std=trial.scenario.noise_std,
        )
        batch = setup.draw_moments(trial, problem, 0)
        beta = directions.kfac_direction(batch, damping=0.0)
        numbers.append(as_numpy(alignment(beta, problem.teacher, weight=problem.covariance)))
    gaps += list(np.abs(numbers[0] - numbers[1]))
    # condition of X'X: that of Sigma times that of a white Wishart matrix, with room at finite d
    root = math.sqrt(setup.aspect(trial.scenario))
    condition = trial.scenario.covariance.condition_number() * ((1 + root) / (1 - root)) ** 2
    bound = linalg.machine_tolerance(
        trial.dtype, dim=trial.scenario.input_dim, condition=4.0 * condition
    )
    return decide.identity(gaps, tolerance=bound)


PREDICTION = Check(
    claim_id="SI-07",
    space=ScenarioSpace(
        axes=(*setup.AXES, setup.DAMPING),
        anchors=(
            setup.scenario(100, n=500, covariance=setup.two_atom(100, 0.9), damping=0.1),
            setup.scenario(120, n=360, covariance=geometric(120), link="he12", damping=0.1),
        ),
    ),
    measure=measure_prediction,
    decisions=4,
    facts=setup.facts,
)
