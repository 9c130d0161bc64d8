"""Faults that the checks of LR-03, LR-04, LR-06, LR-07 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-03",
        "lpfl.optim.kfac:kfac_step",
        old="F.mT @ F",
        new="torch.diag_embed(torch.diagonal(F.mT @ F, dim1=-2, dim2=-1))",
        why="F'F replaced by its diagonal",
    ),
    Fault(
        "LR-03",
        "lpfl.optim.kfac:kfac_step",
        old="damping",
        new="damping + 0.01",
        why="a damping nobody asked for",
    ),
    Fault(
        "LR-03",
        "lpfl.optim.kfac:kfac_step",
        old="step_size",
        new="0.5 * step_size",
        why="half a step",
    ),
    Fault(
        "LR-04",
        "lpfl.optim.kfac:kfac_step",
        old="step_size",
        new="step_size * (1.0 - 1e-06)",
        why="a step short by one part in a million",
    ),
    Fault(
        "LR-04",
        "lpfl.linalg.algebra:subspace_distance",
        old="rows @ G_star.mT",
        new="0.5 * (rows @ G_star.mT)",
        why="half a projection in the distance",
    ),
    Fault(
        "LR-06",
        "lpfl.optim.kfac:kfac_head_step",
        old="G @ cov_x",
        new="G",
        why="features not weighted by the covariance",
    ),
    Fault(
        "LR-06",
        "lpfl.problems.linear_representation.model:gradients",
        old="residual @ G.mT",
        new="2.0 * residual @ G.mT",
        why="a factor two in the head's gradient",
    ),
    Fault(
        "LR-07",
        "lpfl.optim.drive:on_linear_representation",
        old="weights._replace(head=least_squares_head(weights.representation, batch))",
        new="weights",
        why="old head used",
    ),
    Fault(
        "LR-07",
        "lpfl.optim.kfac:kfac_step",
        old="damped(cov_x, damping)",
        new="torch.diag_embed(torch.diagonal(cov_x, dim1=-2, dim2=-1))",
        why="Sigma replaced by its diagonal",
    ),
)
