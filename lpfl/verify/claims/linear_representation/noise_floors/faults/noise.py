"""Faults that the checks of LR-11 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-11",
        "lpfl.problems.linear_representation.model:sample",
        old="problem.noise_std * noise",
        new="1.2 * problem.noise_std * noise",
        why="noise 20 % too large",
    ),
    Fault(
        "LR-11",
        "lpfl.optim.kfac:kfac_step",
        old="damping",
        new="damping + 0.1 * float(cov_x.diagonal(dim1=-2, dim2=-1).mean())",
        why="damping 10 % of the mean variance",
    ),
    Fault(
        "LR-11",
        "theory.linear_representation.noise_floors.noise:LR_11",
        old="P_perp * Sigma_hat.inv() * P_perp / n",
        new="P_perp * Sigma_hat.inv() * P_perp / (n - 1)",
        why="1/(n - 1) in the column covariance",
    ),
    Fault(
        "LR-11",
        "theory.linear_representation.noise_floors.noise:LR_11",
        old="k * (d - k)",
        new="k * d",
        why="degrees of freedom along the truth counted too",
    ),
    Fault(
        "LR-11",
        "theory.linear_representation.noise_floors.noise:noise_pivot",
        old="np.linalg.solve(rows, Z)",
        new="(rows @ Z)",
        why="pivot multiplied by the row covariance",
    ),
    Fault(
        "LR-11",
        "theory.linear_representation.noise_floors.noise:noise_pivot_degrees",
        old="LR_11['degrees'].number(rank=k, input_dim=d)",
        new="LR_11['degrees'].number(rank=k, input_dim=d + k)",
        why="degrees of freedom k d",
    ),
)
