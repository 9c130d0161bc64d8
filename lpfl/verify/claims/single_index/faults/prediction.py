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
    Fault(
        "SI-07",
        "theory.single_index.prediction:mehler_risk",
        old="lost + tail - unsure + noise",
        new="lost + noise",
        why="energy beyond the last Hermite degree forgotten",
    ),
    Fault(
        "SI-07",
        "theory.single_index.prediction:SI_07",
        old="_LOST + sigma ** 2",
        new="_LOST + sigma",
        why="noise not squared",
    ),
    Fault(
        "SI-07",
        "theory.single_index.prediction:_LOST",
        old="(j, 1, sp.oo)",
        new="(j, 2, sp.oo)",
        why="the linear harmonic lost for free",
    ),
    Fault(
        "SI-07",
        "theory.core.gauss.links:_mixture_square",
        old="-((o + u) ** 2) / 2",
        new="-((o + u) ** 2)",
        why="square of a mixture of sines",
    ),
    Fault(
        "SI-07",
        "theory.core.gauss.links:_sign_balls",
        old="zeros[k - 1]",
        new="zeros[k - 1] / 2",
        why="harmonics of the sign halved",
    ),
    Fault(
        "SI-07",
        "theory.single_index.alignment:_evaluated",
        old="weight == 'covariance'",
        new="weight != 'covariance'",
        why="the two weights exchanged in the function",
    ),
    Fault(
        "SI-07",
        "theory.core.gauss.hermite:hermite_functions",
        "math.sqrt(k) * values[k - 1]",
        "k * values[k - 1]",
        "the recursion of Hermite polynomials that are not normalised",
    ),
    Fault(
        "SI-07",
        "theory.core.gauss.hermite:link_statistics",
        "arb(noise_std) ** 2",
        "arb(noise_std)",
        "the standard deviation of the noise for its variance",
    ),
    Fault(
        "SI-07",
        "theory.core.gauss.hermite:link_statistics",
        "balls.square - a[1] ** 2 + noise",
        "balls.square - a[0] ** 2 - a[1] ** 2 + noise",
        "the mean of the labels left out of the residual",
    ),
    Fault(
        "SI-07",
        "theory.core.gauss.hermite:link_statistics",
        "(g(z) - c1 * z) ** 2",
        "(g(z) - c1) ** 2",
        "the residual of a plain function from a constant",
    ),
)
