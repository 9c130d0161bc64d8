"""DR-03 to DR-05: the interval of a mean, equivalence, ordering."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.decisions.notation import (
    S_2,
    delta_D,
    delta_R,
    g_conf,
    g_ref,
    n_r,
    p_miss,
    p_seen,
    p_tail,
    reach,
    s_e,
    shift,
    tau_D,
    u_above,
    u_away,
    u_below,
    u_near,
)

HALL = Source.other_work("skewness term of a studentized mean: Hall 1988, Ann. Statist. 16")
WEIGHTS = Source.derived("its weights, settled by the levels of gamma laws at 5e-9")
EXAMPLE = {"replicate_count": 64, "tolerance": 0.1, "squared_deviations": 1.0}

DR_03 = Claim(
    id="DR-03",
    title="The interval of a mean",
    says=(
        "The interval of a mean is longer on the side of the long tail, by the skewness term of a "
        "studentized mean. The term takes three times the skewness of the sample, and adds the "
        "skewness that chance could hide. The interval misses the true mean of a skewed law at "
        "most as often as its level says."
    ),
    source=HALL + WEIGHTS,
    parts={
        "standard_error": Part(Kind.IDENTITY, sp.Eq(s_e, sp.sqrt(S_2 / (n_r * (n_r - 1))))),
        "above": Part(Kind.IDENTITY, sp.Eq(u_above, reach(1))),
        "below": Part(Kind.IDENTITY, sp.Eq(u_below, reach(-1))),
        "level": Part(Kind.BOUND_WHP, sp.Le(p_miss, p_tail)),
    },
    example=EXAMPLE,
    beyond_paper=True,
)

DR_04 = Claim(
    id="DR-04",
    title="Equivalence of a mean with a prediction",
    says=(
        "A prediction is confirmed if the whole interval lies within the tolerance around it, "
        "refuted if the whole interval lies outside, and left open otherwise. Beside a rival "
        "that is nearer than what the sample could detect it is never confirmed. An error of the "
        "size that is called detectable is refuted in nine of ten fresh samples."
    ),
    source=Source.derived("two one-sided tests"),
    parts={
        "confirmed": Part(Kind.IDENTITY, sp.Eq(g_conf, tau_D - u_away)),
        "refuted": Part(Kind.IDENTITY, sp.Eq(g_ref, tau_D + u_near)),
        "detectable": Part(Kind.IDENTITY, sp.Eq(delta_D, tau_D + shift())),
        "rival": Part(Kind.IDENTITY, sp.Eq(delta_R, delta_D)),
        "power": Part(Kind.LIMIT, sp.Eq(p_seen, sp.Rational(9, 10))),
    },
    example=EXAMPLE,
    beyond_paper=True,
)

DR_05 = Claim(
    id="DR-05",
    title="Ordering of two means",
    says=(
        "A difference is confirmed as at least zero, up to the slack, if its whole interval lies "
        "above minus the slack, and refuted if its whole interval lies below. The rival rule is "
        "that of an equivalence."
    ),
    source=Source.derived("a one-sided test"),
    parts={
        "confirmed": Part(Kind.IDENTITY, sp.Eq(g_conf, u_below - tau_D)),
        "refuted": Part(Kind.IDENTITY, sp.Eq(g_ref, u_above + tau_D)),
        "detectable": Part(Kind.IDENTITY, sp.Eq(delta_D, tau_D + shift())),
        "rival": Part(Kind.IDENTITY, sp.Eq(delta_R, delta_D)),
    },
    example=EXAMPLE,
    beyond_paper=True,
)
