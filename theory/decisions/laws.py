"""DR-06: rules for statistics with an exact law."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.decisions.notation import (
    D_KS,
    D_down,
    D_up,
    N_all,
    N_ref,
    P_low,
    alpha_1,
    p_turn,
    stat_D,
)

DR_06 = Claim(
    id="DR-06",
    title="Statistics with an exact law",
    says=(
        "A chi-square total is judged on both sides: its p-value is twice the smaller tail. The "
        "distance of an empirical distribution from the uniform one looks at both signs. Both "
        "refute where the p-value is at most α. A bound that may fail with probability δ is "
        "refuted from the smallest count whose binomial tail is at most the level. The statistic "
        "is log p over log α: 1 at the limit."
    ),
    source=Source.derived("the laws of chi-square, Kolmogorov-Smirnov and binomial statistics"),
    parts={
        "chi_square": Part(
            Kind.IDENTITY, sp.Eq(stat_D, sp.log(2 * sp.Min(P_low, 1 - P_low)) / sp.log(alpha_1))
        ),
        "chi_square_turns": Part(Kind.IDENTITY, sp.Eq(p_turn, alpha_1)),
        "uniform_distance": Part(Kind.IDENTITY, sp.Eq(D_KS, sp.Max(D_up, D_down))),
        "uniform": Part(Kind.IDENTITY, sp.Eq(stat_D, sp.log(P_low) / sp.log(alpha_1))),
        "uniform_turns": Part(Kind.IDENTITY, sp.Eq(p_turn, alpha_1)),
        "binomial": Part(Kind.IDENTITY, sp.Eq(N_ref, N_all)),
    },
    example={"decision_level": 1e-3, "lower_tail": 0.1},
    beyond_paper=True,
)
