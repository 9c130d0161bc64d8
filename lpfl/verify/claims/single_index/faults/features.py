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
    Fault(
        "SI-10",
        "theory.single_index.features:_CUT",
        old="10.0",
        new="2.5",
        why="Gaussian of the spike coordinate cut at 2.5 standard deviations",
    ),
    Fault(
        "SI-10",
        "theory.single_index.features:spike_matrix",
        old="(degrees[:, None] + degrees) % 2 == 0",
        new="degrees[:, None] == degrees",
        why="harmonics of different degree taken as independent",
    ),
    Fault(
        "SI-10",
        "theory.single_index.features:spike_count",
        old="1 / (1 - 2 * exact)",
        new="1 / (1 - exact)",
        why="threshold of a harmonic at twice the exponent",
    ),
    Fault(
        "SI-10",
        "theory.single_index.features:_half_gaussian",
        old="scale * math.sqrt(2 * math.pi)",
        new="scale * math.sqrt(math.pi)",
        why="density of the spike coordinate",
    ),
    Fault(
        "SI-10",
        "theory.single_index.features:_ACT_COEFFICIENT",
        old="sp.sqrt(1 + a ** 2)",
        new="1 + a ** 2",
        why="activation read at the square of its scale",
    ),
)
