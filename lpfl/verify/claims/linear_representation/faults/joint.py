"""Faults that the checks of LR-18 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-18",
        "lpfl.problems.linear_representation.model:gradients",
        old="F.mT",
        new="1.001 * F.mT",
        why="one gradient off by one part in a thousand",
    ),
    Fault(
        "LR-18",
        "theory.linear_representation.joint:GD_BALANCED",
        old="(1 - eta * sp.sqrt(lam_i), d - k)",
        new="(1 - eta * lam_i, d - k)",
        why="balanced weights seen by the eigenvalue in place of its root",
    ),
)
