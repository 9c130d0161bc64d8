"""LR-44: a bias as a homogeneous coordinate, and a bias with a factor of its own."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array, number
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_BELOW_TWO,
    STEP_POSITIVE,
)
from theory.linear_representation.noise_floors.floor_kfac import HEAD, KFAC_FLOOR, SCHUR
from theory.linear_representation.notation import (
    F,
    G,
    Sigma,
    count_q,
    d,
    eta,
    eta_F,
    eta_max,
    floor,
    k,
    m,
    multiplier,
    n,
)
from theory.linear_representation.rates.spectra import modes, multiset, sizes_of
from theory.linear_representation.variants.models.notation import (
    D_bias,
    D_slope,
    G_t,
    K_head,
    K_own,
    M_c,
    S_o,
    S_t,
    Z_o,
    Z_t,
    b_0,
    mean_2,
    mu,
    r_bar,
)

RHO = sp.sqrt(mean_2 / (1 + mean_2))
FLOOR = KFAC_FLOOR.subs(n, n - 1)
PUSH = -eta * (F.T * F).inv() * F.T
MOVE = PUSH * sp.BlockMatrix([[M_c + r_bar * mu.T, r_bar]]) * S_t.inv()
ONE = sp.Identity(1)
HIDDEN = G * (Sigma + mu * mu.T) * G.T + G * mu * b_0.T + b_0 * mu.T * G.T + b_0 * b_0.T
MODES: dict[str, tuple[sp.Expr, sp.Expr]] = {
    "shared_shared": (1 - eta - eta_F, k * (k + 1)),
    "shared_representation": (1 - eta, k * (d - k)),
    "shared_head": (1 - eta_F, (m - k) * (k + 1)),
    "shared_gauge": (sp.Integer(1), k * (k + 1)),
    "own_slow": (1 - eta * (1 - RHO), k),
    "own_fast": (1 - eta * (1 + RHO), k),
    "own_rest": (1 - eta, k * (d - 1)),
}


def both(found: dict[str, tuple[sp.Expr, sp.Expr]]) -> dict[str, Part]:
    """Return two parts per mode: its multiplier, and how often it occurs."""
    parts = {}
    for mode, (value, times) in found.items():
        parts[mode] = Part(Kind.RATE, sp.Eq(multiplier, value, evaluate=False))
        parts[f"{mode}_count"] = Part(Kind.IDENTITY, sp.Eq(count_q, times, evaluate=False))
    return parts


LR_44 = Claim(
    id="LR-44",
    title="KFAC with biases",
    says=(
        "A bias that is one more column of the weights, with the constant 1 as one more input, "
        "makes the step independent of the mean of the inputs: the weights move as on centred "
        "data, and the bias follows. Joint KFAC then has multipliers 1 − η (k(d − k) times), "
        "1 − η − η_F (k(k + 1) times), 1 − η_F ((m − k)(k + 1) times) and 1 (k(k + 1) times). "
        "The noise floor has n − d − 2 in place of n − d − 1. A bias with a factor of its own "
        "leaves out the correlation of the inputs with the constant. With the head held fixed the "
        "multipliers are 1 − η(1 ± ρ), ρ² = μ²/(1 + μ²) and μ² = μᵀΣ⁻¹μ: for a large mean the slow "
        "one is 1 − η/(2μ²), and stability ends at 2/(1 + ρ). With both layers moved, a row of "
        "the error follows K_o in the range of the head, and K_v outside it."
    ),
    source=DERIVED,
    parts={
        "slope": Part(
            Kind.IDENTITY, sp.Eq(D_slope, PUSH * M_c * Sigma.inv(), evaluate=False)
        ),
        "intercept": Part(
            Kind.IDENTITY,
            sp.Eq(D_bias, PUSH * (r_bar - M_c * Sigma.inv() * mu), evaluate=False),
        ),
        **both(MODES),
        "own_boundary": Part(Kind.RATE, sp.Eq(eta_max, 2 / (1 + RHO), evaluate=False)),
        "own_joint": Part(
            Kind.RATE,
            sp.Eq(
                K_own,
                sp.Identity(d + 1) - eta * S_t * S_o.inv() - eta_F * S_t * G_t.T * Z_o.inv() * G_t,
                evaluate=False,
            ),
        ),
        "own_head": Part(
            Kind.RATE,
            sp.Eq(K_head, sp.Identity(k + 1) - eta_F * Z_t * Z_o.inv(), evaluate=False),
        ),
        "floor": Part(Kind.LIMIT, sp.Eq(floor, FLOOR, evaluate=False)),
    },
    definitions={
        D_slope: MOVE * sp.BlockMatrix([[sp.Identity(d)], [sp.ZeroMatrix(1, d)]]),
        D_bias: MOVE * sp.BlockMatrix([[sp.ZeroMatrix(d, 1)], [ONE]]),
        S_t: sp.BlockMatrix([[Sigma + mu * mu.T, mu], [mu.T, ONE]]),
        S_o: sp.BlockMatrix(
            [[Sigma + mu * mu.T, sp.ZeroMatrix(d, 1)], [sp.ZeroMatrix(1, d), ONE]]
        ),
        G_t: sp.BlockMatrix([[G, b_0], [sp.ZeroMatrix(1, d), ONE]]),
        Z_t: sp.BlockMatrix([[HIDDEN, G * mu + b_0], [mu.T * G.T + b_0.T, ONE]]),
        Z_o: sp.BlockMatrix([[HIDDEN, sp.ZeroMatrix(k, 1)], [sp.ZeroMatrix(1, k), ONE]]),
        **HEAD,
        **SCHUR,
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        STEP_BELOW_TWO,
        Assumption("more rows than d + 2", n > d + 2),
    ),
    example={**EXAMPLE, "head_step_size": 0.1, "mean_norm2": 1.0},
    beyond_paper=True,
)  # fmt: skip


def bias_spectrum(*, step_size: float, mean_norm2: float, rank: int, input_dim: int) -> Array:
    """Return the multipliers of a first layer whose bias has its own factor, ascending.

    The head is held fixed; there are k(d + 1), one per weight. mean_norm2: mu' Sigma^{-1} mu with
    the mean and the covariance of the inputs; at 0 all multipliers are 1 - step_size.
    Raises: ValueError on a bad argument.
    Source: derived (LR-44).
    """
    found = modes(
        LR_44,
        "own",
        sizes_of(rank, input_dim, rank),
        step_size=number("step_size", step_size, low=0.0),
        mean_norm2=number("mean_norm2", mean_norm2, low=0.0),
    )
    return multiset(found)
