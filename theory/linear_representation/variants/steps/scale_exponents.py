"""LR-35: how the local rate of every method answers to units, noise and batch size."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.guards import choice, number
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    RANKS,
)
from theory.linear_representation.contraction.steps import gradient_step, kfac_step
from theory.linear_representation.notation import (
    E,
    F,
    F_star,
    G,
    G_next,
    G_sgd,
    G_star,
    N,
    Sigma_hat,
    X,
    eta,
    n,
)
from theory.linear_representation.variants.factors.notation_outputs import (
    G_e,
    G_u,
    G_ue,
    G_ug,
    c_L,
    c_n,
    c_s,
    c_x,
    c_y,
    r_S,
    rate_ratio,
)

SIGN_LIKE = c_x * sp.sqrt(c_n) / c_s
UNITS = {
    "head": c_y * F,
    "representation": G / c_x,
    "cov": c_x**2 * Sigma_hat,
    "noise": (c_y * c_x) * N,
    "truth": (c_y / c_x) * G_star,
}


def _empirical_step(
    head: sp.MatrixExpr,
    representation: sp.MatrixExpr,
    truth: sp.MatrixExpr,
    inputs: sp.MatrixExpr,
    noise: sp.MatrixExpr,
    step_size: sp.Expr,
) -> sp.MatrixExpr:
    """One KFAC step with P = F'(r'r/n)F of the residual rows r."""
    residual = noise + inputs * (F_star * truth - head * representation).T
    factor = head.T * (residual.T * residual / n) * head
    gradient = -head.T * (residual.T * inputs / n)
    return representation - step_size * (factor.inv() * gradient * (inputs.T * inputs / n).inv())


def _rate(value: sp.Expr) -> Part:
    return Part(Kind.RATE, sp.Eq(rate_ratio, value, evaluate=False))


def _unit(new: sp.MatrixExpr, old: sp.MatrixExpr) -> Part:
    return Part(Kind.IDENTITY, sp.Eq(new, old / c_x, evaluate=False))


LR_35 = Claim(
    id="LR-35",
    title="Scale exponents of the local rate",
    says=(
        "For small steps the local rate is a power of the units: of y (F⋆ and the noise times "
        "c_y), of the noise alone (c_σ), of x with the function unchanged (c_x), and of the rows "
        "in a batch (c_n). The four exponents distinguish the methods. They are all 0 for KFAC "
        "with the Gauss-Newton or the sampled factor, whose run is the same in all units of x and "
        "y. For the same run the step size of SGD is divided by c_y²c_x², and that of KFAC with "
        "the empirical factor is multiplied by c_y². Adam, Shampoo and Muon are taken where noise "
        "dominates the gradient, with the head kept; KFAC with an active KL clip moves both "
        "layers. A loss times c_L changes nothing where the output factor is that of the loss: its "
        "Hessian, or samples of its own variance 1/c_L. With samples of variance 1 and with "
        "empirical gradients the step is divided by c_L. With the slopes of the outputs alone, "
        "without the loss, it is multiplied by c_L."
    ),
    source=DERIVED,
    parts={
        "kfac_units": _unit(G_u, G_next),
        "sgd_units": _unit(G_ug, G_sgd),
        "empirical_units": _unit(G_ue, G_e),
        "kfac": _rate(sp.Integer(1)),
        "kfac_sampled": _rate(sp.Integer(1)),
        "kfac_empirical": _rate(1 / (c_y**2 * c_s**2)),
        "kfac_clipped": _rate(sp.sqrt(c_n) / (c_y * c_s)),
        "kfac_grafted": _rate(c_y**2 * c_x**2),
        "sgd": _rate(c_y**2 * c_x**2),
        "adam": _rate(SIGN_LIKE),
        "shampoo": _rate(
            c_y ** (2 - 8 * r_S) * c_s ** (-4 * r_S) * c_x ** (2 - 4 * r_S) * c_n ** (2 * r_S)
        ),
        "muon": _rate(SIGN_LIKE),
        "ngd": _rate(sp.Integer(1)),
        "ngd_empirical": _rate(1 / (c_y**2 * c_s**2)),
        "loss_gauss_newton": _rate(sp.Integer(1)),
        "loss_matched": _rate(sp.Integer(1)),
        "loss_sampled": _rate(1 / c_L),
        "loss_empirical": _rate(1 / c_L),
        "loss_outputs": _rate(c_L),
    },
    definitions={
        G_next: kfac_step(),
        G_u: kfac_step(**UNITS),
        G_sgd: gradient_step(),
        G_ug: gradient_step(**UNITS, step_size=eta / (c_y**2 * c_x**2)),
        G_e: _empirical_step(F, G, G_star, X, E, eta),
        G_ue: _empirical_step(
            c_y * F, G / c_x, (c_y / c_x) * G_star, c_x * X, c_y * E, eta * c_y**2
        ),
    },
    assumptions=(*RANKS, NO_DAMPING, FULL_RANK_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)

METHODS = tuple(
    name for name in LR_35.parts if not (name.endswith("_units") or name.startswith("loss_"))
)
PROBES = {"y": c_y, "noise": c_s, "x": c_x, "n": c_n}


def scale_exponents(method: str, *, exponent: float = 0.25) -> dict[str, float]:
    """Return the exponents of the local rate in y, noise, x and n, for small steps.

    y: F* and the noise are multiplied; noise: the noise alone; x: the inputs, with the function
    unchanged; n: the rows of a batch. exponent: that of each factor of "shampoo", in [0, 1].
    Raises: ValueError on another method or exponent.
    Source: derived (LR-35).
    """
    choice("method", method, METHODS)
    root = number("exponent", exponent, low=0.0, high=1.0)
    powers = LR_35.parts[method].relation.args[1].as_powers_dict()
    return {
        name: float(sp.sympify(powers.get(symbol, 0)).subs(r_S, root))
        for name, symbol in PROBES.items()
    }
