"""Faults that the checks of LR-19 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-19",
        "lpfl.optim.kfac_joint:kfac_joint",
        old=(
            "kfac_head_step(F, G, slope.head, batch.cov_x, step_size=head_step_size"
            ", damping=damping, hidden=factors['hidden'])"
        ),
        new=(
            "kfac_head_step(F, G, slope.head, batch.cov_x, step_size=step_size, dam"
            "ping=damping, hidden=factors['hidden'])"
        ),
        why="the head takes the step of the representation",
    ),
    Fault(
        "LR-19",
        "lpfl.optim.kfac_sequential:kfac_sequential",
        old="Weights(F, G)",
        new="weights",
        why="old head in the gradient of the representation",
    ),
    Fault(
        "LR-19",
        "lpfl.optim.kfac_joint:kfac_joint",
        old="G @ batch.cov_x",
        new="G",
        why="features not weighted by the covariance",
    ),
)
