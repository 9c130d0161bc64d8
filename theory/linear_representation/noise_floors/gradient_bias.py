"""LR-17: when the gradient of the representation is biased by the label noise."""

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array, choice, count, finite_if_given, number, positive_definite
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import EXAMPLE, GAUSSIAN, NO_DAMPING, RANKS
from theory.linear_representation.contraction.steps import error_cross, least_squares_head
from theory.linear_representation.notation import (
    B,
    F_ls,
    F_star,
    G,
    G_star,
    K_var,
    N,
    N_in,
    N_out,
    S_ls,
    Sigma,
    Sigma_hat,
    bias,
    d,
    grad_G,
    k,
    m,
    n,
    n_2,
    sigma,
)

_SS = G_star * Sigma * G_star.T
_SP = G_star * Sigma * B.T
_INNER = (G * Sigma_hat * G.T).inv()

INDEPENDENT_BIAS = (m * sigma**2 / (n_2 - k - 1)) * _SS.inv() * _SP
HETEROSCEDASTIC_BIAS = (-m / n) * (
    _SS.inv() * (G_star * K_var * B.T - G_star * K_var * G_star.T * _SS.inv() * _SP)
)
NO_BIAS = sp.ZeroMatrix(k, d - k)
SETTINGS = ("same_batch", "independent_batch", "independent_batch_whitened", "heteroscedastic")

LR_17 = Claim(
    id="LR-17",
    title="Bias of the gradient step on one task",
    says=(
        "One task with m outputs is learned. If the variance of the label noise is constant, the "
        "head of the same batch causes no bias of the gradient: the gradient splits into a head "
        "part and a noise part, which are uncorrelated. A head from an independent batch of n_2 "
        "rows causes a bias, unless the gradient is whitened. If the noise variance depends on x, "
        "the head of the same batch causes a bias of order m/n. The de-bias result for many tasks "
        "with covariances of their own concerns another setting."
    ),
    source=Source.derived()
    + Source.other_work("Zhang et al. 2023, arXiv 2308.04428: the question, for many tasks"),
    parts={
        "same_batch": Part(Kind.LIMIT, sp.Eq(bias, NO_BIAS, evaluate=False)),
        "decomposition": Part(
            Kind.IDENTITY,
            sp.Eq(
                grad_G,
                (F_star * S_ls + N_in).T * (F_star * (S_ls * G - G_star) * Sigma_hat - N_out),
                evaluate=False,
            ),
        ),
        "independent_batch": Part(Kind.LIMIT, sp.Eq(bias, INDEPENDENT_BIAS, evaluate=False)),
        "independent_batch_whitened": Part(Kind.LIMIT, sp.Eq(bias, NO_BIAS, evaluate=False)),
        "heteroscedastic": Part(Kind.LIMIT, sp.Eq(bias, HETEROSCEDASTIC_BIAS, evaluate=False)),
    },
    definitions={
        grad_G: F_ls.T * error_cross(head=F_ls),
        F_ls: least_squares_head(),
        S_ls: G_star * Sigma_hat * G.T * _INNER,
        N_in: N * G.T * _INNER,
        N_out: N * (sp.Identity(d) - G.T * _INNER * G * Sigma_hat),
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        Assumption("more head rows than k + 1", n_2 > k + 1),
    ),
    example={**EXAMPLE, "head_batch_size": 200},
    beyond_paper=True,
)


def gradient_bias(
    setting: str,
    *,
    cov_x: ArrayLike,
    rank: int,
    output_dim: int,
    n: int,
    noise_std: float = 0.0,
    variance_weighted_cov: ArrayLike | None = None,
) -> Array:
    """Return the mean gradient on the complement at G = G*, shape (k, d - k).

    setting: "same_batch", "independent_batch", "independent_batch_whitened" or "heteroscedastic"
    (same batch, leading order). cov_x (d, d) in coordinates where G* = [I_k 0]. n: rows of the
    batch the head is fitted on. variance_weighted_cov: K = E[sigma^2(x) x x'] (d, d), only for
    "heteroscedastic"; noise_std only for "independent_batch". Gaussian input.
    Raises: ValueError on a bad argument, or n <= rank + 1.
    Source: derived (LR-17).
    """
    choice("setting", setting, SETTINGS)
    finite_if_given(variance_weighted_cov=variance_weighted_cov)
    cov = positive_definite("cov_x", cov_x)
    size, rows = cov.shape[0], count("n", n, low=count("rank", rank) + 2)
    if rank >= size:
        raise ValueError(f"rank={rank}, needs < input_dim={size}")
    frame = np.eye(size)
    values: dict[str, Array | float] = {
        "Sigma": cov,
        "G^*": frame[:rank],
        "B": frame[rank:],
        "sigma": number("noise_std", noise_std, low=0.0),
    }
    if setting == "heteroscedastic":
        values["K"] = positive_definite("variance_weighted_cov", variance_weighted_cov, size)
    sizes = {"d": size, "k": rank, "m": count("output_dim", output_dim), "n": rows, "n_2": rows}
    return LR_17[setting].matrix(values, sizes=sizes)
