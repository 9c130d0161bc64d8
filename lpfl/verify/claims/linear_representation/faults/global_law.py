"""Faults that the checks of LR-28 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-28",
        "lpfl.optim.drive:on_linear_representation",
        old="weights._replace(head=least_squares_head(weights.representation, batch))",
        new="weights",
        why="old head used",
    ),
    Fault(
        "LR-28",
        "lpfl.optim.kfac:kfac_step",
        old="damping",
        new="damping + 0.001",
        why="a damping nobody asked for",
    ),
    Fault(
        "LR-28",
        "theory.linear_representation.global_law:global_distance_bound",
        old="count('num_steps', num_steps, low=0)",
        new="count('num_steps', num_steps, low=0) + 2",
        why="a bound two steps too strong",
    ),
)
