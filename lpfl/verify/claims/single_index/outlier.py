"""SI-09: the outlier of the new weights: the pure spiked matrix, and a real step."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import functions as known_cases
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.single_index import spiked
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial, as_numpy
from theory.single_index import alignment as alignment_of
from theory.single_index import critical_step_size
from theory.single_index import outlier as spike_outlier

REPLICATES_PURE, REPLICATES_STEP = 240, 80
BELOW = 0.5  # of the threshold
# The largest singular value stays below the edge by 1.2 (Tracy-Widom mean) of its scale.
EDGE_TERM, EDGE_RIVAL = 1.5, 3.0
BELOW_TERM = 8.0  # over d; 1.7 to 2.7 over d was measured
# The threshold is measured where it can be told from others: N = 4 d, slightly above it.
WIDE_DIM, WIDE_RATIO, NEAR = 160, 4, 1.3
STEP_TERM = judgement(0.15, "a quarter of the 60 % by which |c_s| and its square differ")
THRESHOLD_TERM = judgement(0.05, "an eighth of the distance to the square root of N/d")


def strength(scenario: Mapping[str, Any]) -> float:
    """Return the planned theta: ``over_threshold`` times (N/d)^(1/4)."""
    return float(scenario["over_threshold"] * layers.width_ratio(scenario) ** 0.25)


def facts(scenario: Scenario) -> dict[str, Any]:
    """Add the strength."""
    return {**layers.facts(scenario), "spike_strength": strength(scenario)}


ANCHORS = tuple(
    layers.scenario(128, n=384, width=width, method=method, damping=0.1, over_threshold=over)
    for width, method, over in ((128, "sgd", 2.5), (192, "kfac", 2.0))
)


@check(
    "SI-09",
    (
        Integers("input_dim", 96, 128),
        layers.COVARIANCE,
        layers.ASPECT,
        layers.LINK,
        layers.NOISE_STD,
        layers.WIDTH_RATIO,
        layers.ACTIVATION,
        layers.METHOD,
        layers.DAMPING,
        # Nearer to the threshold the outlier is too close to the edge for these replicates.
        Reals("over_threshold", 2.0, 3.0, easy="high"),
    ),
    anchors=ANCHORS,
    decisions=11,
    facts=facts,
)
def outlier(trial: Trial) -> Iterator[Comparison]:
    """One step of SGD or KFAC, then the pure model above and below the threshold."""
    yield from real_step(trial)
    yield from pure_model(trial)
    yield from functions(trial)


def functions(trial: Trial) -> Iterator[Comparison]:
    """The functions above, at and below the threshold give the numbers of the statement."""
    psi, theta = layers.width_ratio(trial.scenario), strength(trial.scenario)
    known = {"spike_strength": theta, "width_ratio": psi}
    threshold = float(setup.printed(trial, "threshold", width_ratio=psi))
    for name, field in (
        ("singular_value", "singular_value"),
        ("left", "left_overlap2"),
        ("right", "right_overlap2"),
        ("threshold", "threshold"),
    ):
        found = getattr(spike_outlier(strength=theta, width_ratio=psi), field)
        yield cases.same_function(name, found, setup.printed(trial, name, **known))
    edge = float(setup.printed(trial, "edge", width_ratio=psi))
    for share, label in ((0.97, "just below the threshold"), (BELOW, "at half of the threshold")):
        under = spike_outlier(strength=share * threshold, width_ratio=psi)
        found = np.array([under.singular_value, under.left_overlap2, under.right_overlap2])
        stated = np.array([edge, 0.0, 0.0])
        yield Same(
            part="edge",
            measured=found,
            predicted=stated,
            scale=edge,
            tolerance=compare.FORMULA,
            label=label,
        )
    method = trial.scenario.method
    for damping in (None,) if method == "sgd" else (0.0, trial.scenario.damping):
        yield known_cases.direction_cases(trial, "critical_step", method, damping)
    act = layers.activation(trial.scenario)
    sizes = {"direction_norm": theta, "width_ratio": psi}
    for slope in (act.c_act, -act.c_act):
        yield cases.same_function(
            "critical_step",
            critical_step_size(c_act=slope, **sizes),
            setup.printed(trial, "critical_step", c_act=act.c_act, **sizes),
            label=f"the function at slope {slope:.3g}",
        )


def real_step(trial: Trial) -> Iterator[Comparison]:
    """Take the step whose strength theory says, and compare at each replicate's own strength."""
    scenario = trial.scenario
    act, psi = layers.activation(scenario), layers.width_ratio(scenario)
    size = math.sqrt(layers.predicted_direction(scenario).energy("identity"))
    critical = float(
        setup.printed(trial, "critical_step", c_act=act.c_act, direction_norm=size, width_ratio=psi)
    )
    eta = scenario.over_threshold * critical

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        beta = layers.learned_direction(scenario, layer.batch)
        after = layers.stepped(scenario, layer, eta)
        head = layer.network.second_layer
        theta = layers.spike_strength(scenario, layer, beta, eta)
        layers.admit(trial, layer, spike_strength=layers.mean_strength(theta))
        top = measures.top_singular(after.first_layer)
        trial.memory.setdefault("layer", after.first_layer[0])
        down = layers.descends(scenario, top, head, problem.teacher)
        moved = after.first_layer - layer.network.first_layer
        spike = torch.einsum("rn,rnd,rd->r", head, moved, beta)
        norms = torch.linalg.vector_norm(head, dim=-1) * torch.linalg.vector_norm(beta, dim=-1)
        return {
            **spiked.numbers(scenario, top, head, beta),
            "strength": theta,
            "seen strength": math.copysign(1.0, act.c_act) * spike / norms,
            "teacher": down * layers.top_alignment(top, "right", problem.teacher),
            "beta": measures.alignment(beta, problem.teacher),
        }

    entries = layers.entries(scenario)
    seen = setup.replicated(trial, REPLICATES_STEP, measure, entries=entries)
    trial.memory["strength"] = float(seen["strength"][0])
    allowed = step_margins(trial, eta)
    yield from spiked.compared(trial, seen, seen["strength"], psi, allowed, "step")
    damping = layers.method_damping(scenario)
    rho2 = alignment_of(scenario["method"], **setup.limits(scenario), damping=damping)
    own = np.array(
        [
            setup.printed(trial, "teacher", spike_strength=x, width_ratio=psi, alignment=rho2)
            for x in seen["strength"]
        ]
    )
    # rho^2 of the same batch stands for its limit (SI-02, SI-03), which leaves the overlap alone.
    yield Near(
        part="teacher",
        samples=seen["teacher"] + own * (1.0 - seen["beta"] / rho2) - own + own.mean(),
        predicted=float(own.mean()),
        tolerance=allowed["right"] + finite_size(2.0 / scenario.input_dim, "2/d of rho²"),
        rival=spiked.NO_OVERLAP,
    )
    yield critical_step(trial, seen["seen strength"], eta, critical)


def critical_step(trial: Trial, strengths: Any, eta: float, critical: float) -> Near:
    """Compare the step at which the measured strength reaches the threshold with the printed one.

    The strength f'(G+ - G0)beta/(|f||beta|) grows in proportion to the step.
    """
    scenario = trial.scenario
    psi = layers.width_ratio(scenario)
    threshold = float(setup.printed(trial, "threshold", width_ratio=psi))
    act, N, d = layers.activation(scenario), layers.width(scenario), scenario.input_dim
    # |beta| is off by O(1/d), relative, and by its square in the inverse; f^2 weighs the remainder.
    ratio = layers.remainder_ratio(scenario)
    relative = spiked.PURE_DOUBT / d + 3.0 * ratio**2 / N
    samples = eta * threshold / np.asarray(strengths)
    return Near(
        part="critical_step",
        samples=samples,
        predicted=critical,
        tolerance=finite_size(relative * critical, "6/d of |β| and 3F²/N of the remainder")
        + judgement(STEP_TERM.value * critical, STEP_TERM.why),
        rival=Rival("the square of the slope", critical / abs(act.c_act)),
    )


def step_margins(trial: Trial, eta: float) -> dict[str, Tolerance]:
    """Return the margins of a real step.

    eta c_act^2/sqrt(N): the residual y - f0(x) shrinks G0's component along f by this share.
    3 theta^2 F^2/N: the remainder of Frobenius ratio F (SI-01) has rows proportional to f_j, hence
    adds noise sum_j f_j^4 = 3/N along f. The rest as in the pure model.
    """
    scenario = trial.scenario
    act, N = layers.activation(scenario), layers.width(scenario)
    theta, psi = strength(scenario), layers.width_ratio(scenario)
    noise = 3.0 * (theta * layers.remainder_ratio(scenario)) ** 2 / N
    doubt = noise + spiked.PURE_DOUBT / min(scenario["input_dim"], N)
    return spiked.margins(trial, theta, psi, doubt, shrunk=eta * act.c_act**2 / math.sqrt(N))


def pure_model(trial: Trial) -> Iterator[Comparison]:
    """G0 + theta u v' above the threshold and at half of it."""
    scenario = trial.scenario
    d, N = scenario.input_dim, layers.width(scenario)
    psi, theta = layers.width_ratio(scenario), strength(scenario)
    below = BELOW * float(setup.printed(trial, "threshold", width_ratio=psi))
    above, under = spiked.pure(trial, d, N, (theta, below), replicates=REPLICATES_PURE, name="pure")
    allowed = spiked.margins(trial, theta, psi, spiked.PURE_DOUBT / min(d, N))
    top, f, v = above
    # the pure spike has no activation: it points along +u v'
    seen = {name: as_numpy(x) for name, x in spiked.numbers(scenario, top, f, v).items()}
    strengths = np.full(len(v), theta)
    yield from spiked.compared(trial, seen, strengths, psi, allowed, "pure")
    top, f, v = under
    edge = float(setup.printed(trial, "edge", width_ratio=psi))
    scale = spiked.edge_scale(edge, psi, d)
    yield Near(
        part="edge",
        samples=as_numpy(top.values[:, 0]),
        predicted=edge,
        tolerance=finite_size(EDGE_TERM * scale, "1.5 of the scale d^(-2/3) of an edge"),
        rival=Rival("an outlier three scales out", edge + EDGE_RIVAL * scale),
        label="half of the threshold",
    )
    yield Near(
        part="threshold",
        samples=as_numpy(layers.top_alignment(top, "right", v)),
        predicted=0.0,
        tolerance=finite_size(BELOW_TERM / d, "8/d; 1.7/d to 2.7/d was measured"),
        rival=Rival("the overlap at three times the threshold", 0.3),
        label="overlap at half of it",
    )


@outlier.extra("threshold", on=ANCHORS)
def measured_threshold(trial: Trial) -> Iterator[Comparison]:
    """Find the threshold from the overlaps slightly above it, for four times as many neurons.

    The printed overlap is linear in psi and vanishes at the threshold: its psi is the fourth power
    of the threshold that the measured overlap implies.
    """
    width = WIDE_RATIO * WIDE_DIM
    psi = float(WIDE_RATIO)
    threshold = float(setup.printed(trial, "threshold", width_ratio=psi))
    theta = NEAR * threshold
    ((top, _, v),) = spiked.pure(
        trial, WIDE_DIM, width, (theta,), replicates=REPLICATES_PURE, name="wide"
    )
    overlap = as_numpy(layers.top_alignment(top, "right", v))
    at = [float(spiked.predictions(trial, np.array([theta]), x)["right"][0]) for x in (1.0, 2.0)]
    implied = 1.0 + (overlap - at[0]) / (at[1] - at[0])
    mean = float(implied.mean())
    # a negative psi has no fourth root: overlaps larger than any threshold allows
    root = math.copysign(abs(mean) ** 0.25, mean)
    samples = root + (implied - mean) / (4.0 * abs(mean) ** 0.75)
    doubt = finite_size(spiked.PURE_DOUBT / WIDE_DIM * threshold, "6/d of the strength, as above")
    yield Near(
        part="threshold",
        samples=samples,
        predicted=threshold,
        tolerance=doubt + judgement(THRESHOLD_TERM.value * threshold, THRESHOLD_TERM.why),
        rival=Rival("the square root of N/d", math.sqrt(psi)),
        label="where the overlap vanishes",
    )


@outlier.picture(on=ANCHORS)
def histogram(trial: Trial) -> dict[str, Any]:
    """Draw the singular values of one new first layer with the predicted edge and outlier."""
    psi, theta = layers.width_ratio(trial.scenario), trial.memory["strength"]
    values = as_numpy(measures.singular_values(trial.memory["layer"]))
    found: dict[str, Any] = spiked.histogram(
        values,
        psi,
        float(setup.printed(trial, "edge", width_ratio=psi)),
        float(setup.printed(trial, "singular_value", spike_strength=theta, width_ratio=psi)),
        theta,
    )
    return found
