"""OP-06 and OP-07: Muon and Scion, whose step is a polar factor."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import eta
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import b_m
from theory.optimizers.notation import (
    O_W,
    W,
    W_next,
    a_ij,
    a_next,
    c_a,
    c_b,
    c_c,
    g,
    look,
    norm_move,
    norm_W_next,
    omega,
    radius,
    s_in,
    s_out,
    s_W,
)

EXAMPLE = {"step_size": 0.1, "momentum": 0.5, "weight_decay": 0.1, "radius": 2.0}

AVERAGE = Part(Kind.IDENTITY, sp.Eq(a_next, b_m * a_ij + (1 - b_m) * g, evaluate=False))

OP_06 = Claim(
    id="OP-06",
    title="muon follows the polar factor of its momentum",
    says=(
        "Muon averages the gradient, mixes it in once more with Nesterov's correction, and steps "
        "along the polar factor: all singular values of the step are η times a factor of the "
        "shape. Newton-Schulz steps map a singular value s to c_N1 s + c_N3 s³ + c_N5 s⁵, from "
        "s over the Frobenius norm. Decay is decoupled and multiplied by the step size."
    ),
    source=Source.other_work("Jordan et al. 2024; Liu et al. 2025 for decay and 0.2 √max"),
    parts={
        "step": Part(
            Kind.IDENTITY,
            sp.Eq(W_next, (1 - eta * omega) * W - (eta * s_W) * O_W, evaluate=False),
        ),
        "average": AVERAGE,
        "look_ahead": Part(
            Kind.IDENTITY, sp.Eq(look, b_m * a_next + (1 - b_m) * g, evaluate=False)
        ),
        "size": Part(Kind.IDENTITY, sp.Eq(norm_move, eta * s_W, evaluate=False)),
        "newton_schulz": Part(
            Kind.IDENTITY,
            sp.Eq(s_out, c_a * s_in + c_b * s_in**3 + c_c * s_in**5, evaluate=False),
        ),
    },
    example=EXAMPLE,
)

OP_07 = Claim(
    id="OP-07",
    title="scion takes Frank-Wolfe steps in the spectral-norm ball",
    says=(
        "Scion steps towards the point −ρ_B O of the ball of radius ρ_B, O the polar factor of the "
        "averaged gradient. The constrained form is a convex combination: weights within the ball "
        "stay in it. The unconstrained form adds −η ρ_B O, a move of spectral norm η ρ_B."
    ),
    source=Source.other_work("Pethick et al. 2025, arXiv 2502.07529, algorithms 1 and 2"),
    parts={
        "constrained": Part(
            Kind.IDENTITY, sp.Eq(W_next, (1 - eta) * W - (eta * radius) * O_W, evaluate=False)
        ),
        "unconstrained": Part(
            Kind.IDENTITY, sp.Eq(W_next, W - (eta * radius) * O_W, evaluate=False)
        ),
        "average": AVERAGE,
        "ball": Part(Kind.BOUND, sp.Le(norm_W_next, radius, evaluate=False)),
        "size": Part(Kind.IDENTITY, sp.Eq(norm_move, eta * radius, evaluate=False)),
    },
    example=EXAMPLE,
)
