"""Faults that the checks of SI-08 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-08",
        "theory.core.resolvent:_solve_small",
        old="phi * lam * plain",
        new="lam * plain",
        why="aspect forgotten in the fixed point",
    ),
    Fault(
        "SI-08",
        "lpfl.problems.single_index.moments:bartlett_factor",
        old="torch.arange(rows, device=device, dtype=dtype)",
        new="0 * torch.arange(rows, device=device, dtype=dtype)",
        why="degrees of freedom that do not fall along the Bartlett factor",
    ),
    Fault(
        "SI-08",
        "theory.single_index.fixed_point:NATURAL_RATE",
        old="phi * E(_P * (1 - _P)) / (1 - phi * E(_P))",
        new="phi * E(_P * (1 - _P)) * (1 - phi * E(_P))",
        why="slope of the natural iteration",
    ),
)
