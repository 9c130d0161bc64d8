"""Faults that the checks of LR-20 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-20",
        "lpfl.optim.ngd:gauss_newton_inverse",
        old="D - F @ dG",
        new="D",
        why="cross block of the Fisher matrix forgotten",
    ),
    Fault(
        "LR-20",
        "lpfl.optim.ngd:gauss_newton_inverse",
        old="right_solve(batch.cross, batch.cov_x)",
        new="right_solve(batch.cross, damped(batch.cov_x, 0.01))",
        why="damping on one term",
    ),
    Fault(
        "LR-20",
        "lpfl.optim.ngd:gauss_newton_inverse",
        old="A @ G",
        new="A.mT @ G",
        why="gauge part transposed in one layer",
    ),
)
