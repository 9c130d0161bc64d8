"""DR-08: the numbers beside an outcome."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.decisions.notation import (
    alpha_1,
    delta_D,
    delta_R,
    g_D,
    m_D,
    n_dof,
    n_draw,
    n_need,
    n_r,
    n_see,
    s_e,
    shift,
    stat_D,
    tau_D,
    u_away,
    u_below,
    u_far,
    u_near,
    u_side,
    v_end,
    w_D,
    w_se,
    x_mean,
    x_shown,
)

FOR_RIVAL = shift() / (delta_R - tau_D)

DR_08 = Claim(
    id="DR-08",
    title="The numbers beside an outcome",
    says=(
        "A statistic is 1 at the limit of what is confirmed, and the margin is 1 minus it. The "
        "replicates that a rule asks for shorten its interval to the room that the tolerance "
        "leaves, and its error to the distance of the rival. The standard error of a margin is "
        "that of the mean in the units of the margin."
    ),
    source=Source.derived("a definition of this project"),
    parts={
        "margin": Part(Kind.IDENTITY, sp.Eq(w_D, 1 - stat_D)),
        "equivalence": Part(
            Kind.IDENTITY, sp.Eq(stat_D, sp.Max(g_D + u_away, u_near - g_D) / tau_D)
        ),
        "ordering": Part(Kind.IDENTITY, sp.Eq(stat_D, 2 - (m_D + tau_D) / u_below)),
        "interval": Part(Kind.IDENTITY, sp.Eq(v_end, m_D + u_side)),
        "total": Part(Kind.IDENTITY, sp.Eq(x_shown, x_mean)),
        "needed_equivalence": Part(
            Kind.IDENTITY,
            sp.Eq(n_need, n_r * sp.Max(u_far / sp.Max(tau_D - g_D, tau_D / 10), FOR_RIVAL) ** 2),
        ),
        "needed_ordering": Part(
            Kind.IDENTITY, sp.Eq(n_need, n_r * sp.Max(u_far / sp.Abs(m_D + tau_D), FOR_RIVAL) ** 2)
        ),
        "needed_chi_square": Part(Kind.IDENTITY, sp.Eq(n_need, n_draw * n_see / n_dof)),
        "needed_uniform": Part(Kind.IDENTITY, sp.Eq(n_need, n_r * (delta_D / delta_R) ** 2)),
        "error_equivalence": Part(Kind.IDENTITY, sp.Eq(w_se, s_e / tau_D)),
        "error_ordering": Part(Kind.IDENTITY, sp.Eq(w_se, s_e / u_below)),
        "error_law": Part(Kind.IDENTITY, sp.Eq(w_se, 1 / sp.Abs(sp.log(alpha_1)))),
    },
    example={"tolerance": 0.1, "statistic": 0.5, "replicate_count": 64},
    beyond_paper=True,
)
