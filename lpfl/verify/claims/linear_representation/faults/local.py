"""Faults that the checks of LR-15 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-15",
        "lpfl.optim.amgd:amgd_step",
        old="least_squares_head(G, batch)",
        new="1.02 * least_squares_head(G, batch)",
        why="head 2 % off",
    ),
    Fault(
        "LR-15",
        "lpfl.optim.kfac:kfac_step",
        old="damped(cov_x, damping)",
        new="torch.diag_embed(torch.diagonal(cov_x, dim1=-2, dim2=-1))",
        why="Sigma replaced by its diagonal",
    ),
)
