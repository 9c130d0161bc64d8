"""Faults that the checks of LR-05 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-05",
        "lpfl.optim.core.whitening:damped",
        old="shifted.diagonal(dim1=-2, dim2=-1).add_(damping)",
        new="shifted.diagonal(dim1=-2, dim2=-1).add_(damping**2)",
        why="damping squared",
    ),
    Fault(
        "LR-05",
        "lpfl.optim.kfac:kfac_step",
        old="damped(cov_x, damping)",
        new="cov_x",
        why="damping lost",
    ),
    Fault(
        "LR-05",
        "theory.linear_representation.contraction.kfac_damped:input_damped_eigenvalues",
        old="np.linalg.cholesky(np.linalg.inv(shifted)[k:, k:])",
        new="np.linalg.inv(np.linalg.cholesky(shifted[k:, k:])).T",
        why="block of the inverse taken for the inverse of the block",
    ),
    Fault(
        "LR-05",
        "theory.linear_representation.contraction.kfac_damped:input_damped_eigenvalues",
        old="np.linalg.inv(Sigma)[k:, k:]",
        new="np.linalg.inv(Sigma[k:, k:])",
        why="plain block of the covariance for its Schur complement",
    ),
    Fault(
        "LR-05",
        "theory.linear_representation.contraction.kfac_damped:LR_05",
        old="1 - eta * nu_j",
        new="1 - eta / nu_j",
        why="eigenvalue turned upside down in the rate",
    ),
    Fault(
        "LR-05",
        "theory.linear_representation.contraction.kfac_damped:LR_05",
        old="eta * lam",
        new="eta",
        why="damping missing from the term that adds to the complement",
    ),
)
