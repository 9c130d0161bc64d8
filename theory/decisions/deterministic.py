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
    N_run,
    alpha_1,
    alpha_T,
    asked_D,
    e_1,
    e_2,
    e_3,
    found_D,
    n_look,
    n_plan,
    r_1,
    r_2,
    stat_D,
    tau_D,
    tau_max,
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
        "every degree. A tolerance above one per cent could hide a wrong formula: it confirms "
        "nothing."
    ),
    source=DESIGN,
    parts={
        "identity": Part(Kind.IDENTITY, sp.Eq(stat_D, sp.Max(e_1, e_2, e_3) / tau_D)),
        "identity_turns": Part(Kind.IDENTITY, sp.Eq(turn, tau_D / sp.Max(e_1, e_2, e_3))),
        "bound": Part(Kind.IDENTITY, sp.Eq(stat_D, sp.Max(r_1, r_2))),
        "bound_turns": Part(Kind.IDENTITY, sp.Eq(turn, 1 / sp.Max(r_1, r_2))),
        "finite_field": Part(Kind.IDENTITY, sp.Eq(N_ref, N_all)),
        "coarsest": Part(Kind.IDENTITY, sp.Eq(tau_max, sp.Rational(1, 100))),
    },
    example={"first_error": 0.1, "second_error": 0.2, "third_error": 0.3, "tolerance": 0.4},
    beyond_paper=True,
)

DR_02 = Claim(
    id="DR-02",
    title="The worst finding decides a run, and the level of the run is kept",
    says=(
        "One refuted finding refutes a claim, whatever the margins of the others; among findings "
        "of one outcome the smallest margin decides. A confirmed bound that may be attained "
        "decides only where nothing else does. The level of one decision, times all decisions that "
        "a run may make, is the level of the run, one in ten thousand; no profile has more "
        "scenarios. A scenario that chance left open is looked at once more, with four times the "
        "replicates, all drawn afresh."
    ),
    source=DESIGN,
    parts={
        "deciding": Part(Kind.IDENTITY, sp.Eq(w_D, sp.Min(w_1, w_2))),
        "refuted_first": Part(Kind.IDENTITY, sp.Eq(w_D, w_1)),
        "attained_last": Part(Kind.IDENTITY, sp.Eq(w_D, w_1)),
        "severest": Part(Kind.IDENTITY, sp.Eq(found_D, asked_D), "orders in which refuted wins"),
        "budget": Part(Kind.IDENTITY, sp.Eq(alpha_T, alpha_1 * N_C * N_S * N_L * N_D)),
        "run_level": Part(Kind.IDENTITY, sp.Eq(alpha_T, sp.Rational(1, 10000))),
        "profiles": Part(Kind.BOUND, sp.Le(N_run, N_S)),
        "second_look": Part(Kind.IDENTITY, sp.Eq(n_look, 4 * n_plan)),
        "looks": Part(Kind.IDENTITY, sp.Eq(found_D, asked_D), "looks that draw afresh"),
        "level_used": Part(Kind.IDENTITY, sp.Eq(alpha_T, alpha_1), "level that a decision spends"),
    },
    example={"noisy_claims": 3, "decisions": 2, "first_margin": 0.5, "second_margin": 0.4},
    beyond_paper=True,
)
