"""Faults that the checks of SI-04, SI-05 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-04",
        "theory.single_index.damping:OPTIMAL_DAMPING",
        old="2",
        new="4",
        why="slope to the fourth power in the best damping",
    ),
    Fault(
        "SI-04",
        "theory.single_index.damping:FACTORISED_DERIVATIVE",
        old="u_2 ** 2",
        new="u_2 ** 2 / 2",
        why="a factor two in the derivative",
    ),
    Fault(
        "SI-04",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
    Fault(
        "SI-05",
        "theory.single_index.damping:ADVANTAGE",
        old="OPTIMAL_DAMPING.expression * E(1 / s) / (1 - phi)",
        new="OPTIMAL_DAMPING.expression * E(1 / s)",
        why="noise not amplified by 1/(1 - d/n)",
    ),
    Fault(
        "SI-05",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping + 0.5)",
        why="a damping nobody asked for",
    ),
)
