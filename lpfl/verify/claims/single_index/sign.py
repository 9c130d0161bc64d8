"""SI-11: Adam's first step, the sign of the gradient."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import one_step, precondition
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Ordered
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.stated import stated_order
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import alignment as alignment_of

REPLICATES = 160
RELATIVE = 0.05
# Biases measured beforehand, times d: -2 to 5 for the alignments, -1.5 to 2 for differences.
FINITE, FINITE_DIFFERENCE = 5.0, 3.0
BEATS_SGD = 0.05  # a lead that the replicates resolve


def anchor(covariance: CovarianceSpec, **fields: Any) -> Scenario:
    """Return an anchor in dimension 128 with as many neurons."""
    return layers.scenario(128, n=427, width=128, covariance=covariance, **fields)


ANCHORS = (
    anchor(CovarianceSpec(128, "geometric", 2.0, "none", 0), link="he12", activation="relu"),
    anchor(setup.two_atom(128, 0.5, "haar"), link="relu", activation="relu"),
)


def position(scenario: Mapping[str, Any]) -> str:
    """Return which statement applies: eigenvectors in general position, or along the axes."""
    return "rotated" if scenario["covariance"].rotation == "haar" else "diagonal"


def runs(trial: Trial) -> dict[str, NDArray[np.float64]]:
    """Return the alignments of SGD, of the matrix sign and of sign(beta), same batches (R,)."""

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        layers.admit(trial, layer)
        X, y, teacher = layer.batch.inputs, layer.batch.targets, problem.teacher
        batch = sampler.moments(sampler.plain_rows(layer.batch))
        after = one_step.one_step(
            layer.network, X, y, step_size=1.0, precondition=precondition.adam_first
        )
        top = measures.top_singular(after.first_layer - layer.network.first_layer)
        down = layers.descends(trial.scenario, top, layer.network.second_layer, teacher)
        return {
            "sgd": compare.signed(trial, directions.sgd_direction(batch), problem),
            "sign": down * layers.top_alignment(top, "right", teacher),
            "sign_beta": compare.signed(trial, directions.sign_direction(batch), problem),
        }

    entries = layers.entries(trial.scenario)
    return setup.replicated(trial, REPLICATES, measure, entries=entries)


@check(
    "SI-11",
    (
        Integers("input_dim", 80, 104),
        layers.COVARIANCE,
        layers.ASPECT,
        layers.LINK,
        layers.NOISE_STD,
        Reals("width_ratio", 0.8, 1.2),
        Choice("activation", ("tanh", "erf", "relu")),
    ),
    anchors=ANCHORS,
    decisions=5,
    facts=layers.facts,
)
def sign_of_gradient(trial: Trial) -> Iterator[Comparison]:
    """The alignments, their paired distance to SGD, and where they lie between 2/pi and 1."""
    kind = position(trial.scenario)
    seen = trial.memory["seen"] = runs(trial)
    small = min(trial.scenario.input_dim, layers.width(trial.scenario))
    statistics = setup.activation_facts(layers.activation(trial.scenario))
    sgd = alignment_of("sgd", **setup.limits(trial.scenario))
    sign = setup.predicted(trial, kind, **statistics)
    beta = setup.predicted(trial, f"beta_{kind}")
    known = {**setup.limits(trial.scenario), "rotated": kind == "rotated"}
    whole = {**known, **statistics, "c0": setup.statistics(trial.scenario).c0}
    function = alignment_of("sign", **whole)
    yield cases.same_function(kind, function, sign)
    yield cases.same_function(f"beta_{kind}", alignment_of("sign_beta", **known), beta)
    yield cases.printed_units(trial, kind, **statistics)
    yield cases.printed_units(trial, f"beta_{kind}")
    # Entrywise noise moves the singular vector by O(1/N), the batch's own size by O(1/d).
    for part, name, limit, other in (
        (kind, "sign", sign, {"SGD": sgd, "sign of β": beta}),
        (f"beta_{kind}", "sign_beta", beta, {"SGD": sgd, "sign of the gradient": sign}),
    ):
        yield compare.near(
            trial,
            part,
            seen[name],
            limit,
            rivals=other,
            tolerance=allowed(FINITE / small, limit),
        )
    difference = seen["sign"] - seen["sgd"]
    yield compare.near(
        trial,
        kind,
        difference,
        sign - sgd,
        rivals={"no difference": 0.0, "sign of β": beta - sgd},
        tolerance=allowed(FINITE_DIFFERENCE / small, sgd),
        label="distance to SGD",
    )
    slack = finite_size(FINITE_DIFFERENCE / small, "3/d, a difference of alignments (measured)")
    if kind == "rotated":
        share = setup.predicted(trial, "at_least_share") / setup.predicted(trial, "at_most_sgd")
        for part in ("at_most_sgd", "at_least_share"):
            named = {**known, "alignment": sign}
            yield stated_order(trial, part, named.pop("spectrum"), **named)
        yield Ordered(part="at_most_sgd", better=seen["sgd"], worse=seen["sign"], slack=slack)
        yield Ordered(
            part="at_least_share", better=seen["sign"], worse=share * seen["sgd"], slack=slack
        )
    elif sign - sgd > BEATS_SGD:
        yield Ordered(
            part="diagonal",
            better=seen["sign"],
            worse=seen["sgd"],
            slack=finite_size(0.0, "the limits are further apart than any finite-size term"),
            matters=sign - sgd,
            label="beats SGD",
        )


def allowed(finite: float, scale: float) -> Tolerance:
    """Return a margin of a stated multiple of 1/d and 5 % of the scale."""
    share = judgement(RELATIVE * abs(scale), "5 % of the limit")
    return finite_size(finite, "5/d for alignments, 3/d for differences (measured)") + share


@sign_of_gradient.picture(on=ANCHORS)
def ratio_picture(trial: Trial) -> dict[str, Any]:
    """Draw the ratio to SGD over the condition number, both kinds of covariance, and the runs."""
    dim = trial.scenario.input_dim
    statistics = setup.activation_facts(layers.activation(trial.scenario))
    levels = np.linspace(0.0, 3.0, 25)
    series: list[dict[str, Any]] = []
    for kind in ("diagonal", "rotated"):
        ratios = []
        for level in levels:
            s = Spectrum(CovarianceSpec(dim, "geometric", float(level)).spectrum())
            sgd = setup.predicted(trial, "at_most_sgd", spectrum=s)
            ratios.append(setup.predicted(trial, kind, spectrum=s, **statistics) / sgd)
        name = f"{kind} covariance"
        series.append({"name": name, "style": "line", "x": (10**levels).tolist(), "y": ratios})
    for name, level in (("SGD", 1.0), ("2/pi", float(2.0 / np.pi))):
        series.append({"name": name, "style": "line", "x": [1.0, 1e3], "y": [level, level]})
    return {
        "title": "Adam's first step against SGD",
        "x_label": "condition number of the covariance",
        "y_label": "alignment over that of SGD",
        "x_scale": "log",
        "y_scale": "linear",
        "series": series + measured_ratio(trial),
        "note": "lines: predicted; points: this scenario's runs, bars: two standard errors",
    }


def measured_ratio(trial: Trial) -> list[dict[str, Any]]:
    """Return the ratio of mean alignments at the scenario's condition number, as a point.

    Nothing if the spectrum is not that of the lines.
    """
    covariance = trial.scenario.covariance
    if covariance.family != "geometric":
        return []
    sgd, sign = (trial.memory["seen"][name] for name in ("sgd", "sign"))
    ratio = float(sign.mean() / sgd.mean())
    half = 2.0 * float((sign - ratio * sgd).std(ddof=1) / sgd.mean()) / np.sqrt(sgd.size)
    return [
        {
            "name": f"{position(trial.scenario)} covariance, runs",
            "style": "points",
            "x": [covariance.condition_number()],
            "y": [ratio],
            "low": [ratio - half],
            "high": [ratio + half],
        }
    ]
