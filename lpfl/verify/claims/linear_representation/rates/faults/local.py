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
    Fault(
        "LR-15",
        "theory.linear_representation.rates.local:LR_15",
        old="1 - eta * lam_i * mu_j * (n - k) / n",
        new="1 - eta * lam_i * mu_j * (n - k / 10**6) / n",
        why="mean step of a batch not shortened",
    ),
    Fault(
        "LR-15",
        "theory.linear_representation.rates.local:LR_15",
        old="(kappa_H * kappa_s - 1) / (kappa_H * kappa_s + 1)",
        new="(kappa_H + kappa_s - 1) / (kappa_H + kappa_s + 1)",
        why="sum of the condition numbers in place of their product",
    ),
    Fault(
        "LR-15",
        "theory.linear_representation.rates.local:LR_15",
        old="1 - eta * lam_i * mu_j * (n - k) / n",
        new="1 - eta * lam_i * mu_j * (n - k - 1) / n",
        why="freedom of a batch",
    ),
    Fault(
        "LR-15",
        "theory.linear_representation.rates.local:LR_15",
        old="kappa_H * kappa_s + 1",
        new="kappa_H * kappa_s",
        why="best rate without the one",
    ),
    Fault(
        "LR-15",
        "theory.linear_representation.rates.local_rate:_amgd",
        old='LR_15["batch"].number(**facts, **pairs, rank=k, batch_size=rows)',
        new='LR_15["batch"].number(**facts, **pairs, rank=1, batch_size=rows)',
        why="one row lost to a head of any rank",
    ),
)
