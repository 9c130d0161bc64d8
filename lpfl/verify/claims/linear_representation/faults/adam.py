"""Faults that the checks of LR-22 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_direction",
        old="(second / (1.0 - beta2 ** age)).sqrt()",
        new="second / (1.0 - beta2 ** age)",
        why="second moment without its root",
    ),
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_step",
        old="grad.square()",
        new="grad.square().mean((-2, -1), keepdim=True)",
        why="one scale for the whole matrix",
    ),
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_direction",
        old="first",
        new="0.8 * first",
        why="a step 20 % too short",
    ),
)
