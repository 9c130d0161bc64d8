"""DR-07: comparisons without chance."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.decisions.notation import (
    c_S,
    eps_D,
    g_ref,
    gap_D,
    kappa_D,
    l_S,
    n_u,
    tau_D,
    tau_max,
    turn,
    v_least,
    v_min,
    w_room,
)

DR_07 = Claim(
    id="DR-07",
    title="Comparisons without chance see every object",
    says=(
        "Equality is refuted as soon as the error of one object, in its norm over its scale, "
        "exceeds the tolerance. A bound is refuted as soon as one value leaves its room and the "
        "rounding. What must reach a least value is refuted as soon as the smallest does not. A "
        "strict bound is refuted by a tie, unless rounding could hide half of the stated gap. "
        "Rounding is allowed 16 times ε, the unknowns and the condition number."
    ),
    source=Source.derived("a definition of this project"),
    parts={
        "same": Part(Kind.IDENTITY, sp.Eq(g_ref, tau_D * c_S / l_S)),
        "below": Part(Kind.IDENTITY, sp.Eq(g_ref, w_room + tau_D)),
        "above": Part(Kind.IDENTITY, sp.Eq(turn, v_min / v_least)),
        "greater": Part(Kind.IDENTITY, sp.Eq(g_ref, w_room - tau_D)),
        "hidden": Part(Kind.IDENTITY, sp.Eq(tau_max, gap_D / 2)),
        "rounding": Part(Kind.IDENTITY, sp.Eq(tau_D, 16 * n_u * eps_D * kappa_D)),
    },
    example={"tolerance": 0.01, "room": 0.1, "unknowns": 8, "condition": 2.0},
    beyond_paper=True,
)
