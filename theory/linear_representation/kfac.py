"""LR-03, LR-04, LR-06: one KFAC step on a finite batch, whatever the input covariance."""

import sympy as sp

from theory.claim import Claim, Kind
from theory.linear_representation.domain import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISELESS,
    NOISELESS_EXAMPLE,
    PAPER,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.steps import (
    NOISELESS as NO_NOISE,
)
from theory.linear_representation.steps import (
    error_cross,
    kfac_step,
    least_squares_head,
    pseudo_inverse,
)
from theory.notation import (
    F,
    F_ls,
    F_next,
    F_star,
    G,
    G_next,
    G_star,
    N,
    P_perp,
    Sigma_hat,
    d,
    eta,
    eta_F,
    grad_F,
    grad_G,
    k,
)

_PROJECTOR = sp.Identity(d) - G_star.T * G_star
_NOISE = pseudo_inverse(F) * N * Sigma_hat.inv()
_BAD_HEAD = F_star * (-((1 - eta) / eta) * (G * G_star.T)).inv()


LR_03 = Claim(
    id="LR-03",
    title="A KFAC step is an average with the truth, for any input covariance",
    says=(
        "Undamped KFAC on one batch moves the representation to (1-eta) G + eta F^+F*G* plus "
        "noise. Seen on the complement of the true subspace, what is left of G shrinks by exactly "
        "1-eta, for any input covariance, any invertible batch and any head of full column rank."
    ),
    kind=Kind.IDENTITY,
    source=PAPER,
    statement=sp.Tuple(
        sp.Eq(
            G_next,
            (1 - eta) * G + eta * pseudo_inverse(F) * F_star * G_star + eta * _NOISE,
            evaluate=False,
        ),
        sp.Eq(G_next * P_perp, (1 - eta) * G * P_perp + eta * _NOISE * P_perp, evaluate=False),
    ),
    parts=("step", "complement"),
    definitions={
        grad_G: F.T * error_cross(),
        G_next: G - eta * (F.T * F).inv() * grad_G * Sigma_hat.inv(),
        P_perp: _PROJECTOR,
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING),
    example=EXAMPLE,
)

LR_04 = Claim(
    id="LR-04",
    title="What contracts is the unnormalised part, not the distance",
    says=(
        "Without noise, G P shrinks by exactly 1-eta whatever the head. The subspace distance need "
        "not: for the head F*(-(1-eta)/eta GG*')^-1 one step makes G orthogonal to the true "
        "subspace, distance 1. So a hypothesis on the head is needed (least squares, or an average "
        "that tracks it). With eta = 1 the distance is 0 after one step for any usable head."
    ),
    kind=Kind.IDENTITY,
    source=DERIVED,
    statement=sp.Tuple(
        sp.Eq(kfac_step(noise=NO_NOISE) * P_perp, (1 - eta) * G * P_perp, evaluate=False),
        sp.Eq(
            kfac_step(head=_BAD_HEAD, noise=NO_NOISE) * G_star.T,
            sp.ZeroMatrix(k, k),
            evaluate=False,
        ),
        sp.Eq(
            kfac_step(noise=NO_NOISE, step_size=sp.Integer(1)) * P_perp,
            sp.ZeroMatrix(k, d),
            evaluate=False,
        ),
    ),
    parts=("unnormalised", "bad_head", "one_step"),
    definitions={P_perp: _PROJECTOR},
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING, NOISELESS, STEP_POSITIVE),
    example=NOISELESS_EXAMPLE,
    beyond_paper=True,
)

LR_06 = Claim(
    id="LR-06",
    title="The head of KFAC is an average of least-squares heads",
    says=(
        "The preconditioned head step is (1-eta_F) F + eta_F F_ls, with F_ls the least-squares "
        "head for the current representation and batch, where the head gradient vanishes."
    ),
    kind=Kind.IDENTITY,
    source=PAPER,
    statement=sp.Tuple(
        sp.Eq(F_next, (1 - eta_F) * F + eta_F * F_ls, evaluate=False),
        sp.Eq(error_cross(head=F_ls) * G.T, sp.ZeroMatrix(F.rows, k), evaluate=False),
    ),
    parts=("average", "least_squares"),
    definitions={
        grad_F: error_cross() * G.T,
        F_next: F - eta_F * grad_F * (G * Sigma_hat * G.T).inv(),
        F_ls: least_squares_head(),
    },
    assumptions=(*RANKS, FULL_RANK_BATCH, NO_DAMPING),
    example=EXAMPLE,
)
