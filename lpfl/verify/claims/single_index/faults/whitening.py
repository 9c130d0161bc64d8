"""Faults that the checks of SI-06 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-06",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="batch if whitening is None else whitening",
        new="batch",
        why="the same batch used instead of the other",
    ),
    Fault(
        "SI-06",
        "lpfl.problems.single_index.directions:population_direction",
        old="batch.cross_moment / covariance",
        new="batch.cross_moment / covariance.sqrt()",
        why="root of the covariance",
    ),
    Fault(
        "SI-06",
        "theory.single_index.whitening:squared_inverse",
        old="s * w_slope",
        new="0.1 * s * w_slope",
        why="noise of the whitening batch nearly forgotten",
    ),
    Fault(
        "SI-06",
        "theory.single_index.whitening:SI_06",
        old="c1 ** 2 * E(s) - phi * ge.LABEL_ENERGY",
        new="phi * ge.LABEL_ENERGY - c1 ** 2 * E(s)",
        why="the order of same batch and exact covariance reversed",
    ),
    Fault(
        "SI-06",
        "theory.single_index.whitening:_INDEPENDENT",
        old="ge.LABEL_ENERGY",
        new="(c1**2 + ge.s2_link)",
        why="energy of the labels without the mean eigenvalue, other batch",
    ),
    Fault(
        "SI-06",
        "theory.single_index.whitening:_EXACT",
        old="ge.LABEL_ENERGY",
        new="(c1**2 + ge.s2_link)",
        why="energy of the labels without the mean eigenvalue, exact covariance",
    ),
    Fault(
        "SI-06",
        "theory.single_index.whitening:_EXACT",
        old="E(1 / s)",
        new="1 / E(s)",
        why="mean of the inverse taken for the inverse of the mean",
    ),
    Fault(
        "SI-06",
        "theory.single_index.whitening:SI_06",
        old="c1 ** 2 * E(s) - phi * ge.LABEL_ENERGY",
        new="c1 ** 2 - phi * ge.LABEL_ENERGY",
        why="mean eigenvalue forgotten in the order",
    ),
)
