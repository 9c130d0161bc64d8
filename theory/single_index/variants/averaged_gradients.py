"""SI-23: averaged second moments of gradients contain the signal, and remove it."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.notation import d, kappa
from theory.core.part import Kind, Part
from theory.single_index.assumptions import (
    BASE,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    SLOPE,
    UNCOUPLED,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import c_act, rho2, rho2_sgd, s2_link, v_act
from theory.single_index.variants.factor_notation import bulk, eps_R, p_exp, signal

_BULK = phi / d * (c1**2 + s2_link) * (c_act**2 + v_act)
_REMOVED = ((bulk + eps_R) / (bulk + eps_R + signal)) ** (2 * p_exp)

SI_23 = Claim(
    id="SI-23",
    title="Averaged Shampoo statistics contain the signal and remove it",
    says=(
        "Shampoo's right statistic is the second moment of the gradient, not of the inputs. "
        "Averaged over many steps it tends to b_R Σ + t_R Σβ⋆β⋆ᵀΣ: the teacher's direction stands "
        "out by a factor of order d. An inverse power of it therefore shrinks the very direction "
        "that the step should learn. For white inputs the squared cosine after one step is of "
        "order d^(−2p_M), unless the statistic's damping is far above its largest eigenvalue."
    ),
    source=DERIVED,
    parts={
        "alignment": Part(
            Kind.LIMIT,
            sp.Eq(rho2, c1**2 * _REMOVED / (c1**2 * _REMOVED + phi * (c1**2 + s2_link))),
        ),
        "bulk": Part(Kind.LIMIT, sp.Eq(bulk, _BULK)),
        "signal": Part(Kind.LIMIT, sp.Eq(signal, c_act**2 * c1**2)),
        "removed": Part(Kind.ORDERING, sp.Le(rho2, rho2_sgd)),
    },
    assumptions=(
        *BASE,
        LINEAR_PART,
        SLOPE,
        UNCOUPLED,
        Assumption("white inputs", sp.Eq(kappa, 1)),
    ),
    example={**EXAMPLE, "condition_number": 1.0},
    beyond_paper=True,
)
