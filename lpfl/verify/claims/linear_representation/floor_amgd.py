"""LR-16: the noise floor of AMGD, small batches (Wishart recursion) and large ones."""

import math
from collections.abc import Mapping
from typing import Any

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import amgd
from lpfl.verify.check import Check, Finding, Trial, default_facts
from lpfl.verify.claims.linear_representation.local import schur_spectrum
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import floor as floor_setup
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals, ScenarioSpace
from theory.linear_representation import tangent_floor

# The next order in sigma^2/n is below 1 % of the floor in this space; the rest is relative.
TOLERANCE, HALF_WIDTH = 0.12, 0.11  # the spread below is an upper estimate
SHARP_TOLERANCE, SHARP_HALF_WIDTH = 0.06, 0.055
MANY_ROWS = 10**5
SMALL_BATCH = Scenario(
    {
        "input_dim": 12,
        "rank": 2,
        "output_dim": 4,
        "covariance": CovarianceSpec(12, "identity"),
        "head_log10_cond": 0.1,
        "stable_fraction": 0.75,
        "batch_size": 14,
        "noise_std": 0.001,
        "input_law": "gaussian",
    }
)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the largest eigenvalues; that of Sigma bounds that of its Schur complement."""
    values = default_facts(scenario)
    values["head_eigenvalue"] = 1.0
    values["schur_eigenvalue"] = float(scenario.covariance.spectrum()[0])
    values["step_size"] = step_size(scenario)
    return values


def step_size(scenario: Scenario) -> float:
    """Return a fraction of a step at which the mean square is stable for Gaussian batches.

    1 / (largest eigenvalue + trace / n): a bound of the kind known from least mean squares.
    """
    spectrum = scenario.covariance.spectrum()
    return float(scenario.stable_fraction / (spectrum[0] + spectrum.sum() / scenario.batch_size))


def measure_floor(trial: Trial) -> list[Finding]:
    """Time averages over independent trajectories against the recursion and its limit."""
    scenario = trial.scenario
    n, eta = scenario.batch_size, step_size(scenario)
    heads = setup.head_eigenvalues(scenario)
    schurs = schur_spectrum(floor_setup.one_truth(trial, 1))
    slowest = eta * heads[-1] * schurs[0] * (n - scenario.rank) / n
    burn_in = math.ceil(3.0 / slowest)  # the slowest direction lacks e^-6 of its variance
    num_steps = math.ceil(1.5 / slowest)
    sharp = scenario in FLOOR.space.anchors
    tolerance, half_width = (
        (SHARP_TOLERANCE, SHARP_HALF_WIDTH) if sharp else (TOLERANCE, HALF_WIDTH)
    )
    # Squared relative spread of a time average: k(d-k) nearly equal squares, 1.5 independent
    # times for the slowest of them, a Wishart share for small batches.
    terms = heads.size * schurs.size
    spread2 = 1.5 * (2.0 / terms / 1.5 + 2.0 / n / num_steps)
    replicates = max(64, math.ceil(spread2 * (floor_setup.QUANTILE / half_width) ** 2))
    problem = floor_setup.one_truth(trial, replicates)

    def floor(method: str, step: float, rows: int) -> float:
        return tangent_floor(
            method,
            step_size=step,
            noise_std=scenario.noise_std,
            n=rows,
            head_eigenvalues=heads,
            schur_eigenvalues=schurs,
        )

    findings = []
    for name, rows, method in (
        ("recursion", n, "amgd"),
        ("large batch", MANY_ROWS, "amgd_large_batch"),
    ):
        predicted = floor(method, eta, rows)
        # The nearest rivals: the large-batch form for few rows, and noise that is amplified in
        # flat directions as KFAC's is.
        rival = floor("kfac", float(eta * heads[0] * schurs[-1]), rows)
        if sharp and method == "amgd":
            rival = floor("amgd_large_batch", eta, rows)
        squares = floor_setup.stationary_squares(
            trial,
            amgd.amgd(step_size=eta),
            problem,
            name=name,
            batch_size=rows,
            burn_in=burn_in,
            num_steps=num_steps,
        )
        verdict = floor_setup.decide_floor(
            trial, squares, predicted, tolerance=tolerance, rival=rival, slowest=slowest
        )
        findings.append(Finding(name, verdict))
    return findings


FLOOR = Check(
    claim_id="LR-16",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 8, 12),
            Integers("rank", 2, 4),
            setup.OUTPUT_DIM,
            Covariances(max_log10_cond=0.6),
            Reals("head_log10_cond", 0.3, 0.4),
            Reals("stable_fraction", 0.6, 1.0),
            Integers("batch_size", lambda v: v["input_dim"] + 6, lambda v: 3 * v["input_dim"]),
            Reals("noise_std", 0.001, 0.01, log=True),
            Choice("input_law", ("gaussian",)),
        ),
        anchors=(SMALL_BATCH,),
    ),
    measure=measure_floor,
    decisions=2,
    facts=facts,
)
