"""Faults that the checks of SI-07 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-07",
        "lpfl.measure.alignment:alignment",
        old="direction if weight is None else times_covariance(direction, weight)",
        new="direction",
        why="length of beta in the wrong metric",
    ),
    Fault(
        "SI-07",
        "theory.single_index.gaussian_equivalent:kfac_ridgeless_alignment",
        old="phi * residual / (1 - phi)",
        new="phi * residual",
        why="noise not amplified by 1/(1 - d/n)",
    ),
    Fault(
        "SI-07",
        "theory.single_index.mehler:LOST",
        old="k",
        new="2 * k",
        why="correlation squared once too often",
    ),
)
