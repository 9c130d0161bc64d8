"""OP-17: Polyak's step size."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import kappa
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import F, F_next, G, G_next, grad_F, grad_G
from theory.optimizers.notation import (
    dist_2,
    dist_2_next,
    eta_cut,
    eta_P,
    gap_L,
    grad_2,
    s_eta,
)

OP_17 = Claim(
    id="OP-17",
    title="polyak takes Polyak's step",
    says=(
        "The step size is s_η (L − L⋆)/⟨∇, P⁻¹∇⟩, both layers together, the quotient cut at "
        "η_cut. A loss below L⋆ gives no step. On a quadratic of condition number κ the plain form "
        "(s_η = 1) lowers the squared distance from the minimiser by the factor 1 − 1/(4κ) at "
        "least, in every step and without a tuned rate."
    ),
    source=Source.other_work("Polyak 1987; Abdukhakimov et al. 2023, arXiv 2310.02093"),
    parts={
        "step_size": Part(Kind.IDENTITY, sp.Eq(eta_P, s_eta * gap_L / grad_2, evaluate=False)),
        "cut": Part(Kind.IDENTITY, sp.Eq(eta_P, s_eta * eta_cut, evaluate=False)),
        "representation": Part(Kind.IDENTITY, sp.Eq(G_next, G - eta_P * grad_G, evaluate=False)),
        "head": Part(Kind.IDENTITY, sp.Eq(F_next, F - eta_P * grad_F, evaluate=False)),
        "contracts": Part(
            Kind.BOUND, sp.Le(dist_2_next, (1 - 1 / (4 * kappa)) * dist_2, evaluate=False)
        ),
    },
    example={"step_size": 0.1, "condition_number": 2.0},
)
