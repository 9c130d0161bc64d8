"""OP-15 and OP-16: natural gradient with the true and with the empirical Fisher matrix."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import lam
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import D_G, F, F_plus, G, Sigma_hat
from theory.optimizers.notation import N_V, C_xy, Delta, Phi, grad_V, p_V, q_V

SOLVES = Part(Kind.IDENTITY, sp.Eq(Phi * Delta, grad_V, evaluate=False))
SHORTEST = Part(Kind.IDENTITY, sp.Eq(N_V.T * Delta, sp.ZeroMatrix(q_V, 1), evaluate=False))
DAMPED = Part(
    Kind.IDENTITY, sp.Eq(Delta, (Phi + lam * sp.Identity(p_V)).inv() * grad_V, evaluate=False)
)
EXAMPLE = {"step_size": 0.1, "damping": 0.1}

OP_15 = Claim(
    id="OP-15",
    title="ngd divides by the Fisher matrix of both layers",
    says=(
        "The direction Δ solves ΦΔ = ∇ with Φ the Gauss-Newton matrix, which is singular along "
        "changes of basis. The form of minimum norm has no part there. The equivariant form moves "
        "G by F⁺(FG − CΣ̂⁻¹). With damping Δ = (Φ + λI)⁻¹∇."
    ),
    source=Source.derived(),
    parts={
        "solves": SOLVES,
        "shortest": SHORTEST,
        "damped": DAMPED,
        "equivariant": Part(
            Kind.IDENTITY,
            sp.Eq(D_G, F_plus * (F * G - C_xy * Sigma_hat.inv()), evaluate=False),
        ),
    },
    definitions={F_plus: (F.T * F).inv() * F.T},
    example=EXAMPLE,
)

OP_16 = Claim(
    id="OP-16",
    title="ngd_empirical divides by the second moment of the gradients of the samples",
    says=(
        "Φ is the mean of the outer products of the gradients of single samples. Undamped, Δ is "
        "the shortest solution of ΦΔ = ∇; with damping Δ = (Φ + λI)⁻¹∇. Both hold for fewer and "
        "for more samples than parameters."
    ),
    source=Source.derived(),
    parts={"solves": SOLVES, "shortest": SHORTEST, "damped": DAMPED},
    example=EXAMPLE,
)
