"""LR-43: KFAC on deep linear chains."""

import sympy as sp
from sympy.matrices.expressions.kronecker import KroneckerProduct

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array, count, number, truth
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.noise_floors.floor_kfac import HEAD, KFAC_FLOOR, SCHUR
from theory.linear_representation.notation import (
    F,
    F_star,
    G,
    G_star,
    Sigma,
    Sigma_hat,
    X,
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
    C_mid,
    D_first,
    D_last,
    D_middle,
    E_p,
    J_first,
    J_last,
    J_middle,
    L_chain,
    Pi_in,
    Pi_out,
    eta_M,
    w_mid,
)

GAUGE = sp.Integer(1)
TOGETHER = 1 - eta - (L_chain - 2) * eta_M - eta_F
IN_TURN = (1 - eta) * (1 - eta_M) ** (L_chain - 2) * (1 - eta_F)


def gauss_newton_block(
    jacobian: sp.MatrixExpr, inputs: sp.MatrixExpr, above: sp.MatrixExpr
) -> sp.Eq:
    """The mean of J'J is the second moment of the layer's inputs times that of what is above."""
    return sp.Eq(
        jacobian.T * jacobian / n, KroneckerProduct(inputs, above.T * above), evaluate=False
    )


def spectrum(name: str, found: dict[str, tuple[sp.Expr, sp.Expr]]) -> dict[str, Part]:
    """Return two parts per mode: its multiplier, and how often it occurs."""
    parts = {}
    for mode, (value, times) in found.items():
        parts[f"{name}_{mode}"] = Part(Kind.RATE, sp.Eq(multiplier, value, evaluate=False))
        parts[f"{name}_{mode}_count"] = Part(Kind.IDENTITY, sp.Eq(count_q, times, evaluate=False))
    return parts


def narrow(shared: sp.Expr) -> dict[str, tuple[sp.Expr, sp.Expr]]:
    """Return the modes of a chain whose hidden layers all have width k."""
    return {
        "shared": (shared, k**2),
        "representation": (1 - eta, k * (d - k)),
        "head": (1 - eta_F, k * (m - k)),
        "gauge": (GAUGE, (L_chain - 1) * k**2),
    }


WIDE = {
    "shared": (1 - eta - eta_M - eta_F, k**2),
    "representation": (1 - eta, k * (d - k)),
    "middle": (1 - eta_M - eta_F, k * (w_mid - k)),
    "head": (1 - eta_F, k * (m - w_mid)),
    "gauge": (GAUGE, w_mid * (k + m) - k * (m - k)),
}

LR_43 = Claim(
    id="LR-43",
    title="KFAC on a deep linear chain",
    says=(
        "Each layer's block of the Gauss-Newton matrix is exactly the Kronecker product of the "
        "second moment of its inputs and the Gram matrix of all layers above. KFAC leaves out the "
        "blocks between layers. To first order the step of layer l removes the part of the "
        "product's error that layer l can express. With L layers moved together the shared error "
        "has multiplier 1 − η − (L − 2)η_M − η_F, so that one common step is stable exactly below "
        "2/L. Moved in turn, the product of the 1 − η_l takes its place. The new subspace is "
        "learned by the first layer alone: 1 − η at every depth, with the noise floor of two "
        "layers. If the second hidden layer is wider, an error has the sum of the steps of those "
        "layers that can express it; pseudo-inverses take the place of inverses there."
    ),
    source=DERIVED,
    parts={
        "product": Part(
            Kind.IDENTITY,
            sp.Eq(
                F * C_mid * D_first + F * D_middle * G + D_last * C_mid * G,
                -eta * Pi_out * E_p - eta_M * Pi_out * E_p * Pi_in - eta_F * E_p * Pi_in,
                evaluate=False,
            ),
        ),
        "block_first": Part(
            Kind.IDENTITY, gauss_newton_block(J_first, Sigma_hat, F * C_mid)
        ),
        "block_middle": Part(
            Kind.IDENTITY, gauss_newton_block(J_middle, G * Sigma_hat * G.T, F)
        ),
        "block_last": Part(
            Kind.IDENTITY,
            gauss_newton_block(
                J_last, C_mid * G * Sigma_hat * G.T * C_mid.T, sp.Identity(m)
            ),
        ),
        **spectrum("together", narrow(TOGETHER)),
        **spectrum("in_turn", narrow(IN_TURN)),
        **spectrum("wide", WIDE),
        "boundary": Part(Kind.RATE, sp.Eq(eta_max, 2 / L_chain, evaluate=False)),
        "floor": Part(Kind.LIMIT, sp.Eq(floor, KFAC_FLOOR, evaluate=False)),
    },
    definitions={
        Sigma_hat: X.T * X / n,
        J_first: KroneckerProduct(X, F * C_mid),
        J_middle: KroneckerProduct(X * G.T, F),
        J_last: KroneckerProduct(X * G.T * C_mid.T, sp.Identity(m)),
        E_p: F * C_mid * G - F_star * G_star,
        D_first: -eta * (C_mid.T * F.T * F * C_mid).inv() * C_mid.T * F.T * E_p * Sigma
        * Sigma.inv(),
        D_middle: -eta_M * (F.T * F).inv() * F.T * E_p * Sigma * G.T * (G * Sigma * G.T).inv(),
        D_last: -eta_F * E_p * Sigma * G.T * C_mid.T
        * (C_mid * G * Sigma * G.T * C_mid.T).inv(),
        Pi_out: F * (F.T * F).inv() * F.T,
        Pi_in: Sigma * G.T * (G * Sigma * G.T).inv() * G,
        **HEAD,
        **SCHUR,
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        Assumption("at least two layers", L_chain >= 2),
        Assumption("the shared error is stable", eta + (L_chain - 2) * eta_M + eta_F < 2),
        Assumption("more rows than d + 1", n > d + 1),
    ),
    example={**EXAMPLE, "num_layers": 3, "middle_step_size": 0.2, "head_step_size": 0.1},
    beyond_paper=True,
)  # fmt: skip


def chain_spectrum(
    *,
    step_size: float,
    middle_step_size: float,
    head_step_size: float,
    num_layers: int,
    rank: int,
    input_dim: int,
    output_dim: int,
    in_turn: bool = False,
) -> Array:
    """Return the local multipliers of KFAC on a chain of hidden width rank, ascending.

    There are k(d + m) + (L - 2)k^2 of them, one per weight. num_layers: at least 2, for which the
    middle step size is not used. in_turn: each layer's step sees the new ones before it.
    Raises: ValueError on a bad argument.
    Source: derived (LR-43).
    """
    layers = count("num_layers", num_layers, low=2)
    sizes = {**sizes_of(rank, input_dim, output_dim), "num_layers": layers}
    found = modes(
        LR_43,
        "in_turn" if truth("in_turn", in_turn) else "together",
        sizes,
        num_layers=layers,
        step_size=number("step_size", step_size, low=0.0),
        middle_step_size=number("middle_step_size", middle_step_size, low=0.0),
        head_step_size=number("head_step_size", head_step_size, low=0.0),
    )
    return multiset(found)
