"""SI-14: test and train error after the step and a ridge fit of the second layer."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import one_step
from lpfl.measure import ridge
from lpfl.measure.alignment import signed_alignment
from lpfl.problems import single_index as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import ridge_parts as inner
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding
from lpfl.verify.trial import Trial
from theory.single_index import ridge_risk
from theory.single_index.ridge import Risk

REPLICATES = 128
TEST_ROWS = 1024
HARMONICS = 16
# 4 % at the paper's sizes; at finite d the errors lie lower by 0 to 1.7 times Var(y)/d (measured).
RELATIVE, FINITE = 0.04, 3.0
PROBE_DIM = 56

Samples = Mapping[str, NDArray[np.float64]]


def ridge_rows(scenario: Mapping[str, Any]) -> int:
    """Return the number of fresh rows of the ridge fit."""
    return setup.batch_size(scenario, "ridge_aspect")


def strength(scenario: Mapping[str, Any]) -> float:
    """Return theta; ``spread`` is theta nu / sqrt(N)."""
    nu2 = layers.spike_variance(layers.predicted_direction(scenario))
    return float(scenario["spread"] * math.sqrt(layers.width(scenario) / nu2))


def prediction(scenario: Mapping[str, Any], theta: float, method: str | None = None) -> Risk:
    """Return the predicted errors of the scenario at another strength or method."""
    method = method or scenario["method"]
    return ridge_risk(
        method,
        spectrum=setup.spectrum(scenario),
        dimension=scenario["input_dim"],
        samples=setup.batch_size(scenario),
        ridge_samples=ridge_rows(scenario),
        width=layers.width(scenario),
        link=scenario["link"],
        activation=scenario["activation"],
        noise_std=scenario["noise_std"],
        spike_strength=theta,
        ridge=scenario["ridge"],
        damping=scenario["damping"] if method == "kfac" else None,
        harmonics=HARMONICS,
    )


def errors(trial: Trial, theta: float) -> Samples:
    """Return errors after the step, the test error without one, and the fitted head (R,)."""
    scenario = trial.scenario
    eta = layers.step_size(scenario, theta)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        after = one_step.one_step(
            layer.network,
            layer.batch.inputs,
            layer.batch.targets,
            step_size=eta,
            precondition=layers.preconditioner(scenario),
        )
        stream = trial.stream("rows", block)
        rows, others = (
            model.sample(problem, count, generator=stream)
            for count in (ridge_rows(scenario), TEST_ROWS)
        )
        fit, test = ridge.fit_and_test(after, rows, others, penalty=scenario.ridge)
        _, still = ridge.fit_and_test(layer.network, rows, others, penalty=scenario.ridge)
        layers.admit(trial, layer, ridge_data="same" if rows is layer.batch else "fresh")
        head = signed_alignment(fit.coefficients, layer.network.second_layer)
        return {"test": test, "train": fit.train_error, "still": still, "head": head}

    entries = max(layers.entries(scenario), TEST_ROWS * layers.width(scenario))
    return setup.replicated(trial, REPLICATES, measure, entries=entries)


def facts(scenario: Scenario) -> dict[str, Any]:
    """Add the strength, and that the fit sees fresh rows."""
    return {
        **layers.facts(scenario),
        "spike_strength": strength(scenario),
        "ridge_data": "fresh",
    }


ANCHORS = tuple(
    layers.scenario(
        128,
        n=512,
        width=width,
        link=link,
        activation=activation,
        method=method,
        damping=0.1,
        spread=0.4,
        ridge_aspect=0.25,
        ridge=penalty,
    )
    # The large penalty makes the slope of the effective error a fifth of the test error.
    for method, link, activation, width, penalty in (
        ("kfac", "tanh", "tanh", 256, 8.0),
        ("sgd", "relu", "relu", 128, 0.1),
    )
)


@check(
    "SI-14",
    (
        Integers("input_dim", 96, 112),
        layers.COVARIANCE,
        Reals("aspect", 0.2, 0.4),
        Choice("link", ("tanh", "erf")),
        Reals("noise_std", 0.1, 0.5, log=True),
        Reals("width_ratio", 0.8, 1.3),
        layers.ACTIVATION,
        layers.METHOD,
        layers.DAMPING,
        Reals("spread", 0.25, 0.55),
        Reals("ridge_aspect", 0.25, 0.4),
        Reals("ridge", 0.05, 0.5, log=True),
    ),
    anchors=ANCHORS,
    decisions=5 + inner.DEGREES - 1,  # no link has all degrees
    facts=facts,
)
def ridge_errors(trial: Trial) -> Iterator[Comparison]:
    """Test, train, the effective ridge of both, the gain over no step: on fresh rows."""
    scenario = trial.scenario
    theta = strength(scenario)
    expected, still = prediction(scenario, theta), prediction(scenario, 0.0)
    if expected.warnings:
        raise ValueError(f"scenario outside the domain: {expected.warnings}")
    seen = errors(trial, theta)
    trial.memory["seen"] = seen
    link = setup.statistics(scenario)
    untrained = link.second_moment - link.c0**2
    # The remainder of the gradient, of Frobenius ratio F (SI-01), adds (spread F)^2 to the variance
    # of a pre-activation, which the prediction neglects: that share of what is learned.
    remainder = (scenario.spread * layers.remainder_ratio(scenario)) ** 2
    finite = FINITE * untrained / scenario.input_dim
    finite += remainder * max(untrained - expected.test, 0.0)
    test = float(setup.printed(trial, "test", **expected.letters))
    train = float(setup.printed(trial, "train", **expected.letters, ridge=scenario.ridge))
    for name, value in (("test", test), ("train", train)):
        yield Near(
            part=name,
            samples=seen[name],
            predicted=value,
            tolerance=within(finite, value),
            rival=Rival("the variance of the labels", untrained),
        )
    # train = test (ridge / kappa)^2: the run's own kappa
    kappa = expected.effective_ridge
    share = expected.train / expected.test
    relative = RELATIVE + 2.0 * FINITE / scenario.input_dim
    yield compare.near(
        trial,
        "effective_ridge",
        scenario.ridge * np.sqrt(seen["test"] / seen["train"]),
        kappa,
        rivals={"the ridge itself": scenario.ridge},
        tolerance=finite_size(
            kappa * relative / (2.0 * share), "half of the margin of train over test, relative"
        ),
        label="of test over train",
    )
    gain = expected.test / still.test
    yield Near(
        part="test",
        samples=seen["test"] / seen["still"],
        predicted=gain,
        tolerance=within(finite / still.test, gain),
        rival=Rival("no gain", 1.0),
        label="over that without a step",
    )


def within(finite: float, value: float) -> Tolerance:
    """Return a margin of the finite-size term and 4 % of the prediction."""
    why = "3 Var(y)/d, and what the remainder of the gradient adds"
    return finite_size(finite, why) + judgement(RELATIVE * abs(value), "4 %, as at d = 900")


@ridge_errors.extra("head")
def fitted_head(trial: Trial) -> Iterator[Comparison]:
    """A step of descent leaves neurons whose fitted coefficients point along the old head.

    Both errors are blind to the sign of the step: a step of ascent turns every spike, and the fit
    with it.
    """
    seen = trial.memory["seen"]["head"]
    slope = setup.statistics(trial.scenario).c1 * layers.activation(trial.scenario).c_act
    yield Ordered(
        part="head",
        better=math.copysign(1.0, slope) * seen,
        worse=np.zeros_like(seen),
        slack=finite_size(0.0, "a strict order"),
        label="signed squared cosine of the fitted with the old second layer",
    )


@ridge_errors.extra("slopes")
def slopes(trial: Trial) -> Iterator[Comparison]:
    """The slopes of effective error and freedom are what both do between two penalties."""
    theta = strength(trial.scenario)
    at, low, high = (
        prediction(Scenario({**trial.scenario, "ridge": trial.scenario.ridge * x}), theta)
        for x in (1.0, 1.0 - inner.NEARBY, 1.0 + inner.NEARBY)
    )
    yield from inner.slopes(at, low, high)


@ridge_errors.extra("harmonics")
def harmonics(trial: Trial) -> Iterator[Comparison]:
    """What the learned direction knows of each harmonic of the labels."""
    yield from inner.harmonics(trial)


@ridge_errors.extra("outside the domain")
def outside(trial: Trial) -> Iterator[Comparison]:
    """Outside its domain (an even link, n2 near d^2/7) the prediction says so."""
    values = dict(trial.scenario)
    spec = setup.two_atom(PROBE_DIM, 0.5)
    values |= {"input_dim": PROBE_DIM, "covariance": spec, "link": "he12", "aspect": 7 / PROBE_DIM}
    values |= {"ridge_aspect": 7 / PROBE_DIM, "width_ratio": 5.0, "activation": "relu"}
    probe = Scenario(values)
    expected = prediction(probe, strength(probe))
    yield Same(
        part="outside the domain",
        measured=float(bool(expected.warnings)),
        predicted=1.0,
        tolerance=rounding(trial.dtype, dim=1, why="a yes or no"),
        label="an even link at n near d²/7 is warned of",
    )


@ridge_errors.picture(on=ANCHORS)
def step_picture(trial: Trial) -> dict[str, Any]:
    """Draw the predicted test error over the strength of the step, with what was seen."""
    scenario, seen = trial.scenario, trial.memory["seen"]
    theta = strength(scenario)
    grid = np.linspace(0.0, 2.0 * theta, 9)
    series: list[dict[str, Any]] = [
        {
            "name": f"{method.upper()}, predicted",
            "style": "line",
            "x": grid.tolist(),
            "y": [prediction(scenario, float(x), method).test for x in grid],
        }
        for method in layers.METHODS
    ]
    both = [seen["still"], seen["test"]]
    half = [2.0 * float(s.std(ddof=1)) / math.sqrt(s.size) for s in both]
    means = [float(s.mean()) for s in both]
    series.append(
        {
            "name": f"{scenario.method.upper()}, runs",
            "style": "points",
            "x": [0.0, theta],
            "y": means,
            "low": [m - h for m, h in zip(means, half, strict=True)],
            "high": [m + h for m, h in zip(means, half, strict=True)],
        }
    )
    return {
        "title": "Test error against the size of the step",
        "x_label": "strength of the step, eta |c| |f| |beta|",
        "y_label": "test error",
        "x_scale": "linear",
        "y_scale": "linear",
        "series": series,
        "note": "lines: the limit, from which a run of this size may differ by the "
        "tolerance; bars: two standard errors; equal strength is not equal step size",
    }
