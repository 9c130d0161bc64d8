"""Faults that the checks of SI-01 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-01",
        "lpfl.problems.single_index.network:first_layer_gradient",
        old="act.slope",
        new="act.value",
        why="activation in place of its slope",
    ),
    Fault(
        "SI-01",
        "lpfl.precondition:kfac",
        old="damped_solve(X.mT @ X / n, gradient.mT, damping=damping)",
        new="damped_solve(X.mT @ X, gradient.mT, damping=damping)",
        why="1/n lost in the whitening of the gradient",
    ),
    Fault(
        "SI-01",
        "theory.single_index.gradient:_REMAINDER2",
        old="phi * E(s) * LABEL_ENERGY * v_act + b1 ** 2 * c0 ** 2 * E(s ** 2)",
        new="phi * E(s) * LABEL_ENERGY * v_act - b1 ** 2 * c0 ** 2 * E(s ** 2)",
        why="sign of the mean curvature's term",
    ),
    Fault(
        "SI-01",
        "lpfl.one_step:one_step",
        old="network.first_layer - step_size * precondition(gradient, inputs)",
        new="network.first_layer + step_size * precondition(gradient, inputs)",
        why="a step of ascent",
    ),
    Fault(
        "SI-01",
        "theory.core.gauss.hermite:activation_statistics",
        old="arb(2).sqrt() * a[2]",
        new="a[2]",
        why="mean curvature of an activation without the square root of 2",
    ),
    Fault(
        "SI-01",
        "theory.core.gauss.links:_erf_balls",
        old="4 / (arb.pi() * arb(5).sqrt())",
        new="4 / (arb.pi() * arb(3).sqrt())",
        why="mean square of the slope of erf",
    ),
    Fault(
        "SI-01",
        "theory.single_index.gradient:operator_ratio_rate",
        old="float(SI_01['operator'].number(width=width, rate_constant=1.0))",
        new="float(SI_01['operator'].number(width=width, rate_constant=1.0)) ** 2",
        why="rate of the operator norm squared",
    ),
    Fault(
        "SI-01",
        "theory.single_index.gradient:_REMAINDER2",
        old="phi * E(s) * LABEL_ENERGY * v_act",
        new="phi * LABEL_ENERGY * v_act",
        why="mean eigenvalue forgotten in the remainder",
    ),
    Fault(
        "SI-01",
        "theory.single_index.gradient:_DIRECTION_NORM2",
        "phi * E(s) * LABEL_ENERGY",
        "phi * LABEL_ENERGY",
        "norm of the direction without the mean eigenvalue",
    ),
    Fault(
        "SI-01",
        "theory.single_index.gradient:_REMAINDER2",
        "b1**2 * c0**2 * E(s**2)",
        "b1**2 * c0**2 * E(s)**2",
        "the square of a mean in the remainder",
    ),
    Fault(
        "SI-01",
        "theory.single_index.gradient:gradient_remainder_ratio",
        "ratio2 ** 0.5",
        "ratio2",
        "the ratio of squares given for the ratio",
    ),
)
