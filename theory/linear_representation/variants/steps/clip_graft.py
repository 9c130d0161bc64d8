"""LR-46: a clip on the natural length of the step, and steps grafted to the norm of SGD's."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    NOISY,
    RANKS,
    STEP_BELOW_ONE,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import (
    d,
    eta,
    k,
    m,
    multiplier,
    n,
    sigma,
    tr_cov,
    tr_H,
)
from theory.linear_representation.variants.steps.notation import (
    a_y,
    c_kl,
    e_kl,
    move_F,
    move_G,
    r_graft,
    r_kl,
    tr_cov_inv,
    tr_H_inv,
)

LENGTH = sigma**2 * k * (d + m) / n

LR_46 = Claim(
    id="LR-46",
    title="Clip and graft",
    says=(
        "At a solution the mean over batches of <gradient, direction>, summed over both layers of "
        "joint KFAC, is σ²k(d + m)/n. A clip that bounds η² times this sum by c leaves the step "
        "size e = √(cn/(σ²k(d + m))) wherever η > e, whatever η is. T then contracts by 1 − e, up "
        "to a share 1/(k(d + m)) of e: the clip depends on T as well. Steps grafted to SGD's norm, "
        "layer by layer, are not invariant: when the outputs are scaled by a, G moves a² times as "
        "far, and F, which is a times as large, moves a times as far. At a solution the mean "
        "square of the gradient of G over that of its direction is tr(H) tr(Σ)(n − d − 1)/(n "
        "tr(H⁻¹) tr(Σ⁻¹)); its root is the size of a grafted step over that of a plain one."
    ),
    source=DERIVED,
    parts={
        "clipped": Part(Kind.LIMIT, sp.Eq(multiplier, 1 - e_kl, evaluate=False)),
        "clip_step": Part(Kind.LIMIT, sp.Eq(e_kl, sp.sqrt(c_kl) / sp.sqrt(LENGTH), evaluate=False)),
        "unclipped": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta, evaluate=False)),
        "natural_length": Part(Kind.LAW, sp.Eq(r_kl, LENGTH, evaluate=False)),
        "graft_representation": Part(Kind.IDENTITY, sp.Eq(move_G, a_y**2, evaluate=False)),
        "graft_head": Part(Kind.IDENTITY, sp.Eq(move_F, a_y, evaluate=False)),
        "graft_ratio": Part(
            Kind.LAW,
            sp.Eq(
                r_graft,
                tr_H * tr_cov * (n - d - 1) / (n * tr_H_inv * tr_cov_inv),
                evaluate=False,
            ),
        ),
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        NOISY,
        STEP_POSITIVE,
        STEP_BELOW_ONE,
        Assumption("more rows than d + 1", n > d + 1),
    ),
    example=EXAMPLE,
    beyond_paper=True,
)
