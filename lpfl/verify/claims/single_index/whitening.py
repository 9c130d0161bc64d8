"""SI-06: whitening with other samples, or with the exact covariance, against the same batch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from lpfl import decide
from lpfl.measure.alignment import alignment
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.claims.single_index.alignment import near, ridgeless_applies
from lpfl.verify.claims.single_index.damping import ordered
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Reals, ScenarioSpace
from theory.single_index import (
    alignment as predicted_alignment,
)
from theory.single_index import (
    independent_batch_alignment,
    population_whitening_alignment,
)

FORMULA_TOLERANCE = 1e-12
TINY_ASPECT = 1e-7
PICTURE_ASPECTS = (0.05, 0.1, 0.2, 0.5)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the aspect of the whitening batch, after rounding its number of samples."""
    return {
        **setup.facts(scenario),
        "whitening_batch": "independent",
        "whitening_aspect": setup.aspect(scenario, "whitening_aspect"),
    }


def predictions(scenario: Scenario) -> dict[str, float]:
    """Return the limits of every way to whiten, and of SGD."""
    known = setup.limits(scenario)
    other = setup.aspect(scenario, "whitening_aspect")
    return {
        "other": independent_batch_alignment(
            whitening_aspect=other, damping=scenario.damping, **known
        ),
        "population": population_whitening_alignment(**known),
        "same": predicted_alignment("kfac", damping=scenario.damping, **known),
        "ridgeless": predicted_alignment("kfac", damping=0.0, **known),
    }


def measure_whitening(trial: Trial) -> list[Finding]:
    """Same gradient batch, three ways to whiten it."""
    scenario = trial.scenario
    limit = predictions(scenario)
    undamped = ridgeless_applies(scenario)
    pictured = PICTURE_ASPECTS if scenario == PICTURED else ()

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        other = setup.draw_moments(
            trial, problem, block, field="whitening_aspect", name="other batch"
        )
        lam = scenario.damping
        found = {
            "other": directions.kfac_direction(batch, damping=lam, whitening=other),
            "population": directions.population_direction(batch, problem.covariance),
            "same": directions.kfac_direction(batch, damping=lam),
        }
        if undamped:
            found["ridgeless"] = directions.kfac_direction(batch, damping=0.0)
        for aspect in pictured:
            rows = {"input_dim": scenario.input_dim, "aspect": aspect}
            more = setup.sampler.sample_moments(
                problem, setup.batch_size(rows), generator=trial.stream(f"at {aspect}", block)
            )
            found[f"at {aspect}"] = directions.kfac_direction(batch, damping=lam, whitening=more)
        return {name: alignment(beta, problem.teacher) for name, beta in found.items()}

    replicates = setup.replicates_for_limits(trial, limit["other"], limit["population"])
    values = setup.replicated(trial, replicates, measure)
    said = f"the same batch gives {limit['same']:.4g}"
    findings = [
        Finding(
            "independent batch",
            near(trial, values["other"], limit["other"], rival=limit["same"], said=said),
            picture=whitening_picture(scenario, values) if pictured else None,
        ),
        Finding(
            "exact covariance",
            near(trial, values["population"], limit["population"], rival=limit["ridgeless"]),
        ),
    ]
    findings += order_findings(trial, limit, values)
    return [*findings, Finding("many whitening samples", many_samples(trial, limit))]


def order_findings(trial: Trial, limit: dict[str, float], values: dict[str, Any]) -> list[Finding]:
    """Decide who wins: the same batch wherever the theory says so."""
    known = setup.limits(trial.scenario)
    label_energy = known["c1"] ** 2 * known["spectrum"].moment(1) + known["residual_var"]
    findings = []
    if "ridgeless" in values and known["aspect"] < 1:
        gap = limit["ridgeless"] - limit["population"]
        stated = known["aspect"] * label_energy < known["c1"] ** 2
        findings.append(
            Finding(
                "who wins, limit",
                decide.exact_identity((gap > 0) == stated, false_pass_bound=0.0, degree=0),
            )
        )
        better, worse = ("ridgeless", "population") if stated else ("population", "ridgeless")
        part = "same batch beats exact covariance" if stated else "exact covariance wins"
        findings.append(Finding(part, ordered(trial, values[better], values[worse], abs(gap))))
    gap = limit["same"] - limit["other"]
    if gap > 0:
        verdict = ordered(trial, values["same"], values["other"], gap)
        findings.append(Finding("same batch beats independent batch", verdict))
    return findings


def many_samples(trial: Trial, limit: dict[str, float]) -> decide.Verdict:
    """Decide that infinitely many whitening samples and no damping are the exact covariance.

    To first order in phi2 = d/n2, E s/(lam + s w) and q change by a relative phi2 (1 + s w'), and
    w' = m_{-1} phi2: with three such factors the change is below 8 phi2 (1 + m_{-1} s_max).
    """
    known = setup.limits(trial.scenario)
    value = independent_batch_alignment(whitening_aspect=TINY_ASPECT, damping=0.0, **known)
    s = known["spectrum"]
    bound = 8.0 * TINY_ASPECT * (1.0 + s.moment(-1) * float(s.eigenvalues.max()))
    gap = abs(value - limit["population"]) / limit["population"]
    return decide.bound(gap, bound, rounding=FORMULA_TOLERANCE)


def whitening_picture(scenario: Scenario, values: dict[str, Any]) -> dict[str, Any]:
    """Return the alignment against the size of the whitening batch."""
    known = setup.limits(scenario)
    limit = predictions(scenario)
    fine = np.logspace(-2, np.log10(0.9), 61)
    line = [
        independent_batch_alignment(whitening_aspect=float(x), damping=scenario.damping, **known)
        for x in fine
    ]
    runs = [values[f"at {aspect}"] for aspect in PICTURE_ASPECTS]
    mean = [float(run.mean()) for run in runs]
    half = [1.96 * float(run.std(ddof=1)) / float(np.sqrt(run.size)) for run in runs]
    own = {"x": [known["aspect"]], "style": "points"}
    return {
        "title": "Whitening with other samples loses most of the gain",
        "x_label": "d / samples of the whitening batch",
        "y_label": "squared cosine with the teacher",
        "x_scale": "log",
        "y_scale": "linear",
        "series": [
            {"name": "independent batch, limit", "style": "line", "x": fine.tolist(), "y": line},
            {
                "name": "exact covariance, limit",
                "style": "line",
                "x": fine.tolist(),
                "y": [limit["population"]] * fine.size,
            },
            {
                "name": "same batch, limit",
                "style": "line",
                "x": fine.tolist(),
                "y": [limit["same"]] * fine.size,
            },
            {
                "name": "independent batch, runs",
                "style": "points",
                "x": list(PICTURE_ASPECTS),
                "y": mean,
                "low": [m - h for m, h in zip(mean, half, strict=True)],
                "high": [m + h for m, h in zip(mean, half, strict=True)],
            },
            {"name": "same batch, runs", **own, "y": [float(values["same"].mean())]},
        ],
        "note": f"d = {scenario.input_dim}, d/n = {known['aspect']:.3g} for the gradient, damping "
        f"{scenario.damping}",
    }


PICTURED = setup.scenario(90, n=300, whitening_aspect=0.3, damping=1e-3, noise_std=0.1)

WHITENING = Check(
    claim_id="SI-06",
    space=ScenarioSpace(
        axes=(
            *setup.AXES,
            Reals("whitening_aspect", 0.1, 1.5, log=True),
            setup.DAMPING,
        ),
        anchors=(
            PICTURED,
            setup.scenario(
                100,
                n=250,
                covariance=setup.two_atom(100, 0.8, "haar"),
                whitening_aspect=0.1,
                damping=0.05,
            ),
        ),
    ),
    measure=measure_whitening,
    decisions=4,
    facts=facts,
)
