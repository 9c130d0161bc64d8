"""Faults that the checks of SI-10 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-10",
        "theory.single_index.features:SI_10",
        old="width * _E_a(_sh(i, a) * _sh(j, a))",
        new="width * _E_a(_sh(i, a) * _sh(j, a)) / 2",
        why="half of the neurons",
    ),
    Fault(
        "SI-10",
        "theory.single_index.features:_HARMONIC",
        old="a / sp.sqrt(1 + a ** 2)",
        new="a",
        why="spike coordinate not normalised",
    ),
    Fault(
        "SI-10",
        "lpfl.one_step:one_step",
        old="step_size * precondition(gradient, inputs)",
        new="0.5 * step_size * precondition(gradient, inputs)",
        why="half a step",
    ),
    Fault(
        "SI-10",
        "theory.single_index.features:SI_10",
        old="j * alpha_eta - (j - 1) / 2",
        new="j * alpha_eta - j / 2",
        why="every harmonic shrinks",
    ),
)
