"""Faults that the check of SI-18 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-18",
        "theory.single_index.variants.ceiling:_DEFICIT",
        old="p_A * (1 - p_A) * s_A * s_B * _SQUARE",
        new="p_A * s_A * s_B * _SQUARE",
        why="the second weight forgotten in the deficit",
    ),
    Fault(
        "SI-18",
        "theory.single_index.variants.ceiling:SI_18",
        old="c1 ** 2 / (phi * v_fix)",
        new="c1 ** 2 / v_fix",
        why="aspect forgotten in the test error",
    ),
    Fault(
        "SI-18",
        "theory.single_index.variants.ceiling:SI_18",
        old="phi * ge.LABEL_ENERGY / c1 ** 2",
        new="phi * ge.s2_link / c1 ** 2",
        why="the best damping of the same batch for the exact covariance",
    ),
    Fault(
        "SI-18",
        "theory.single_index.variants.ceiling:SI_18",
        old="sp.Le(rho2_other, E(ge.P))",
        new="sp.Le(rho2_other, E(ge.P) ** 2)",
        why="too low a ceiling",
    ),
    Fault(
        "SI-18",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
    Fault(
        "SI-18",
        "theory.single_index.variants.ceiling:ceiling",
        old="resolvent(spectrum, aspect=aspect, damping=best)",
        new="resolvent(spectrum, aspect=aspect, damping=10.0 * best)",
        why="the ceiling at ten times the best damping",
    ),
    Fault(
        "SI-18",
        "theory.single_index.variants.ceiling:ceiling",
        old="'ceiling' if weight == 'identity' else 'correlation_ceiling'",
        new="'ceiling'",
        why="the cosine's ceiling for the correlation",
    ),
    Fault(
        "SI-18",
        "theory.single_index.variants.ceiling:ceiling",
        old="best == 0 and aspect <= 1",
        new="best == 0",
        why="a ceiling of 1 for labels without noise on fewer rows than inputs",
    ),
)
