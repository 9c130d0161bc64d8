"""LR-27: the changes of variables a method commutes with."""

from collections.abc import Callable

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    RANKS,
)
from theory.linear_representation.contraction.steps import error_cross, gradient_step, kfac_step
from theory.linear_representation.notation import (
    D_A,
    D_F,
    D_FG,
    D_G,
    F_R,
    G_A,
    G_Q,
    G_R,
    A,
    F,
    F_next,
    G,
    G_next,
    G_sgd,
    G_star,
    N,
    Q,
    R_gauge,
    Sigma_hat,
    eta_F,
    moved,
)


def _head_step(head: sp.MatrixExpr, representation: sp.MatrixExpr) -> sp.MatrixExpr:
    inner = (representation * Sigma_hat * representation.T).inv()
    gradient = error_cross(head, representation) * representation.T
    return head - eta_F * gradient * inner


def _mapped(
    step: Callable[..., sp.MatrixExpr], linear_map: sp.MatrixExpr, inverse: sp.MatrixExpr
) -> sp.MatrixExpr:
    """The step seen in coordinates z = linear_map x."""
    return step(
        F, G * inverse, linear_map * Sigma_hat * linear_map.T, N * linear_map.T, G_star * inverse
    )


def _change(
    direction_G: sp.MatrixExpr, direction_F: sp.MatrixExpr, representation: sp.MatrixExpr
) -> sp.MatrixExpr:
    return F * direction_G + direction_F * representation


GAUSS_NEWTON = sp.Eq(
    sp.Trace(D_A * (A * Sigma_hat * A.T) * D_A.T),
    sp.Trace(D_FG * Sigma_hat * D_FG.T),
    evaluate=False,
)

LR_27 = Claim(
    id="LR-27",
    title="Invariances",
    says=(
        "Undamped KFAC commutes with every invertible map of the input and with every change of "
        "basis of the representation, in both layers. The Gauss-Newton form is invariant under "
        "input maps. The natural gradient therefore moves the product FG alike to first order in "
        "the step. Its pseudo-inverse fixes the gauge part by the Euclidean norm, which enters at "
        "order η². SGD, Shampoo and Muon commute with rotations of the input only. Adam commutes "
        "with signed permutations of the input only. Every optimizer states the changes of "
        "variables that it commutes with: two runs related by one of these stay equal, Δ_C = 0, "
        "and two runs related by another one part, Δ_C > 0."
    ),
    source=DERIVED,
    parts={
        "kfac_input_map": Part(Kind.IDENTITY, sp.Eq(G_A, G_next * A.inv(), evaluate=False)),
        "kfac_gauge": Part(Kind.IDENTITY, sp.Eq(G_R, R_gauge * G_next, evaluate=False)),
        "kfac_head_gauge": Part(Kind.IDENTITY, sp.Eq(F_R, F_next * R_gauge.inv(), evaluate=False)),
        "gauss_newton": Part(Kind.IDENTITY, GAUSS_NEWTON),
        "sgd_rotation": Part(Kind.IDENTITY, sp.Eq(G_Q, G_sgd * Q.T, evaluate=False)),
        "kept": Part(Kind.IDENTITY, sp.Eq(moved, 0), "two runs that stay equal"),
        "broken": Part(Kind.BOUND, sp.Gt(moved, 0), "two runs that part"),
    },
    definitions={
        G_next: kfac_step(),
        G_A: _mapped(kfac_step, A, A.inv()),
        G_R: kfac_step(F * R_gauge.inv(), R_gauge * G),
        F_next: _head_step(F, G),
        F_R: _head_step(F * R_gauge.inv(), R_gauge * G),
        D_FG: _change(D_G, D_F, G),
        D_A: _change(D_G * A.inv(), D_F, G * A.inv()),
        G_sgd: gradient_step(),
        G_Q: _mapped(gradient_step, Q, Q.T),
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING),
    example=EXAMPLE,
)
