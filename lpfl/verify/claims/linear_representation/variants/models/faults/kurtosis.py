"""Faults that the check of LR-42 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-42",
        "lpfl.problems.linear_representation.input_laws:EXCESS_KURTOSIS",
        old="3.0",
        new="6.0",
        why="the raw kurtosis in place of the excess",
    ),
    Fault(
        "LR-42",
        "lpfl.problems.linear_representation.input_laws:scaled_rows",
        old="values[drawn].sqrt()",
        new="values[drawn]",
        why="rows times the squared scale",
    ),
    Fault(
        "LR-42",
        "lpfl.problems.linear_representation.input_laws:scaled_rows",
        old="(*shape[:-1], 1)",
        new="shape",
        why="a scale for every component in place of one for the row",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:INVERSE",
        old="g_kurt / (n - d)",
        new="2 * g_kurt / (n - d)",
        why="the kurtosis counted twice",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:NU",
        old="1 - c_pp",
        new="c_pp",
        why="the share of the complement where that of the subspace belongs",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:TWO_SCALES",
        old="spread_w**2",
        new="spread_w",
        why="the spread of the scales in place of its square",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:NU_SCALED",
        old="k * kappa_w",
        new="k * (2 - kappa_w)",
        why="rows of random scale that cost a batch no more than Gaussian ones",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:LR_42",
        old="kappa_w * (P + 2) - 1",
        new="P + 1",
        why="the square of a row of random scale as that of a Gaussian one",
    ),
)
