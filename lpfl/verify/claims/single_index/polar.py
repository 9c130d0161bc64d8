"""SI-12: the polar factor of the gradient (Muon, undamped Shampoo) leaves no spike."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from scipy import optimize
from torch import Tensor

from lpfl import one_step, precondition
from lpfl.measure import alignment as measures
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival, Same
from lpfl.verify.setups import sizes
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, truncation
from lpfl.verify.trial import Trial
from theory.single_index.direction import direction
from theory.single_index.polar import edge_parameter, polar_edge

REPLICATES = 64
OVERLAP_SCALE = 8.0  # over d; 0.2 to 2.2 over d was measured
# An edge shifts and fluctuates by d^(-2/3) of the random part's norm; shifts of 0.7 % at d = 400
# were measured beforehand, 1.2 in these units.
EDGE_SCALE = 1.5
MINIMUM = truncation(1e-5, "a flat minimum fixes its place to 1e-8, the root of the rounding")
KEEP, LOSE = 0.3, 1e-3  # damping over s1: within and below the bulk of the gradient
LONG_STEP = 4.0
ANCHORS = (
    layers.scenario(128, n=384, width=192, step_size=2.0),
    layers.scenario(96, n=288, width=96, step_size=10.0, link="relu"),
)
LARGE = layers.scenario(112, n=336, width=112, step_size=2.0)


@check(
    "SI-12",
    (
        Integers("input_dim", 72, 96),
        layers.COVARIANCE,
        Reals("aspect", 0.25, 0.6),
        Choice("link", ("tanh", "erf")),  # c0 = 0: no coupling of G0 and the gradient
        layers.NOISE_STD,
        Reals("width_ratio", 1.0, 1.6),
        layers.ACTIVATION,
        Reals("step_size", 1.0, 4.0),
    ),
    anchors=ANCHORS,
    large=(LARGE,),
    decisions=5 + sizes.DECISIONS,
    facts=layers.facts,
)
def polar_factor(trial: Trial) -> Iterator[Comparison]:
    """Edge and top overlap of G+, the direction O'f, and Shampoo at two dampings."""
    scenario = trial.scenario
    eta = scenario.step_size
    # The gradient's spike: |c_act| |f| |beta|, the strength of a step of size 1.
    size = math.sqrt(direction("sgd", **setup.limits(scenario)).energy("identity"))
    s1 = abs(layers.activation(scenario).c_act) * size

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        layer = layers.draw(trial, problem, block)
        layers.admit(trial, layer, step_size=eta)
        network, X, y = layer.network, layer.batch.inputs, layer.batch.targets
        step = partial(one_step.one_step, network, X, y)
        after = step(step_size=eta, precondition=precondition.polar)
        top = measures.top_singular(after.first_layer)
        moved = (after.first_layer - network.first_layer) / eta
        along = torch.einsum("rnd,rn->rd", moved, network.second_layer)
        along = along * math.copysign(1.0, layers.activation(scenario).c_act)
        beta = directions.sgd_direction(sampler.moments(sampler.plain_rows(layer.batch)))
        found = {
            "edge": top.values[:, 0],
            "teacher": layers.top_alignment(top, "right", problem.teacher),
            "image": measures.signed_alignment(along, beta),
            "along": compare.signed(trial, along, problem),
            "length": torch.linalg.matrix_norm(moved, ord=2),
        }
        for name, level in (("kept", KEEP), ("lost", LOSE)):
            shampoo = partial(precondition.shampoo_first, damping=(level * s1) ** 2)
            damped = step(step_size=LONG_STEP, precondition=shampoo)
            top = measures.top_singular(damped.first_layer)
            down = layers.descends(scenario, top, network.second_layer, problem.teacher)
            found[name] = down * layers.top_alignment(top, "right", problem.teacher)
        return found

    seen = setup.replicated(trial, REPLICATES, measure, entries=layers.entries(scenario))
    trial.memory["seen"] = seen
    yield from edge(trial, seen)
    d = scenario.input_dim
    rho2 = setup.predicted(trial, "image_alignment")
    yield Near(
        part="teacher",
        samples=seen["teacher"],
        predicted=float(setup.printed(trial, "teacher")),
        tolerance=finite_size(OVERLAP_SCALE / d, "8/d; 0.2/d to 2.2/d was measured"),
        rival=Rival("SGD's spike", rho2),
    )
    turned = direction_tolerance(trial)
    yield Near(
        part="head_image",
        samples=seen["image"],
        predicted=float(setup.printed(trial, "head_image")),
        tolerance=turned,
        rival=Rival("a direction of ascent", -1.0),
    )
    infinite = setup.spectrum(scenario)
    yield compare.near(
        trial,
        "image_alignment",
        seen["along"],
        rho2,
        rivals={"the teacher": 1.0, "infinite data": 1.0 / infinite.moment(2)},
        tolerance=turned + compare.margin(scenario, rho2),
    )


def edge(trial: Trial, seen: dict[str, np.ndarray]) -> Iterator[Comparison]:
    """The largest singular value is the edge; the parameter solves the printed equation."""
    scenario = trial.scenario
    eta, psi = scenario.step_size, layers.width_ratio(scenario)
    m = edge_parameter(step_size=eta, width_ratio=psi)
    square = setup.printed(trial, "edge", edge_parameter=m, width_ratio=psi, step_size=eta)
    predicted = math.sqrt(square)
    function = polar_edge(step_size=eta, width_ratio=psi)
    yield cases.same_function("edge", function, predicted)
    still = polar_edge(step_size=0.0, width_ratio=psi)
    yield cases.same_function("edge", still, 1.0 + math.sqrt(psi), label="the function, no step")
    yield cases.printed_units(trial, "image_alignment")
    scale = (1.0 + math.sqrt(psi)) * scenario.input_dim ** (-2 / 3)
    yield Near(
        part="edge",
        samples=seen["edge"],
        predicted=predicted,
        tolerance=finite_size(EDGE_SCALE * scale, "1.5 of the scale d^(-2/3) of an edge"),
        rival=Rival("both edges added", eta + 1.0 + math.sqrt(psi)),
    )

    def square_at(x: float) -> float:
        known = {"edge_parameter": x, "width_ratio": psi, "step_size": eta}
        return float(setup.printed(trial, "edge", **known))

    lowest = optimize.minimize_scalar(
        square_at, bounds=(-1.0, 0.0), method="bounded", options={"xatol": 1e-12}
    ).x
    yield Same(
        part="stationary",
        measured=eta**2 * seen["length"] ** 2,
        predicted=setup.printed(trial, "stationary", edge_parameter=lowest, width_ratio=psi),
        tolerance=MINIMUM,
        label="square of the step's norm, at the lowest point of the edge formula",
    )


polar_factor.extra("decay", on=(LARGE,))(
    sizes.follow(polar_factor, sizes.Law("edge", exponent=-2 / 3, bias=-2 / 3), effort=4)
)


@polar_factor.extra("damped Shampoo")
def damped_shampoo(trial: Trial) -> Iterator[Comparison]:
    """Shampoo keeps the spike at a damping within the gradient's bulk, and loses it below."""
    rho2 = setup.predicted(trial, "image_alignment")
    seen = trial.memory["seen"]
    yield Ordered(
        part="damped Shampoo",
        better=seen["kept"],
        worse=seen["lost"] + rho2 / 2,
        slack=finite_size(0.0, "half of SGD's alignment is part of the worse side"),
        matters=rho2,
        label="alignment at damping (0.3 s1)², more than half of SGD's above that at (0.001 s1)²",
    )


def direction_tolerance(trial: Trial) -> Tolerance:
    """Return the margin of the direction of O'f: a remainder of Frobenius ratio F (SI-01), cut to
    the operator norm, turns it by an angle of square O((1 + F^2) / min(d, N))."""
    ratio = layers.remainder_ratio(trial.scenario)
    value = (3.0 + 10.0 * ratio**2) / trial.scenario.input_dim
    return finite_size(value, "(3 + 10 F²)/d, F the remainder's Frobenius ratio")
