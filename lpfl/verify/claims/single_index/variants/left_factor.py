"""SI-24: the first-layer gradient of a network, preconditioned from both sides."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.linalg import standard_normal
from lpfl.linalg.algebra import second_moment
from lpfl.measure.alignment import alignment, top_singular
from lpfl.one_step import scaled_gradient
from lpfl.optim.kfac import Kfac
from lpfl.optim.rule import Layer
from lpfl.problems import single_index as model
from lpfl.problems.links import activation_named
from lpfl.problems.single_index.moments import moments, plain_rows
from lpfl.problems.single_index.network import TwoLayerNetwork
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Ordered, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Axis, Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding
from lpfl.verify.trial import Trial
from theory.core.gauss.hermite import activation_statistics
from theory.core.resolvent import resolvent
from theory.single_index import left_factor_strength

REPLICATES = 200
WIDTH_RATIO = 3
DROWNED = 0.02  # damping of the drowned spike, over the large eigenvalue and times 1/sqrt(N)
CLEAR = judgement(0.2, "an overlap lost by a fifth; at this damping it falls below a half")
RELATIVE = judgement(0.04, "4 %: products of fluctuations of |f|^2 and of the label power")
AXES: tuple[Axis, ...] = (
    Integers("input_dim", 36, 44),
    setup.COVARIANCE,
    Reals("aspect", 0.25, 0.6, log=True),
    Choice("link", ("tanh", "erf", "relu", "identity", "sign")),
    setup.NOISE_STD,
    Reals("damping", 0.5, 10.0, log=True, easy="high"),
    Choice("activation", ("tanh", "erf", "relu")),
    Choice("residuals", ("model", "empirical")),
    Reals("left_share", 1.0, 4.0, log=True, easy="high"),
)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the statistics of the activation."""
    act = activation_statistics(scenario["activation"])
    return {**setup.facts(scenario), **setup.activation_facts(act)}


@check(
    "SI-24",
    AXES,
    anchors=(
        setup.scenario(
            40, n=120, damping=1.0, activation="tanh", residuals="model", left_share=1.0
        ),
        setup.scenario(
            40, n=120, damping=10.0, activation="relu", residuals="empirical", left_share=2.0
        ),
    ),
    decisions=7,
    facts=facts,
)
def left_factor(trial: Trial) -> Iterator[Comparison]:
    """One batch, one network: KFAC with a left factor at a safe and at a tiny damping."""
    known = setup.limits(trial.scenario)
    link = setup.statistics(trial.scenario)
    act = activation_statistics(trial.activation)
    damping, width = float(trial.damping), WIDTH_RATIO * int(trial.input_dim)
    power = link.second_moment if trial.residuals == "empirical" else 1.0
    top = act.c_act**2 * power
    mu = top * trial.left_share
    small = top * DROWNED / np.sqrt(width)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        drawn, stream = layers.draw_in_turn(trial, problem, block, num_neurons=width)
        rows, network = drawn.batch, drawn.network
        layers.admit(trial, drawn, damping=damping)
        trial.memory.setdefault("batch", moments(plain_rows(rows)))
        gradient = scaled_gradient(network, rows.inputs, rows.targets)
        residuals = rows.targets
        if trial.residuals == "model":
            residuals = standard_normal(*rows.targets.shape, generator=stream, dtype=trial.dtype)
        seen = Layer(second_moment(rows.inputs), second_moment(signals(network, rows, residuals)))
        f = network.second_layer
        plain = top_singular(update(gradient, seen._replace(outputs=None), damping, 0.0), count=2)
        safe = top_singular(update(gradient, seen, damping, mu), count=2)
        tiny = top_singular(update(gradient, seen, damping, small))
        if block == 0:
            trial.memory["units"] = units(trial, gradient, seen, damping, mu / width)
        return {
            "strength": safe.values[:, 0],
            "weighted strength": safe.values[:, 0] * weighted_length(safe.right[:, :, 0], problem),
            "second_ratio": plain.values[:, 1] / plain.values[:, 0],
            "visibility": safe.values[:, 1] / safe.values[:, 0],
            "right": alignment(safe.right[:, :, 0], problem.teacher),
            "left": alignment(safe.left[:, :, 0], f),
            "drowned": alignment(tiny.left[:, :, 0], f),
        }

    seen = setup.replicated(trial, REPLICATES, measure, entries=width**2)
    values = {"c_act": act.c_act, "left_factor_damping": mu, "residual_power": power}
    given = {"c_act": act.c_act, "left_damping": mu, "residual_power": power, "damping": damping}
    strength, weighted = (
        left_factor_strength(weight=weight, **given, **known)
        for weight in ("identity", "covariance")
    )
    ratio = float(seen["second_ratio"].mean())
    visible = setup.predicted(trial, "visibility", second_ratio=ratio, **values)
    error = second_order(visible, trial.input_dim)
    yield compare.near(
        trial,
        "strength",
        seen["strength"],
        strength,
        rivals={
            "no left factor": strength * (mu + top),
            "the damping alone": strength * (mu + top) / mu,
        },
        tolerance=error.times(strength, "relative"),
    )
    yield compare.near(
        trial,
        "strength",
        seen["weighted strength"],
        weighted,
        rivals={"unweighted": strength},
        tolerance=error.times(weighted, "relative"),
        label="length in the metric of Σ",
    )
    yield compare.near(
        trial,
        "visibility",
        seen["visibility"] / seen["second_ratio"] * ratio,
        visible,
        rivals={"no left factor": ratio},
        tolerance=error.times(visible, "relative"),
    )
    v = float(resolvent(known["spectrum"], aspect=known["aspect"], damping=damping).v)
    limit = setup.predicted(trial, "right", resolvent_v=v)
    yield compare.near(
        trial, "right", seen["right"], limit, rivals={"a random direction": 0.0}, tolerance=error
    )
    yield compare.fixed_point(trial, "fixed_point", trial.memory["batch"], damping)
    yield compare.near(
        trial,
        "left",
        seen["left"],
        setup.predicted(trial, "left"),
        rivals={"a drowned spike": float(seen["drowned"].mean())},
        tolerance=error,
    )
    yield Ordered(
        part="drowned",
        better=seen["left"],
        worse=seen["drowned"],
        slack=finite_size(0.0, "a strict order: the spike is lost at this damping"),
        matters=CLEAR.value,
    )
    once, scaled = trial.memory["units"]
    yield Same(
        part="units",
        measured=scaled,
        predicted=once,
        axes=2,
        tolerance=rounding(trial.dtype, dim=width, condition=1.0 + float(width) / trial.left_share),
        label="an update with E[δδᵀ] and the damping over N_h",
    )


def weighted_length(vectors: Tensor, problem: model.SingleIndexProblem) -> Tensor:
    """Return the lengths (R,) of vectors (R, d) in the metric of Sigma."""
    return (vectors * model.times_covariance(vectors, problem.covariance)).sum(-1).sqrt()


def signals(network: TwoLayerNetwork, rows: model.Sample, residuals: Tensor) -> Tensor:
    """Return sqrt(N) times the back-propagated signals (R, n, N) of these residuals."""
    slopes = activation_named(network.activation).slope(rows.inputs @ network.first_layer.mT)
    return residuals[..., None] * slopes * network.second_layer[:, None, :]


def update(gradient: Tensor, seen: Layer, damping: float, left: float) -> Tensor:
    """Return minus what KFAC adds to the first layer at step size 1."""
    rule = Kfac(step_size=1.0, damping=damping, output_damping=left)
    zero = torch.zeros_like(gradient)
    return -rule.update(zero, gradient, rule.start(zero), seen)[0]


def units(
    trial: Trial, gradient: Tensor, seen: Layer, damping: float, library: float
) -> tuple[Tensor, Tensor]:
    """Return the update with N E[dd'] and the stated damping, and that with E[dd'], over N.

    library: the damping added to E[dd'] itself.
    """
    assert seen.outputs is not None
    width = WIDTH_RATIO * int(trial.input_dim)
    stated = float(setup.printed(trial, "units", width=width, library_damping=library))
    return (
        update(gradient, seen, damping, stated),
        update(gradient, seen._replace(outputs=seen.outputs / width), damping, library) / width,
    )


def second_order(ratio: float, dim: int) -> Tolerance:
    """Return the relative error: the square of the remainder over the spike, and 2/d."""
    found = finite_size(ratio**2 + compare.MILD_TERM / dim, "the square of the remainder + 2/d")
    return found + RELATIVE
