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
    asked,
    b_a,
    c_clip,
    c_W,
    d_ij,
    drop,
    found,
    lam_P,
    lam_r,
    n_slope,
    norm_move,
    nu_clip,
    omega,
    p_e,
    past,
    pi_W,
    r_W,
    s_in,
    s_out,
    unequal,
    w,
    w_next,
    weight_of,
    x_ij,
    x_next,
)  # fmt: skip
from theory.optimizers.rules.adaptive import DIRECTION, FIRST, SECOND

EXAMPLE = {"step_size": 0.1, "momentum": 0.5, "damping": 0.1, "averaging": 0.5}

KEPT = Part(Kind.IDENTITY, sp.Eq(weight_of, (1 - b_a) * b_a**past / (1 - b_a**age), evaluate=False))
KFAC = (P_W + lam_P * sp.Identity(r_W)).inv() * D_W * (Q_W + lam * sp.Identity(c_W)).inv()
FOOF = D_W * (Q_W + lam * sp.Identity(c_W)).inv()
PI = (
    (P_W + (lam_r / pi_W) * sp.Identity(r_W)).inv()
    * D_W
    * (Q_W + (pi_W * lam_r) * sp.Identity(c_W)).inv()
)

MEMORY = {
    "velocity": Part(Kind.IDENTITY, sp.Eq(x_next, b_m * x_ij + d_ij, evaluate=False)),
    "averaged": Part(Kind.IDENTITY, sp.Eq(x_next, b_m * x_ij + (1 - b_m) * d_ij, evaluate=False)),
    "nesterov": Part(Kind.IDENTITY, sp.Eq(w_next, w + d_ij + b_m * x_next, evaluate=False)),
    "decay": Part(Kind.IDENTITY, sp.Eq(w_next, (1 - eta * omega) * w, evaluate=False)),
    "clip": Part(Kind.IDENTITY, sp.Eq(nu_clip, sp.Min(1, sp.sqrt(c_clip / drop)), evaluate=False)),
    "graft": Part(Kind.IDENTITY, sp.Eq(norm_move, eta * n_slope, evaluate=False)),
}

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
        "bases are exact at the end of the warm-up. Every few steps they are renewed: exactly, or "
        "by one power iteration and a QR decomposition, the largest direction first, and the "
        "squares keep to their directions. While they stay, the run is Adam on the turned weights."
    ),
    source=Source.other_work("Vyas et al. 2024, arXiv 2409.11321, algorithms 3 and 4"),
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
        "right. The last layer has P = I. Kronecker damping adds λ to the product of the factors, "
        "the split by π adds √λ/π to P and π√λ to Q. With averaging, P and Q are weighted means of "
        "all batches so far, or of those at which they are renewed. With momentum the step enters "
        "a velocity that starts at zero, kept in one of three ways. Decoupled decay is multiplied "
        "by the step size; coupled decay enters the gradient. A clip multiplies the step with "
        "min(1, √(c_d/d_L)), a graft gives it the length of a gradient step. Alternating KFAC "
        "refits the head on the batch before the representation moves. The output factor comes "
        "from the batch of the gradients, wherever Q comes from; its samples are new for every "
        "seed and step."
    ),
    source=Source.seen("Zhang et al. 2025, arXiv 2502.01763, eq. (5) and its factors"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * KFAC, evaluate=False)),
        "last_layer": Part(
            Kind.IDENTITY, sp.Eq(W_next, W - (eta / (1 + lam_P)) * FOOF, evaluate=False)
        ),
        "kronecker": Part(Kind.IDENTITY, sp.Eq(D_W, P_W * U_W * Q_W + lam * U_W, evaluate=False)),
        "pi": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * PI, evaluate=False)),
        "samples": Part(Kind.IDENTITY, sp.Eq(found, asked, evaluate=False), "different samples"),
        "kept": KEPT,
        **MEMORY,
    },
    example=EXAMPLE,
)

OP_11 = Claim(
    id="OP-11",
    title="foof divides by the input factor alone",
    says=(
        "A step multiplies the gradient with (Q + λI)⁻¹ on the right; a damping λ_P of P = I "
        "divides it by 1 + λ_P. It is the same for every output factor. Averages, momentum, decay, "
        "clip and graft are those of KFAC."
    ),
    source=Source.other_work("Benzing 2022"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(W_next, W - (eta / (1 + lam_P)) * FOOF, evaluate=False)),
        "right_only": Part(Kind.IDENTITY, sp.Eq(unequal, 0, evaluate=False)),
        "kept": KEPT,
        **MEMORY,
    },
    example=EXAMPLE,
)
