"""Faults that the checks of LR-17 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-17",
        "lpfl.optim.foof:foof_step",
        old="right_solve(grad, damped(cov_in, damping))",
        new="grad",
        why="whitening lost",
    ),
    Fault(
        "LR-17",
        "lpfl.problems.linear_representation.model:least_squares_head",
        old="G @ batch.cov_x @ G.mT",
        new="G @ G.mT * batch.cov_x.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None]",
        why="features not weighted by the covariance",
    ),
    Fault(
        "LR-17",
        "theory.linear_representation.noise_floors.gradient_bias:HETEROSCEDASTIC_BIAS",
        old="-m",
        new="m",
        why="sign of the heteroscedastic bias",
    ),
    Fault(
        "LR-17",
        "lpfl.problems.linear_representation.moments:sample_moments",
        old="problem.noise_std / batch_size ** 0.5",
        new="1.5 * problem.noise_std / batch_size ** 0.5",
        why="noise 50 % too large",
    ),
    Fault(
        "LR-17",
        "theory.linear_representation.noise_floors.gradient_bias:INDEPENDENT_BIAS",
        old="n_2 - k - 1",
        new="n_2 - k",
        why="one degree of freedom too many",
    ),
    Fault(
        "LR-17",
        "theory.linear_representation.noise_floors.gradient_bias:LR_17",
        old="F_star * S_ls + N_in",
        new="F_star * S_ls - N_in",
        why="noise of the head with the other sign",
    ),
)
