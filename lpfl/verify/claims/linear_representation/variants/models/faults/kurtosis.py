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
        "theory.linear_representation.variants.models.kurtosis:SPREAD_SCALED",
        old="kappa_w * (P + 2) - 1",
        new="P + 1",
        why="the square of a row of random scale as that of a Gaussian one",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:FLOOR",
        old="INVERSE",
        new="(n / (n - d - 1) + g_kurt / n)",
        why="a floor with g/n in place of g/(n - d)",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:INVERSE",
        old="g_kurt / (n - d)",
        new="g_kurt / n",
        why="g/n in place of g/(n - d)",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:_settled",
        old="rows + spread",
        new="rows",
        why="a floor of the population's covariance without the spread of the batch",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:LR_42",
        old="_settled(NU_SCALED, SPREAD_SCALED)",
        new="_settled(NU_SCALED, P + 1)",
        why="the floor of rows of random scale with the spread of Gaussian ones",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:LR_42",
        old="_settled(NU, SPREAD)",
        new="_settled(n - k, P + 1)",
        why="the Gaussian floor for independent components",
    ),
    Fault(
        "LR-42",
        "theory.linear_representation.variants.models.kurtosis:inverse_scale",
        old="Spectrum(values / values.mean())",
        new="Spectrum(values)",
        why="scales of another unit taken as they are",
    ),
)
