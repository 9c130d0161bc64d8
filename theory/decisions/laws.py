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
    asked_D,
    d_crit,
    delta_D,
    delta_R,
    found_D,
    n_r,
    n_see,
    p_seen,
    p_turn,
    q_low,
    q_up,
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
        "is log p over log α: 1 at the limit. What a rule calls detectable is seen with power 0.9, "
        "and beside a rival that is nearer nothing is confirmed."
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
        "binomial_statistic": Part(Kind.IDENTITY, sp.Eq(stat_D, sp.log(P_low) / sp.log(alpha_1))),
        "chi_square_detectable": Part(Kind.IDENTITY, sp.Eq(delta_D, q_up / q_low)),
        "chi_square_rival": Part(Kind.IDENTITY, sp.Eq(delta_R, delta_D)),
        "planned": Part(Kind.IDENTITY, sp.Eq(found_D, n_see), "degrees of freedom planned"),
        "uniform_detectable": Part(
            Kind.IDENTITY, sp.Eq(delta_D, d_crit + sp.sqrt(sp.log(20) / (2 * n_r)))
        ),
        "uniform_rival": Part(Kind.IDENTITY, sp.Eq(delta_R, delta_D)),
        "binomial_power": Part(Kind.IDENTITY, sp.Eq(p_seen, sp.Rational(9, 10))),
        "binomial_rival": Part(Kind.IDENTITY, sp.Eq(delta_R, delta_D)),
        "binomial_default": Part(
            Kind.IDENTITY, sp.Eq(found_D, asked_D), "shares confirmed beside three times the share"
        ),
    },
    example={"decision_level": 1e-3, "lower_tail": 0.1},
    beyond_paper=True,
)
