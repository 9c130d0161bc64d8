"""LR-12: the noise floor of KFAC, with three kinds of head."""

import math
from dataclasses import replace

import numpy as np

from lpfl import decide
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import kfac, kfac_sequential
from lpfl.optim.method import Memory, Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.claims.linear_representation.local import schur_spectrum
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import floor as floor_setup
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals, ScenarioSpace
from theory.linear_representation import tangent_floor

# The next order in sigma^2/n is below 1 % of the floor in this space; the rest is relative.
TOLERANCE = 0.09
HALF_WIDTH = 0.055
HEAD_AVERAGE = 0.3
INDEPENDENT_STEPS = 8
LEFT_OF_START = 1e-4
SIGNS = Scenario(
    {
        "input_dim": 20,
        "rank": 4,
        "output_dim": 6,
        "covariance": CovarianceSpec(20, "geometric", 1.0, "haar", 0),
        "head_log10_cond": 0.3,
        "step_size": 1.0,
        "batch_size": 56,
        "noise_std": 0.01,
        "input_law": "gaussian",
    }
)
SIGNS_REPLICATES = 512
DECADES = (1_000, 100_000, 10_000_000, 1_000_000_000)
EXPONENT_TOLERANCE = 0.02


def independent_head(step_size: float) -> Method:
    """KFAC whose head is the least-squares head of a second batch."""

    def step(
        weights: model.Weights, memory: Memory, batches: tuple[model.Batch, model.Batch]
    ) -> tuple[model.Weights, Memory]:
        head_batch, batch = batches
        G = weights.representation
        F = model.least_squares_head(G, head_batch)
        grad_G = model.gradients(model.Weights(F, G), batch).representation
        return model.Weights(
            F, kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=step_size)
        ), memory

    return Method("kfac, independent head", step, batches=2)


def measure_floor(trial: Trial) -> list[Finding]:
    """Time averages over independent trajectories against the predicted floor."""
    scenario = trial.scenario
    eta, n, d = scenario.step_size, scenario.batch_size, scenario.input_dim
    heads = setup.head_eigenvalues(scenario)
    schurs = schur_spectrum(floor_setup.one_truth(trial, 1))
    memory = (1.0 - eta) ** 2  # autocorrelation of the squares per step
    burn_in = math.ceil(math.log(LEFT_OF_START) / math.log(memory)) if memory > 0 else 0
    num_steps = math.ceil(INDEPENDENT_STEPS / (1.0 - memory))
    # Squared relative spread of one |T|_F^2: a weighted sum of squares over a Wishart matrix.
    spread2 = 1.5 * (
        2.0 * floor_setup.share(1.0 / heads) * floor_setup.share(1.0 / schurs)
        + 2.0 / (n - d) / len(schurs)
    )
    effective = num_steps * (1.0 - memory) / (1.0 + memory)
    replicates = math.ceil(spread2 * (floor_setup.QUANTILE / HALF_WIDTH) ** 2 / effective)
    problem = floor_setup.one_truth(trial, max(64, replicates))
    predicted = tangent_floor(
        "kfac",
        step_size=eta,
        noise_std=scenario.noise_std,
        n=n,
        head_eigenvalues=heads,
        schur_eigenvalues=schurs,
    )
    rival = predicted * (n - d - 1) / n  # the population covariance in place of the batch's
    methods = {
        "same batch": kfac.kfac(step_size=eta),
        "independent batch": independent_head(eta),
        "averaged head": kfac_sequential.kfac_sequential(
            step_size=eta, head_step_size=HEAD_AVERAGE
        ),
    }
    findings = []
    for name, method in methods.items():
        squares = floor_setup.stationary_squares(
            trial,
            method,
            problem,
            name=name,
            batch_size=n,
            burn_in=burn_in,
            num_steps=num_steps,
        )
        verdict = floor_setup.decide_floor(
            trial, squares, predicted, tolerance=TOLERANCE, rival=rival, slowest=1.0 - memory
        )
        findings.append(Finding(name, verdict))
    if scenario == SIGNS:
        findings.append(signs_finding(trial, predicted))
        findings.append(decades_finding(trial))
    return findings


def signs_finding(trial: Trial, predicted: float) -> Finding:
    """With inputs of random signs the floor is lower: the factor 1/(n-d-1) is a Gaussian fact."""
    scenario = trial.scenario
    problem = replace(floor_setup.one_truth(trial, SIGNS_REPLICATES), input_law="rademacher")
    squares = floor_setup.stationary_squares(
        trial,
        kfac.kfac(step_size=scenario.step_size),
        problem,
        name="signs",
        batch_size=scenario.batch_size,
        burn_in=0,
        num_steps=INDEPENDENT_STEPS,
    )
    verdict = decide.ordering(1.0 - squares / predicted, slack=0.0, alpha=trial.alpha)
    return Finding("inputs of signs: below the Gaussian floor", verdict)


def decades_finding(trial: Trial) -> Finding:
    """The exponent of the floor in n over six decades, one slope per replicate."""
    scenario = trial.scenario
    problem = floor_setup.one_truth(trial, SIGNS_REPLICATES)
    heads, schurs = setup.head_eigenvalues(scenario), schur_spectrum(problem)
    method = kfac.kfac(step_size=scenario.step_size)
    squares = np.stack(
        [
            floor_setup.stationary_squares(
                trial,
                method,
                problem,
                name=f"{n} rows",
                batch_size=n,
                burn_in=1,
                num_steps=1,
            )
            for n in DECADES
        ]
    )
    predicted = [
        tangent_floor(
            "kfac",
            step_size=scenario.step_size,
            noise_std=scenario.noise_std,
            n=n,
            head_eigenvalues=heads,
            schur_eigenvalues=schurs,
        )
        for n in DECADES
    ]
    scale = np.log(DECADES)
    slopes = np.polyfit(scale, np.log(squares), 1)[0]
    verdict = decide.equivalence(
        slopes,
        predicted=float(np.polyfit(scale, np.log(predicted), 1)[0]),
        tolerance=EXPONENT_TOLERANCE,
        alpha=trial.alpha,
        matters=0.5,  # methods whose floor falls like the inverse square root of n
    )
    picture = {
        "title": "The floor of KFAC falls like 1/n",
        "x_label": "rows in a batch",
        "y_label": "mean |T|²",
        "x_scale": "log",
        "y_scale": "log",
        "series": [
            {"name": "predicted", "style": "line", "x": list(DECADES), "y": predicted},
            {
                "name": "measured",
                "style": "points",
                "x": list(DECADES),
                "y": squares.mean(1).tolist(),
            },
        ],
        "note": f"{SIGNS_REPLICATES} replicates, drawn from the law of the sufficient statistics",
    }
    return Finding("exponent over six decades of n", verdict, picture=picture)


FLOOR = Check(
    claim_id="LR-12",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 6, 12),
            Integers("rank", 2, 4),
            setup.OUTPUT_DIM,
            Covariances(max_log10_cond=1.0),
            Reals("head_log10_cond", 0.0, 0.5),
            Reals("step_size", 0.2, 1.5),
            Integers("batch_size", lambda v: 2 * v["input_dim"] + 6, lambda v: 4 * v["input_dim"]),
            Reals("noise_std", 0.001, 0.01, log=True),
            Choice("input_law", ("gaussian",)),
        ),
        anchors=(
            SIGNS,
            setup.paper(
                covariance=setup.paper_covariance(),
                head_log10_cond=0.5,
                step_size=0.9,
                batch_size=256,
                noise_std=0.01,
                input_law="gaussian",
            ),
        ),
    ),
    measure=measure_floor,
    decisions=5,
)
