"""OP-08 to OP-11: Shampoo, SOAP, KFAC and FOOF, which divide by two factors."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import eta, lam
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import b_m
from theory.optimizers.notation import (
    D_W,
    P_W,
    Q_L,
    Q_R,
    Q_W,
    U_W,
    L_p,
    R_p,
    W,
    W_next,
    age,
    b_a,
    c_W,
    d_ij,
    lam_P,
    p_e,
    past,
    r_W,
    s_in,
    s_out,
    unequal,
    weight_of,
    x_ij,
    x_next,
)  # fmt: skip
from theory.optimizers.rules.adaptive import DIRECTION, FIRST, SECOND

EXAMPLE = {"step_size": 0.1, "momentum": 0.5, "damping": 0.1, "averaging": 0.5}

KEPT = Part(Kind.IDENTITY, sp.Eq(weight_of, (1 - b_a) * b_a**past / (1 - b_a**age), evaluate=False))
KFAC = (P_W + lam_P * sp.Identity(r_W)).inv() * D_W * (Q_W + lam * sp.Identity(c_W)).inv()
FOOF = D_W * (Q_W + lam * sp.Identity(c_W)).inv()

OP_08 = Claim(
    id="OP-08",
    title="shampoo divides by powers of sums or averages of both second moments",
    says=(
        "Shampoo multiplies the gradient on each side with the power −p_e of a statistic, the sum "
        "or the normalised moving average of GGᵀ and GᵀG with the current gradient in it. A "
        "singular value s of the first gradient becomes s^(1 − 4 p_e). In an average the gradient "
        "of t_p steps ago has the weight (1 − β_a) β_a^t_p / (1 − β_a^t_s); in a sum all have one."
    ),
    source=Source.other_work("Gupta, Koren and Singer 2018; Morwani et al. 2024"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * (L_p * D_W * R_p), evaluate=False)),
        "first": Part(Kind.IDENTITY, sp.Eq(s_out, s_in ** (1 - 4 * p_e), evaluate=False)),
        "kept": KEPT,
        "sum": Part(Kind.IDENTITY, sp.Eq(weight_of, 1, evaluate=False)),
    },
    example=EXAMPLE,
)

OP_09 = Claim(
    id="OP-09",
    title="soap is Adam in the eigenbases of Shampoo's statistics",
    says=(
        "The gradients of the warm-up only fill the statistics. Later ones are seen in the "
        "eigenbases known before them: Adam's direction is formed there and turned back. The "
        "bases are computed afresh every few steps. While they stay, the run is Adam on the "
        "turned weights."
    ),
    source=Source.other_work("Vyas et al. 2024, arXiv 2409.11321, algorithm 3"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * (Q_L * U_W * Q_R.T), evaluate=False)),
        "first": FIRST,
        "second": SECOND,
        "direction": DIRECTION,
        "adam": Part(Kind.IDENTITY, sp.Eq(unequal, 0, evaluate=False)),
    },
    example=EXAMPLE,
)

OP_10 = Claim(
    id="OP-10",
    title="kfac divides by both factors of the layer",
    says=(
        "A step multiplies the gradient with (P + λ_P I)⁻¹ on the left and (Q + λI)⁻¹ on the "
        "right. The last layer has P = I. With averaging, P and Q are weighted means of all "
        "batches so far, with momentum the step enters a velocity that starts at zero. "
        "Alternating KFAC refits the head on the batch before the representation moves."
    ),
    source=Source.seen("Zhang et al. 2025, arXiv 2502.01763, eq. (5) and its factors"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * KFAC, evaluate=False)),
        "last_layer": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * FOOF, evaluate=False)),
        "kept": KEPT,
        "velocity": Part(Kind.IDENTITY, sp.Eq(x_next, b_m * x_ij + d_ij, evaluate=False)),
    },
    example=EXAMPLE,
)

OP_11 = Claim(
    id="OP-11",
    title="foof divides by the input factor alone",
    says=(
        "A step multiplies the gradient with (Q + λI)⁻¹ on the right. It is the same for every "
        "output factor. Averages and momentum are those of KFAC."
    ),
    source=Source.other_work("Benzing 2022"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * FOOF, evaluate=False)),
        "right_only": Part(Kind.IDENTITY, sp.Eq(unequal, 0, evaluate=False)),
        "kept": KEPT,
        "velocity": Part(Kind.IDENTITY, sp.Eq(x_next, b_m * x_ij + d_ij, evaluate=False)),
    },
    example=EXAMPLE,
)
