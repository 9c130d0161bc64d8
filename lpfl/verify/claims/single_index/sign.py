"""SI-11: Adam's first step, the sign of the gradient."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, one_step, precondition
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import layer as layers
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Choice, Integers, Reals, ScenarioSpace
from theory.single_index import alignment

REPLICATES = 160
RELATIVE = 0.05
# Biases measured beforehand, times d: -2 to 5 for the alignments, -1.5 to 2 for differences.
FINITE, FINITE_DIFFERENCE = 5.0, 3.0
BEATS_SGD = 0.05  # a lead that the replicates resolve
LOWEST_SHARE = 2.0 / np.pi


def is_rotated(scenario: Mapping[str, Any]) -> bool:
    """Say whether Sigma's eigenvectors are in general position (or all directions are alike)."""
    return bool(scenario["covariance"].rotation == "haar")


def predicted(scenario: Mapping[str, Any]) -> dict[str, float]:
    """Return the limits of the three alignments."""
    act, common = layers.activation(scenario), setup.limits(scenario)
    rotated = is_rotated(scenario)
    return {
        "sgd": alignment("sgd", **common),
        "sign": alignment(
            "sign",
            **common,
            c0=setup.statistics(scenario).c0,
            c_act=act.c_act,
            act_prime_var=act.act_prime_var,
            act_second=act.act_second,
            rotated=rotated,
        ),
        "sign_beta": alignment("sign_beta", **common, rotated=rotated),
    }


def alignments(trial: Trial) -> dict[str, NDArray[np.float64]]:
    """Return the alignments of SGD, of the matrix sign and of sign(beta), same batches (R,)."""

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        X, y = layer.batch.inputs, layer.batch.targets
        batch = sampler.moments(sampler.plain_rows(layer.batch))
        gradient = one_step.scaled_gradient(layer.network, X, y)
        top = measures.top_singular(precondition.adam_first(gradient, X))
        teacher = problem.teacher
        return {
            "sgd": measures.alignment(directions.sgd_direction(batch), teacher),
            "sign": layers.top_alignment(top, "right", teacher),
            "sign_beta": measures.alignment(directions.sign_direction(batch), teacher),
        }

    entries = layers.entries(trial.scenario)
    return setup.replicated(trial, REPLICATES, measure, entries=entries)


def measure_sign(trial: Trial) -> list[Finding]:
    """The alignments, their paired distance to SGD, and where they lie between 2/pi and 1."""
    scenario = trial.scenario
    seen, expected = alignments(trial), predicted(scenario)
    d, N = scenario.input_dim, layers.width(scenario)
    findings = []
    for name, word in (("sign", "sign of the gradient"), ("sign_beta", "sign of beta")):
        picture = ratio_picture(trial) if name == "sign" else None
        # Entrywise noise moves the singular vector by O(1/N), the batch's own size by O(1/d).
        verdict = decide.equivalence(
            seen[name],
            predicted=expected[name],
            tolerance=FINITE / min(d, N) + RELATIVE * expected[name],
            alpha=trial.alpha,
            matters=expected[name],
        )
        findings.append(Finding(word, verdict, picture))
    difference = seen["sign"] - seen["sgd"]
    limit = expected["sign"] - expected["sgd"]
    verdict = decide.equivalence(
        difference,
        predicted=limit,
        tolerance=FINITE_DIFFERENCE / min(d, N) + RELATIVE * expected["sgd"],
        alpha=trial.alpha,
        matters=expected["sgd"],
    )
    findings.append(Finding("distance to SGD", verdict))
    if is_rotated(scenario):
        findings += rotated_findings(trial, seen, N)
    elif limit > BEATS_SGD:
        verdict = decide.ordering(difference, slack=0.0, alpha=trial.alpha, matters=1.0)
        findings.append(Finding("diagonal: beats SGD", verdict))
    return findings


def rotated_findings(
    trial: Trial, seen: Mapping[str, NDArray[np.float64]], width: int
) -> list[Finding]:
    """Adam never beats SGD, and never falls below 2/pi of it."""
    slack = FINITE_DIFFERENCE / min(trial.scenario.input_dim, width)
    gaps = {
        "rotated: at most SGD": seen["sgd"] - seen["sign"],
        "rotated: at least 2/pi of SGD": seen["sign"] - LOWEST_SHARE * seen["sgd"],
    }
    return [
        Finding(part, decide.ordering(gap, slack=slack, alpha=trial.alpha, matters=LOWEST_SHARE))
        for part, gap in gaps.items()
    ]


def ratio_picture(trial: Trial) -> dict[str, Any]:
    """Return the predicted ratio to SGD over the condition number, both kinds of covariance."""
    dim = trial.scenario.input_dim
    levels = np.linspace(0.0, 3.0, 25)
    series: list[dict[str, Any]] = []
    for rotation, name in (("none", "diagonal covariance"), ("haar", "rotated covariance")):
        ratios = []
        for level in levels:
            spec = CovarianceSpec(dim, "geometric", float(level), rotation)
            values = predicted({**trial.scenario, "covariance": spec})
            ratios.append(values["sign"] / values["sgd"])
        series.append({"name": name, "style": "line", "x": (10**levels).tolist(), "y": ratios})
    for name, level in (("SGD", 1.0), ("2/pi", float(LOWEST_SHARE))):
        series.append({"name": name, "style": "line", "x": [1.0, 1e3], "y": [level, level]})
    return {
        "title": "Adam's first step against SGD",
        "x_label": "condition number of the covariance",
        "y_label": "alignment over that of SGD",
        "x_scale": "log",
        "y_scale": "linear",
        "series": series,
        "note": "predictions; the findings confront them with runs",
    }


def anchor(covariance: CovarianceSpec, **fields: Any) -> Scenario:
    """Return an anchor in dimension 128 with as many neurons."""
    return layers.scenario(128, n=427, width=128, covariance=covariance, **fields)


SIGN = Check(
    claim_id="SI-11",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 80, 104),
            layers.COVARIANCE,
            layers.ASPECT,
            layers.LINK,
            layers.NOISE_STD,
            Reals("width_ratio", 0.8, 1.2),
            Choice("activation", ("tanh", "erf", "relu")),
        ),
        anchors=(
            anchor(
                CovarianceSpec(128, "geometric", 2.0, "none", 0), link="he12", activation="relu"
            ),
            anchor(setup.two_atom(128, 0.5, "haar"), link="relu", activation="relu"),
        ),
    ),
    measure=measure_sign,
    decisions=5,
    facts=layers.facts,
)
