"""LR-10: one noisy KFAC step against the bounds with proved constants."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import decide, linalg
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import Check, Finding, Trial, as_numpy, default_facts
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Covariances, Reals, ScenarioSpace
from theory.core.formula import numeric
from theory.linear_representation import headline, headline_admissible, headline_bound

_ROWS = numeric(headline.ROWS_MIN)
_START = numeric(headline.POPULATION_START)
_HEAD_NOISE = numeric(headline.HEAD_NOISE)
_TAIL = numeric(headline.TAIL)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Derive rows, start and noise, each a stated multiple of what the claim admits."""
    values = default_facts(scenario)
    fail = scenario.failure_probability
    d = scenario.input_dim
    values["batch_size"] = math.ceil(
        scenario.rows_factor * float(_ROWS(input_dim=d, failure_probability=fail))
    )
    values["cov_min"] = float(scenario.covariance.spectrum()[-1])
    values["head_min_singular"] = math.sqrt(setup.head_eigenvalues(scenario)[-1])
    start = float(_START(condition_number=values["condition_number"]))
    values["angle"] = math.atan(scenario.start_fraction * start)
    noise_of_one = _HEAD_NOISE(
        noise_std=1.0,
        batch_size=values["batch_size"],
        output_dim=scenario.output_dim,
        rank=scenario.rank,
        head_min_singular=values["head_min_singular"],
        cov_batch_min=float(headline.SHRINK) * values["cov_min"],
        tail_width=_TAIL(failure_probability=fail),
    )
    values["noise_std"] = scenario.noise_fraction * float(
        float(headline.HEAD_NOISE_MAX) / noise_of_one
    )
    return values


def measure_headline(trial: Trial) -> list[Finding]:
    """Count replicates above the bound given the inputs, and above the Gaussian bound."""
    scenario = trial.scenario
    known = facts(scenario)
    fail, eta, n = scenario.failure_probability, scenario.step_size, int(known["batch_size"])
    needed = decide.bound_whp(0, 1, delta=fail, alpha=trial.alpha).samples_needed
    assert needed is not None
    problem = setup.draw_truth(
        trial, replicates=math.ceil(1.1 * needed), noise_std=known["noise_std"]
    )
    tan_angle = math.tan(known["angle"])
    G = model.tilt(problem.representation_star, tan_angle, trial.stream("start"))
    batch = sample_moments(problem, n, trial.stream("batch"))
    start = model.Weights(problem.head_star, G)
    after, _ = kfac.kfac(step_size=eta).step(start, {}, batch)
    tangents = as_numpy(
        linalg.principal_tangents(after.representation, problem.representation_star)[..., 0]
    )
    spectra = as_numpy(torch.linalg.eigvalsh(batch.cov_x))
    noise = {
        "noise_std": known["noise_std"],
        "n": n,
        "rank": scenario.rank,
        "head_min_singular": known["head_min_singular"],
        "failure_probability": fail,
    }
    applies = np.array(
        [
            headline_admissible(
                tan_angle,
                output_dim=scenario.output_dim,
                cov_batch_min=float(values[0]),
                condition_number_batch=float(values[-1] / values[0]),
                **noise,
            )
            for values in spectra
        ]
    )
    step = {"step_size": eta, "input_dim": scenario.input_dim, **noise}
    by_batch = np.array(
        [headline_bound(tan_angle, cov_batch_min=float(low), **step) for low in spectra[:, 0]]
    )
    by_law = headline_bound(tan_angle, cov_min=known["cov_min"], **step)
    return [
        finding(trial, "given the inputs", tangents[applies], by_batch[applies], fail),
        finding(trial, "Gaussian inputs", tangents, np.full(tangents.shape, by_law), 3 * fail),
    ]


def finding(
    trial: Trial,
    part: str,
    tangents: NDArray[np.float64],
    bounds: NDArray[np.float64],
    fail: float,
) -> Finding:
    """Decide the violation rate; say how near the bound the largest and the median come."""
    ratios = tangents / bounds
    verdict = decide.bound_whp(
        int((ratios > 1.0).sum()), ratios.size, delta=fail, alpha=trial.alpha
    ).with_detail(
        f"tan+ reaches {ratios.max():.3g} of the bound at most, {np.median(ratios):.3g} in median"
    )
    return Finding(part, verdict)


HEADLINE = Check(
    claim_id="LR-10",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            Covariances(max_log10_cond=4.0),
            setup.HEAD_COND,
            setup.STEP_SIZE,
            Reals("rows_factor", 1.0, 1000.0, log=True),
            Reals("start_fraction", 0.01, 0.999, easy="high"),
            Reals("noise_fraction", 0.001, 0.999, log=True),
            Reals("failure_probability", 0.02, 0.2, log=True),
            Choice("input_law", ("gaussian",)),
        ),
        anchors=tuple(
            setup.paper(
                covariance=setup.paper_covariance(),
                head_log10_cond=1.0,
                step_size=step_size,
                rows_factor=1.0,
                start_fraction=0.999,
                noise_fraction=0.5,
                failure_probability=0.1,
                input_law="gaussian",
            )
            for step_size in (0.01, 1.0)
        ),
    ),
    measure=measure_headline,
    decisions=2,
    facts=facts,
)
