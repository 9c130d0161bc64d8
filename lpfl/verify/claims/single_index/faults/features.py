"""Faults that the checks of SI-10 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-10",
        "theory.single_index.feature_spikes:spike_matrix",
        old="width * 2",
        new="width",
        why="half of the neurons",
    ),
    Fault(
        "SI-10",
        "theory.single_index.feature_spikes:HARMONIC",
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
)
