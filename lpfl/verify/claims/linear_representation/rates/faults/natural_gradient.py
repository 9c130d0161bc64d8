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
    Fault(
        "LR-20",
        "theory.linear_representation.rates.natural_gradient:LR_20",
        old="k * (m + d - k)",
        new="k * (m + d)",
        why="the gauge counted among the moving directions",
    ),
    Fault(
        "LR-20",
        "theory.linear_representation.rates.natural_gradient:LR_20",
        old="eta * F_plus * N * Sigma_hat.inv() * P_perp",
        new="eta * F_plus * N * P_perp",
        why="noise that is not whitened",
    ),
    Fault(
        "LR-20",
        "lpfl.optim.ngd:Ngd.step",
        old="W - self.step_size * delta",
        new="W - 0.99 * self.step_size * delta",
        why="a step 1 % too short",
    ),
    Fault(
        "LR-20",
        "theory.linear_representation.rates.natural_gradient:natural_gradient_spectrum",
        old="number('step_size', step_size, low=0.0)",
        new="number('step_size', step_size, low=0.0) / 2",
        why="half the step in the function",
    ),
    Fault(
        "LR-20",
        "theory.linear_representation.rates.natural_gradient:LR_20",
        old="k * (m + d - k)",
        new="k * (m + d)",
        why="count with the gauge",
    ),
)
