"""Faults that the checks of SI-12 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-12",
        "theory.single_index.polar:EDGE_SQUARE",
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
)
