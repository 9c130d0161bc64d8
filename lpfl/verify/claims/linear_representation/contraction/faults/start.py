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
        "theory.linear_representation.contraction.start:LR_09",
        old="2 * b_edge",
        new="b_edge",
        why="half the admissible start",
    ),
    Fault(
        "LR-09",
        "theory.linear_representation.contraction.start:STATED_FACTOR",
        old="1 - sp.Rational(9, 10) * eta",
        new="1 - sp.Rational(99, 100) * eta",
        why="0.99 for 0.9",
    ),
    Fault(
        "LR-09",
        "theory.linear_representation.contraction.start:ADMISSIBLE_DEFECT",
        old="sp.Rational(1, 10) / STATED_FACTOR",
        new="sp.Rational(1, 5) / STATED_FACTOR",
        why="twice the admissible defect",
    ),
    Fault(
        "LR-09",
        "theory.linear_representation.contraction.start:LR_09",
        old="sp.sqrt(kappa) * t_edge",
        new="kappa * t_edge",
        why="another power of the condition number in the scaling",
    ),
    Fault(
        "LR-09",
        "theory.linear_representation.contraction.start:LR_09",
        old="9 * (1 - eta)",
        new="9",
        why="step size missing from the scaling",
    ),
)
