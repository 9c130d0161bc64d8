"""Faults that the checks of SI-09 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-09",
        "theory.single_index.outliers:LEFT_OVERLAP2",
        old="theta ** 2 + psi",
        new="theta ** 2 + 1",
        why="overlap of the other side",
    ),
    Fault(
        "SI-09",
        "lpfl.one_step:one_step",
        old="step_size * precondition(gradient, inputs)",
        new="0.5 * step_size * precondition(gradient, inputs)",
        why="half a step",
    ),
    Fault(
        "SI-09",
        "lpfl.problems.single_index.network:initialise",
        old="sqrt(dim)",
        new="sqrt(width)",
        why="first layer scaled by the width",
    ),
)
