"""Faults that the check of SI-26 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-26",
        "lpfl.problems.single_index.inputs:elliptical_sample",
        old="white * tau[..., None]",
        new="white",
        why="rows of equal length drawn",
    ),
    Fault(
        "SI-26",
        "theory.single_index.variants.elliptical:scale_moments",
        old="w ** 2 * tau2s * power",
        new="w * tau2s * power",
        why="weights of the rows not squared in the noise",
    ),
    Fault(
        "SI-26",
        "theory.single_index.variants.elliptical:scale_moments",
        old="float(np.mean(w * tau * cross))",
        new="float(np.mean(tau * cross))",
        why="rows not weighted in the slope",
    ),
    Fault(
        "SI-26",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
)
