"""LR-33: the output factor from Gauss-Newton, from samples, from the residuals of the batch."""

import numpy as np
import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.formula import numeric
from theory.core.guards import choice, count, finite_if_given, in_float_range, number
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    NOISY,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.noise_floors.floor_kfac import HEAD, SCHUR
from theory.linear_representation.notation import (
    H,
    Sigma_s,
    alpha,
    d,
    eta,
    eta_max,
    floor,
    k,
    multiplier,
    n,
    sigma,
)
from theory.linear_representation.variants.factors.notation_outputs import (
    N_s,
    beta_F,
    o_1,
    o_2,
    s_row,
)

KINDS = ("gauss_newton", "sampled", "empirical")
SCALE = sigma**2 * sp.Trace(sp.Inverse(H)) * sp.Trace(sp.Inverse(Sigma_s)) / (n - d - 1)
FELT = alpha * n / (n - 2 * k - 1 + (d - k) * alpha / (2 - alpha))
_FELT = numeric(FELT)


def _floor(level: sp.Expr) -> Part:
    return Part(Kind.LIMIT, sp.Eq(floor, level * SCALE, evaluate=False))


def _multiplier(value: sp.Expr) -> Part:
    return Part(Kind.LIMIT, sp.Eq(multiplier, value, evaluate=False))


LR_33 = Claim(
    id="LR-33",
    title="Output factor: Gauss-Newton, sampled, empirical",
    says=(
        "With the least-squares head and both factors from the batch, the Gauss-Newton factor FᵀF "
        "gives the mean multiplier 1 − η of the tangents. With s_r unit-variance samples per row, "
        "N_s = s_r n in all, the mean of an inverse Wishart matrix makes it 1 − η N_s/(N_s − k − "
        "1), and the noise floor takes the mean of its square as well; above 2o_1/o_2 the step is "
        "unstable. The empirical factor holds "
        "the noise variance, so its step is α_F = η/σ². Its mean multiplier near the truth is "
        "exactly 1 − α_F n/(n − k): the residuals that make the factor also make the gradient, and "
        "by Stein's identity this lowers the n/(n − 2k − 1) that the residuals of another batch of "
        "n rows around a head refitted on it give. Its noise floor is that of the step β_F, to "
        "leading order in k/n. So sampled and empirical factors differ even where σ = 1 makes "
        "their means equal."
    ),
    source=DERIVED,
    parts={
        "gauss_newton": _multiplier(1 - eta),
        "gauss_newton_floor": _floor(eta / (2 - eta)),
        "sampled": _multiplier(1 - eta * o_1),
        "sampled_floor": _floor(eta * o_2 / (2 * o_1 - eta * o_2)),
        "sampled_stable": Part(Kind.LIMIT, sp.Eq(eta_max, 2 * o_1 / o_2, evaluate=False)),
        "empirical": _multiplier(1 - alpha * n / (n - k)),
        "empirical_other": _multiplier(1 - alpha * n / (n - 2 * k - 1)),
        "empirical_floor": _floor(beta_F / (2 - beta_F)),
    },
    definitions={
        N_s: s_row * n,
        o_1: N_s / (N_s - k - 1),
        o_2: N_s**2 * (N_s - 1) / ((N_s - k) * (N_s - k - 1) * (N_s - k - 3)),
        alpha: eta / sigma**2,
        beta_F: FELT,
        **HEAD,
        **SCHUR,
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        NOISY,
        STEP_POSITIVE,
        Assumption("more rows than d + 1", n > d + 1),
        Assumption("more rows than 2k + 3", n > 2 * k + 3),
    ),
    example=EXAMPLE,
    beyond_paper=True,
)


@in_float_range
def output_factor(
    kind: str,
    *,
    step_size: float,
    n: int,
    d: int,
    k: int,
    samples_per_row: int | None = None,
    noise_std: float | None = None,
) -> tuple[float, float]:
    """Return (mean multiplier of T, floor) of KFAC with same-batch factors of n Gaussian rows.

    floor: stationary E|T|_F^2 over noise_std^2 tr(H^-1) tr(Sigma_s^-1). kind:

    - "gauss_newton": P = F'F
    - "sampled": samples_per_row unit-variance samples for every row
    - "empirical": residuals of the batch; needs noise_std, [y], and step_size in [y]^2

    Raises: ValueError on another kind, a missing argument or one out of bounds, n < d + 2 or too
    few samples for a mean square, or a step size without a floor.
    Source: derived (LR-33); "empirical" has its floor to leading order in k/n.
    """
    choice("kind", kind, KINDS)
    finite_if_given(samples_per_row=samples_per_row, noise_std=noise_std)
    eta = number("step_size", step_size, low=0.0, open_low=True)
    rank = count("k", k)
    dim = count("d", d, low=rank + 1)
    rows = count("n", n, low=max(dim, 2 * rank + 2) + 2)
    known: dict[str, float] = {"step_size": eta}
    # only the traces of the inverses enter: one direction, in which they are 1, and noise 1
    letters = {"eta": eta, "sigma": 1.0, "H": np.eye(1), "Sigma_s": np.eye(1)}
    sizes = {"n": rows, "d": dim, "k": rank}
    if kind == "gauss_newton":
        number("step_size", eta, high=2.0, open_high=True)
    elif kind == "sampled":
        sizes["s_r"] = count("samples_per_row", samples_per_row)
        known |= {"samples_per_row": sizes["s_r"], "batch_size": rows, "rank": rank}
        limit = LR_33["sampled_stable"].number(
            samples_per_row=sizes["s_r"], batch_size=rows, rank=rank
        )
        number("step_size", eta, high=limit, open_high=True)
    else:
        std = number("noise_std", noise_std, low=0.0, open_low=True)
        known |= {"noise_std": std, "batch_size": rows, "rank": rank}
        number("step_size", eta, high=2 * std**2, open_high=True)
        letters["eta"] = eta / std**2
        felt = _FELT(effective_step=letters["eta"], batch_size=rows, rank=rank, input_dim=dim)
        number("mean effective step", float(felt), high=2.0, open_high=True)
    stated = LR_33[f"{kind}_floor"].matrix(letters, sizes=sizes)
    return float(LR_33[kind].number(**known)), float(stated)
