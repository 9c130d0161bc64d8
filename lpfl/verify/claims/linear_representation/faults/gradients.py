"""Faults that the checks of LR-01 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-01",
        "lpfl.problems.linear_representation.model:gradients",
        old="F.mT @ residual",
        new="F.mT @ (F @ G @ batch.cov_x + batch.cross)",
        why="sign of the data term",
    ),
    Fault(
        "LR-01",
        "lpfl.problems.linear_representation.model:loss",
        old="inputs.shape[-2]",
        new="inputs.shape[-2] - 1",
        why="1/(n-1) for 1/n in the loss",
    ),
)
