"""OP-01 and OP-02: gradient descent, and with momentum."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import eta
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import b_m
from theory.optimizers.notation import age, g, omega, response, w, w_next, x_ij, x_next

EXAMPLE = {"step_size": 0.1, "momentum": 0.5}

OP_01 = Claim(
    id="OP-01",
    title="sgd is gradient descent",
    says=(
        "A step subtracts η times the gradient, decay ω w included in it. The rule holds for each "
        "layer from the old weights of both, for a frozen head and for a refitted one."
    ),
    source=Source.derived(),
    parts={"rule": Part(Kind.IDENTITY, sp.Eq(w_next, w - eta * (g + omega * w), evaluate=False))},
    example=EXAMPLE,
)

OP_02 = Claim(
    id="OP-02",
    title="sgd_momentum is heavy-ball or Nesterov momentum",
    says=(
        "The velocity is b_m times the old one plus the gradient, or plus 1 − b_m times the "
        "gradient in the averaged form. Heavy ball follows the velocity, "
        "Nesterov's form the gradient plus b_m times the new velocity. One unit gradient, then "
        "none, moves a weight by −η r_t in t steps: r_t = (1 − b_mᵗ)/(1 − b_m) for heavy ball, "
        "1 + b_m (1 − b_mᵗ)/(1 − b_m) for Nesterov."
    ),
    source=Source.other_work("Sutskever et al. 2013, with the step size outside the velocity"),
    parts={
        "velocity": Part(Kind.IDENTITY, sp.Eq(x_next, b_m * x_ij + g, evaluate=False)),
        "averaged": Part(Kind.IDENTITY, sp.Eq(x_next, b_m * x_ij + (1 - b_m) * g, evaluate=False)),
        "heavy_ball": Part(Kind.IDENTITY, sp.Eq(w_next, w - eta * x_next, evaluate=False)),
        "nesterov": Part(
            Kind.IDENTITY, sp.Eq(w_next, w - eta * (g + b_m * x_next), evaluate=False)
        ),
        "impulse": Part(Kind.IDENTITY, sp.Eq(response, (1 - b_m**age) / (1 - b_m), evaluate=False)),
        "impulse_nesterov": Part(
            Kind.IDENTITY, sp.Eq(response, 1 + b_m * (1 - b_m**age) / (1 - b_m), evaluate=False)
        ),
    },
    example=EXAMPLE,
)
