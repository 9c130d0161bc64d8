"""Faults that the checks of SI-21, SI-22 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-21",
        "theory.single_index.variants.exponent:_BATCH",
        old="phi * s2_link * h_3",
        new="phi * (c1 ** 2 + s2_link) * h_3",
        why="the label energy of the exact covariance for the same batch",
    ),
    Fault(
        "SI-21",
        "theory.single_index.variants.one_point:spectral_means",
        old="aspect * (np.square(inverse) @ (p * s * s))",
        new="aspect * (np.square(inverse) @ (p * s))",
        why="a power missing in the derivative of the map",
    ),
    Fault(
        "SI-21",
        "theory.single_index.variants.exponent:SI_21",
        old="sp.sign(_BATCH - ge.isotropic(ge.ridgeless_alignment(ge.ONE)))",
        new="sp.sign(ge.isotropic(ge.ridgeless_alignment(ge.ONE)) - _BATCH)",
        why="the order of the exponents 1/2 and 1 reversed",
    ),
    Fault(
        "SI-21",
        "lpfl.problems.single_index.directions:power_directions",
        old="safe.pow(-p)",
        new="safe.pow(-p / 2)",
        why="half of the exponent",
    ),
    Fault(
        "SI-22",
        "theory.single_index.variants.exponent:_exact",
        old="phi * ge.LABEL_ENERGY * E(T * s * _f ** 2)",
        new="phi * s2_link * E(T * s * _f ** 2)",
        why="the signal's share of the noise forgotten",
    ),
    Fault(
        "SI-22",
        "theory.single_index.variants.exponent:SI_22",
        old="E(sp.log(s) / s) - E(sp.log(s)) * E(1 / s)",
        new="E(sp.log(s)) * E(1 / s) - E(sp.log(s) / s)",
        why="an exponent above 1",
    ),
    Fault(
        "SI-22",
        "theory.single_index.variants.exponent:_SAME_RATIO",
        old="s_B * f_B - s_A * f_A",
        new="s_B * f_A - s_A * f_B",
        why="the two eigenvalues exchanged",
    ),
    Fault(
        "SI-22",
        "lpfl.problems.single_index.directions:power_directions",
        old="(factor + damping).pow(-p)",
        new="(factor + damping).pow(-2 * p)",
        why="the exponent doubled",
    ),
    Fault(
        "SI-22",
        "theory.single_index.variants.exponent:exponent_alignment",
        old="c1 * scale**0.5",
        new="c1",
        why="slope not in units of the mean eigenvalue",
    ),
    Fault(
        "SI-21",
        "theory.single_index.variants.one_point:spectral_means",
        old="inverse @ (p * s)",
        new="inverse @ s / s.size",
        why="means on a contour without the weights",
    ),
    Fault(
        "SI-21",
        "theory.single_index.variants.one_point:spectral_means",
        old="np.square(inverse) @ (p * s * s)",
        new="np.square(inverse) @ (p * s)",
        why="slope of the contour",
    ),
    Fault(
        "SI-22",
        "theory.single_index.variants.exponent:_exact",
        old="phi * ge.LABEL_ENERGY",
        new="phi * s2_link",
        why="noise of the exact power without the signal",
    ),
    Fault(
        "SI-21",
        "theory.single_index.variants.one_point:spectral_means",
        "inverse @ (p * T)",
        "inverse @ p",
        "the weight left out of the means",
    ),
    Fault(
        "SI-21",
        "theory.single_index.variants.one_point:_contour",
        "np.arange(count) + 0.5",
        "np.arange(count)",
        "nodes of the contour shifted by half a step",
    ),
)
