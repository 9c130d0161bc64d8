"""Faults that the checks of LR-08 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-08",
        "lpfl.optim.kfac:kfac_step",
        old="step_size * right_solve(half, damped(cov_x, damping))",
        new="step_size * right_solve(half, damped(cov_x, damping)) @ cov_x @ cov_x",
        why="multiplied by the covariance instead of divided",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.cone_numbers:cone_contraction",
        old="_FACTOR(step_size=eta, cone_defect=defect)",
        new="_FACTOR(step_size=eta, cone_defect=-defect)",
        why="a bound that is too strong",
    ),
)
