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
        "theory.single_index.prediction:SI_07",
        old="ge.isotropic(ge.ridgeless_alignment(s))",
        new="ge.isotropic(ge.ridgeless_alignment(s, residual=ge.s2_link / 8))",
        why="noise of the ridgeless direction an eighth",
    ),
    Fault(
        "SI-07",
        "theory.single_index.prediction:_LOST",
        old="rho2_cov ** j",
        new="rho2_cov ** (2 * j)",
        why="correlation squared once too often",
    ),
    Fault(
        "SI-07",
        "theory.single_index.prediction:SI_07",
        old="ge.isotropic(ge.sgd_alignment(s))",
        new="ge.isotropic(ge.sgd_alignment(ge.ONE))",
        why="the Euclidean cosine in place of the correlation",
    ),
)
