"""Faults that the check of SI-29 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:_BEST",
        old="E(s / (s + alpha)) + s2_link / (c1 ** 2 * alpha)",
        new="s2_link / (c1 ** 2 * alpha)",
        why="the optimal test error without the noise that the fit removes",
    ),
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:_EXACT",
        old="_ENERGY / (c1 ** 2 * alpha)",
        new="s2_link / (c1 ** 2 * alpha)",
        why="noise of the labels only, for another factor than the batch's",
    ),
    Fault(
        "SI-29",
        "lpfl.problems.single_index.directions:population_direction",
        old="batch.cross_moment / covariance",
        new="batch.cross_moment / covariance.sqrt()",
        why="root of the covariance",
    ),
    Fault(
        "SI-29",
        "lpfl.problems.single_index.directions:sgd_direction",
        old="batch.cross_moment",
        new="batch.cross_moment - batch.input_mean * batch.target_mean[:, None] * 8",
        why="mean of the batch subtracted too often",
    ),
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:_BELOW",
        old="(1 + r - sp.sqrt((1 + r) ** 2 - 4 * r * (1 + _RATIO))) / 2",
        new="1 + r - sp.sqrt((1 + r) ** 2 - 4 * r * (1 + _RATIO))",
        why="twice the root below n = d",
    ),
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:samples_for_alignment",
        old="target >= sgd_cap(spectrum, weight)",
        new="target >= sgd_cap(spectrum, weight) / 2",
        why="targets above half of the cap said to be out of reach",
    ),
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:_BELOW",
        "1 + _RATIO",
        "1",
        "the root below n = d without the noise",
    ),
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:SI_29",
        "sp.Le(n_best, n_exact)",
        "sp.Ge(n_best, n_exact)",
        "the printed order of best and exact turned round",
    ),
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:SI_29",
        "sp.Le(n_exact, n_sgd)",
        "sp.Ge(n_exact, n_sgd)",
        "the printed order of exact and SGD turned round",
    ),
    Fault(
        "SI-29",
        "theory.single_index.variants.sample_size:sgd_cap",
        "spectrum.moment(k) * spectrum.moment(k + 2)",
        "spectrum.moment(k + 2)",
        "the cap of SGD without the mean of its weight",
    ),
)
