"""LR-45: joint KFAC from a random start: what decays, and how long the plateau lasts."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array, matrix, number, positive_definite
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_BELOW_ONE,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import (
    B,
    F,
    F_next,
    F_star,
    G,
    G_next,
    G_star,
    Sigma_hat,
    eta,
    eta_F,
    k,
    lam_i,
    m,
    t_steps,
)
from theory.linear_representation.variants.models.notation import (
    V_F,
    V_G,
    Q_off,
    clock,
    clock_need,
    f_off,
    s_off,
    t_plateau,
    tan_want,
    y_start,
)

HIDDEN = G * Sigma_hat * G.T
ERROR = F * G - F_star * G_star
KEPT = 1 - eta
CLOCK = KEPT * (KEPT ** (-2 * t_steps) - 1) / (2 - eta)
NEEDED = f_off * s_off / sp.sqrt(lam_i) * (
    sp.log(s_off / (y_start * tan_want)) + 1 / (2 * tan_want**2) - y_start**2 / (2 * s_off**2)
)  # fmt: skip
PLATEAU = sp.log(1 + (2 - eta) * clock_need / KEPT) / (-2 * sp.log(KEPT))
SMALL = 1e-12  # what rounding leaves of a part that is not there, relative to the whole

LR_45 = Claim(
    id="LR-45",
    title="Plateau of joint KFAC",
    says=(
        "Without noise a joint step multiplies the part of G outside the true subspace by 1 − η "
        "and the part of F outside the range of F⋆ by 1 − η_F, on every batch and from every "
        "start. With equal steps, weights divided by (1 − η)ᵗ take Euler steps of a flow whose "
        "time after t steps is (1 − η)((1 − η)⁻²ᵗ − 1)/(2 − η). The flow conserves det(FᵀF)/det(G "
        "Σ Gᵀ). For k = 1 and a start on the unstable manifold of the plateau, the flow needs "
        "exactly the stated time to reach an angle, all lengths in the metric of Σ; the steps "
        "follow from the clock, as η tends to 0. From random starts with k at most 3, the "
        "smallest eigenvalue of F⋆ᵀF⋆ and root mean squares over the rows, the mean number of "
        "steps is that of the formula up to 15 %. The condition number of Σ does not enter."
    ),
    source=DERIVED,
    parts={
        "representation_decay": Part(
            Kind.IDENTITY, sp.Eq(G_next * B.T, KEPT * G * B.T, evaluate=False)
        ),
        "head_decay": Part(
            Kind.IDENTITY, sp.Eq(Q_off * F_next, (1 - eta_F) * Q_off * F, evaluate=False)
        ),
        "euler_representation": Part(
            Kind.IDENTITY, sp.Eq(G_next, KEPT * (G + eta / KEPT * V_G), evaluate=False)
        ),
        "euler_head": Part(
            Kind.IDENTITY,
            sp.Eq(F_next, (1 - eta_F) * (F + eta_F / (1 - eta_F) * V_F), evaluate=False),
        ),
        "conserved": Part(
            Kind.IDENTITY,
            sp.Eq(
                sp.Trace((F.T * F).inv() * F.T * V_F),
                sp.Trace(HIDDEN.inv() * V_G * Sigma_hat * G.T),
                evaluate=False,
            ),
        ),
        "clock": Part(Kind.IDENTITY, sp.Eq(clock, CLOCK, evaluate=False)),
        "needed": Part(Kind.LIMIT, sp.Eq(clock_need, NEEDED, evaluate=False)),
        "plateau": Part(Kind.LIMIT, sp.Eq(t_plateau, PLATEAU, evaluate=False)),
    },
    definitions={
        G_next: G - eta * (F.T * F).inv() * F.T * ERROR * Sigma_hat * Sigma_hat.inv(),
        F_next: F - eta_F * ERROR * Sigma_hat * G.T * HIDDEN.inv(),
        V_G: (F.T * F).inv() * F.T * F_star * G_star,
        V_F: F_star * G_star * Sigma_hat * G.T * HIDDEN.inv(),
        Q_off: sp.Identity(m) - F_star * (F_star.T * F_star).inv() * F_star.T,
    },
    assumptions=(
        *RANKS,
        NOISELESS,
        NO_DAMPING,
        STEP_POSITIVE,
        STEP_BELOW_ONE,
        Assumption("the head has rows to spare", m > k),
    ),
    example={**EXAMPLE, "noise_std": 0.0},
    beyond_paper=True,
)


def plateau_length(
    head: ArrayLike,
    representation: ArrayLike,
    *,
    head_star: ArrayLike,
    representation_star: ArrayLike,
    cov_x: ArrayLike,
    step_size: float,
    tan_angle: float = 1.0,
) -> float:
    """Return how many joint KFAC steps a start needs until the largest angle has this tangent.

    Shapes: head, head_star (m, k) with m > k; representation, representation_star (k, d); cov_x
    (d, d). Angles are those of the Sigma inner product; both layers have the same step size; no
    noise. A start that is already closer needs 0 steps. Exact for k = 1 on the unstable manifold
    and small steps, otherwise an approximation: within 15 % in the mean over starts for k <= 3, for
    larger k about 10 % too small.
    Raises: ValueError on a bad argument, a truth of lower rank, a head within the range of the true
    one, or a start that does not grow.
    Source: derived (LR-45).
    """
    eta = number("step_size", step_size, low=0.0, high=1.0, open_low=True, open_high=True)
    tan = number("tan_angle", tan_angle, low=0.0, open_low=True)
    sizes = start_sizes(head, representation, head_star, representation_star, cov_x)
    if sizes["complement_size"] == 0.0:
        return 0.0
    needed = LR_45["needed"].number(**sizes, tan_angle=tan)
    return float(LR_45["plateau"].number(step_size=eta, plateau_time=max(float(needed), 0.0)))


def start_sizes(
    head: ArrayLike,
    representation: ArrayLike,
    head_star: ArrayLike,
    representation_star: ArrayLike,
    cov_x: ArrayLike,
) -> dict[str, float]:
    """Return what of a start the plateau depends on, by code name; all in whitened inputs."""
    truth = matrix("head_star", head_star, (None, None))
    m, k = truth.shape
    if m <= k:
        raise ValueError(f"head_star has {m} rows, needs more than its {k} columns")
    rows_star = matrix("representation_star", representation_star, (k, None))
    d = rows_star.shape[1]
    F_0, G_0 = matrix("head", head, (m, k)), matrix("representation", representation, (k, d))
    root = np.linalg.cholesky(positive_definite("cov_x", cov_x, d))
    Q, L = np.linalg.qr((rows_star @ root).T)
    left, singular, turn = np.linalg.svd(truth @ L.T, full_matrices=False)
    if singular[-1] <= singular[0] * SMALL:
        raise ValueError(
            f"head_star representation_star has singular value {singular[-1]:.3g}, needs rank {k}"
        )
    inside = G_0 @ root @ Q @ turn.T  # (k, k), columns in the order of the eigenvalues
    outside = G_0 @ root - G_0 @ root @ Q @ Q.T
    head_inside = left.T @ F_0  # sqrt(lambda) times the coordinates of the head
    head_outside = F_0 - left @ head_inside
    s, f = _rms_row(outside, G_0 @ root), _rms_row(head_outside.T, F_0)
    number("head_off_size of the start", f, low=0.0, open_low=True)
    growing = (inside + s / f * head_inside.T) / 2
    y = float(np.linalg.svd(growing, compute_uv=False)[-1])
    return {
        "complement_size": s,
        "head_off_size": f,
        "start_overlap": number("start_overlap of the start", y, low=0.0, open_low=True),
        "head_eigenvalue": float(singular[-1] ** 2),
    }


def _rms_row(rows: Array, whole: Array) -> float:
    """Return the root mean square norm of the rows, 0 at the rounding level of ``whole``."""
    size = float(np.sqrt(np.square(rows).sum() / len(rows)))
    return 0.0 if size <= SMALL * float(np.linalg.norm(whole)) else size
