"""Faults that the checks of LR-09 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-09",
        "lpfl.optim.kfac:kfac_step",
        old="damping",
        new="damping + 0.1",
        why="a damping nobody asked for",
    ),
    Fault(
        "LR-09",
        "lpfl.optim.drive:on_linear_representation",
        old="weights._replace(head=least_squares_head(weights.representation, batch))",
        new="weights",
        why="old head used",
    ),
    Fault(
        "LR-09",
        "theory.linear_representation.cone_numbers:admissible_tangent",
        old="2 * limit",
        new="limit",
        why="half the admissible start",
    ),
)
