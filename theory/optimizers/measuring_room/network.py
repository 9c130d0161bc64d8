"""OP-36 and OP-37: gradients of the two-layer network, and directions of its first layer."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import lam
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.measuring_room.drawn import EQUAL, EXAMPLE
from theory.optimizers.notation import D_W, Q_W, U_W, c_W, eps, g, s_in, s_out, u_ij

DIVIDED = sp.Eq(U_W, D_W * (Q_W + lam * sp.Identity(c_W)).inv(), evaluate=False)

OP_36 = Claim(
    id="OP-36",
    title="Closed gradients of the first layer are those of its loss",
    says=(
        "The closed form is the derivative of (1/2n) Σ (f(x) − y)² in the first layer, residual "
        "and output scale included. With batch normalisation the mean and the standard deviation "
        "of the batch are differentiated. The torch module of a replicate has its loss and its "
        "gradient."
    ),
    source=Source.derived(),
    parts={
        "plain": Part(Kind.IDENTITY, EQUAL),
        "batch_norm": Part(Kind.IDENTITY, EQUAL),
        "module": Part(Kind.IDENTITY, EQUAL, "loss and gradient of a torch module"),
    },
    example=EXAMPLE,
)

OP_37 = Claim(
    id="OP-37",
    title="Preconditioners of the first layer are what their names say",
    says=(
        "KFAC multiplies the gradient with (Q + λI)⁻¹ for more and for fewer rows than columns, Q "
        "from the batch of the gradient or from another one. Undamped with fewer rows it takes the "
        "pseudo-inverse. Another exponent takes that power. The population form takes Σ. Adam's "
        "first direction is g/(|g| + ε), Shampoo's maps a singular value s to s/√(s² + λ)."
    ),
    source=Source.derived(),
    parts={
        "same_batch": Part(Kind.IDENTITY, DIVIDED),
        "other_batch": Part(Kind.IDENTITY, DIVIDED),
        "ridgeless": Part(Kind.IDENTITY, EQUAL, "pseudo-inverse"),
        "power": Part(Kind.IDENTITY, EQUAL, "damped power of Q"),
        "population": Part(Kind.IDENTITY, DIVIDED),
        "adam": Part(Kind.IDENTITY, sp.Eq(u_ij, g / (sp.Abs(g) + eps), evaluate=False)),
        "shampoo": Part(Kind.IDENTITY, sp.Eq(s_out, s_in / sp.sqrt(s_in**2 + lam), evaluate=False)),
        "polar": Part(Kind.IDENTITY, EQUAL, "singular values of the polar factor"),
    },
    example=EXAMPLE,
)
