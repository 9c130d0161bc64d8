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
    Fault(
        "LR-01",
        "lpfl.problems.linear_representation.model:batch_of_rows",
        old="targets.mT @ inputs / n",
        new="targets.mT @ inputs / (n - 1)",
        why="1/(n-1) for 1/n in the cross-moment",
    ),
    Fault(
        "LR-01",
        "theory.linear_representation.contraction.gradients:LR_01",
        old="M * G.T",
        new="M * G.T / 2",
        why="half the gradient of the head in the statement",
    ),
    Fault(
        "LR-01",
        "theory.linear_representation.contraction.gradients:central_difference",
        old="2 * sp.Trace(gradient.T * direction)",
        new="sp.Trace(gradient.T * direction)",
        why="half of a central difference",
    ),
    Fault(
        "LR-01",
        "theory.linear_representation.contraction.gradients:LR_01",
        old="E.T * X / n",
        new="E.T * X",
        why="noise cross-moment without the mean",
    ),
    Fault(
        "LR-01",
        "theory.linear_representation.contraction.steps:batch_loss",
        old="2 * n",
        new="n",
        why="loss doubled",
    ),
    Fault(
        "LR-01",
        "theory.linear_representation.contraction.gradients:LR_01",
        "X.T * X / n",
        "X.T * X / (n - 1)",
        "second moment over n - 1 rows in the gradient",
    ),
)
