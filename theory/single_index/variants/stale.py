"""SI-20: a factor that stands still caps the direction, however much data follows."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.formula import E
from theory.core.part import Kind, Part
from theory.single_index.assumptions import BASE, DERIVED, EXAMPLE, LINEAR_PART
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import rho2, rho2_cov
from theory.single_index.notation import s_cov as s
from theory.single_index.variants.factor_notation import b_avg, phi_eff, phi_frozen, rho2_other

_CAP = 1 / (1 + phi_frozen / (1 - phi_frozen) * E(s) * E(1 / s))

SI_20 = Claim(
    id="SI-20",
    title="A frozen inverse factor bounds the alignment at every sample size",
    says=(
        "The factor is frozen from n_f rows, φ_f = d/n_f < 1, and inverted without damping. With "
        "infinite data for the gradient the squared cosine tends to a number below 1, and the "
        "squared correlation to 1 − φ_f for every spectrum. Less data gives less. A frozen moving "
        "average is worth a batch with φ_f = (d/n)(1 − b_M)/(1 + b_M) for small d/n."
    ),
    source=DERIVED,
    parts={
        "cap": Part(Kind.LIMIT, sp.Eq(rho2, _CAP)),
        "correlation_cap": Part(Kind.LIMIT, sp.Eq(rho2_cov, 1 - phi_frozen, evaluate=False)),
        "capped": Part(Kind.ORDERING, sp.Le(rho2_other, _CAP)),
        "average": Part(Kind.LIMIT, sp.Eq(phi_eff, phi * (1 - b_avg) / (1 + b_avg))),
    },
    assumptions=(
        *BASE,
        LINEAR_PART,
        Assumption("the frozen factor has more rows than dimensions", phi_frozen < 1),
    ),
    example={**EXAMPLE, "frozen_aspect": 0.3},
    beyond_paper=True,
)
