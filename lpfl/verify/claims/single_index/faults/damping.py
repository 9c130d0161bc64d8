"""Faults that the checks of SI-04, SI-05 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-04",
        "theory.single_index.damping:SI_04",
        old="phi * s2_link / c1 ** 2",
        new="phi * s2_link / c1 ** 4",
        why="slope to the fourth power in the best damping",
    ),
    Fault(
        "SI-04",
        "theory.single_index.damping:SI_04",
        old="phi * s2_link / c1 ** 2",
        new="2 * phi * s2_link / c1 ** 2",
        why="twice the best damping",
    ),
    Fault(
        "SI-04",
        "theory.single_index.damping:_FACTORISED",
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
        "theory.single_index.damping:_ADVANTAGE",
        old="_NOISE * E(1 / s) / (1 - phi)",
        new="_NOISE * E(1 / s)",
        why="noise not amplified by 1/(1 - d/n)",
    ),
    Fault(
        "SI-05",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping + 0.5)",
        why="a damping nobody asked for",
    ),
    Fault(
        "SI-05",
        "theory.single_index.damping:SI_05",
        old="sp.sign(_ADVANTAGE)",
        new="sp.sign(-_ADVANTAGE)",
        why="the loser printed as the winner",
    ),
    Fault(
        "SI-05",
        "theory.single_index.damping:_ADVANTAGE",
        old="E(s**2) / E(s) ** 2",
        new="E(s**2)",
        why="advantage without the square of the mean eigenvalue",
    ),
    Fault(
        "SI-05",
        "theory.single_index.damping:_ADVANTAGE",
        old="_NOISE / E(s)",
        new="_NOISE",
        why="noise of SGD not divided by the mean eigenvalue",
    ),
    Fault(
        "SI-04",
        "theory.single_index.damping:SI_04",
        old="E(s * ge.P) / E(s)",
        new="E(s * ge.P)",
        why="mean eigenvalue forgotten in the best correlation",
    ),
    Fault(
        "SI-05",
        "theory.single_index.damping:kfac_beats_sgd",
        old="advantage > 0",
        new="advantage < 0",
        why="the wrong winner named",
    ),
)
