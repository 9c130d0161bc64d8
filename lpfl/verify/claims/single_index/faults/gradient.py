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
)
