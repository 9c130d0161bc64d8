"""DR-01 and DR-02: rules without chance, and what a run makes of its findings."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.decisions.notation import (
    N_C,
    N_D,
    N_L,
    N_S,
    N_all,
    N_ref,
    alpha_1,
    alpha_T,
    e_1,
    e_2,
    e_3,
    r_1,
    r_2,
    stat_D,
    tau_D,
    turn,
    w_1,
    w_2,
    w_D,
)

DESIGN = Source.derived("a definition of this project")

DR_01 = Claim(
    id="DR-01",
    title="Identities and bounds are decided by the worst case",
    says=(
        "An identity is refuted as soon as its largest relative error exceeds the tolerance, "
        "wherever it stands among the others. A bound is refuted as soon as one value exceeds "
        "its limit and the rounding. An identity that fails over the finite field is refuted at "
        "every degree."
    ),
    source=DESIGN,
    parts={
        "identity": Part(Kind.IDENTITY, sp.Eq(stat_D, sp.Max(e_1, e_2, e_3) / tau_D)),
        "identity_turns": Part(Kind.IDENTITY, sp.Eq(turn, tau_D / sp.Max(e_1, e_2, e_3))),
        "bound": Part(Kind.IDENTITY, sp.Eq(stat_D, sp.Max(r_1, r_2))),
        "bound_turns": Part(Kind.IDENTITY, sp.Eq(turn, 1 / sp.Max(r_1, r_2))),
        "finite_field": Part(Kind.IDENTITY, sp.Eq(N_ref, N_all)),
    },
    example={"first_error": 0.1, "second_error": 0.2, "third_error": 0.3, "tolerance": 0.4},
    beyond_paper=True,
)

DR_02 = Claim(
    id="DR-02",
    title="The worst finding decides a run, and the level of the run is kept",
    says=(
        "One refuted finding refutes a claim, whatever the margins of the others; among findings "
        "of one outcome the smallest margin decides. The level of one decision, times all "
        "decisions that a run may make, is the level of the run."
    ),
    source=DESIGN,
    parts={
        "deciding": Part(Kind.IDENTITY, sp.Eq(w_D, sp.Min(w_1, w_2))),
        "refuted_first": Part(Kind.IDENTITY, sp.Eq(w_D, w_1)),
        "budget": Part(Kind.IDENTITY, sp.Eq(alpha_T, alpha_1 * N_C * N_S * N_L * N_D)),
    },
    example={"noisy_claims": 3, "decisions": 2, "first_margin": 0.5, "second_margin": 0.4},
    beyond_paper=True,
)
