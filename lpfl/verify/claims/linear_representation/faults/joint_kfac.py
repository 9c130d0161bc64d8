"""Faults that the checks of LR-19 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-19",
        "lpfl.optim.kfac_joint:both_layers",
        old="replace(rule, step_size=head_step_size)",
        new="rule",
        why="the head takes the step of the representation",
    ),
    Fault(
        "LR-19",
        "lpfl.optim.drive:on_linear_representation",
        old="weights if head == 'joint' else after",
        new="weights",
        why="old head in the gradient of the representation",
    ),
    Fault(
        "LR-19",
        "lpfl.optim.drive:layer_of",
        old="G @ batch.cov_x @ G.mT",
        new="G @ G.mT",
        why="features not weighted by the covariance",
    ),
)
