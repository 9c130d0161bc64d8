"""Faults that the checks of SI-12 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-12",
        "theory.single_index.polar:_EDGE_SQUARE",
        old="psi - 1",
        new="psi",
        why="one dimension too many in the edge",
    ),
    Fault(
        "SI-12",
        "lpfl.precondition:polar",
        old="polar_factor(gradient)",
        new="gradient / torch.linalg.matrix_norm(gradient, ord=2)[..., None, None]",
        why="normalised instead of orthogonalised",
    ),
    Fault(
        "SI-12",
        "theory.single_index.polar:_ETA_SQUARE",
        old="2 * m_edge",
        new="m_edge",
        why="another place of the edge",
    ),
    Fault(
        "SI-12",
        "lpfl.one_step:one_step",
        old="network.first_layer - step_size * precondition(gradient, inputs)",
        new="network.first_layer + step_size * precondition(gradient, inputs)",
        why="a step of ascent",
    ),
    Fault(
        "SI-12",
        "theory.single_index.polar:edge_parameter",
        old="-1 / (1 + math.sqrt(width_ratio))",
        new="-1 / (2 + math.sqrt(width_ratio))",
        why="edge parameter without a step",
    ),
    Fault(
        "SI-12",
        "theory.single_index.polar:_EDGE_SQUARE",
        "eta**2 / (1 + m_edge) ** 2",
        "eta / (1 + m_edge) ** 2",
        "the step not squared in the edge",
    ),
    Fault(
        "SI-12",
        "theory.single_index.polar:SI_12",
        "sp.Eq(image2, 1, evaluate=False)",
        "sp.Eq(image2, sp.Rational(1, 2), evaluate=False)",
        "half of the step beside the direction of SGD",
    ),
)
