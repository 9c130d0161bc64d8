"""SI-17: a factor that mixes the gradient's own batch with others enters through two numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sympy as sp
from scipy import optimize

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.guards import in_float_range, reals
from theory.core.part import Kind, Part
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    BASE,
    DAMPED,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    WHITENING_BATCH,
)
from theory.single_index.domain import (
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import aspect_2 as phi_2
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import lam, rho2, rho2_cov, s2_link, tau2
from theory.single_index.notation import s_cov as s
from theory.single_index.variants.factor_notation import (
    W_mix,
    a_other,
    a_own,
    alpha_mix,
    g_mix,
    q_mix,
    u_own,
)

WEIGHTS = ("identity", "covariance")
# share of an eigendirection that the factor keeps, what it loses, and the gain of the noise
LETTERS = {ge.P: s / (s + alpha_mix), ge.K: alpha_mix / (s + alpha_mix), ge.r: 1 / (s + alpha_mix)}

# s2 + c1^2 E[s - 2 u s P + g s P^2], without cancellation where u = g = 1
_MISFIT = E(s * ge.K**2) + 2 * (1 - u_own) * E(s * ge.P) - (1 - g_mix) * E(s * ge.P**2)
NOISE_LEVEL = (s2_link + c1**2 * _MISFIT) / (1 - phi * g_mix * E(ge.P**2))
MEANINGS = {tau2: NOISE_LEVEL, **LETTERS}

_OWN = a_own / (1 + a_own * phi * q_mix)
_OTHER = a_other / (1 + a_other * phi_2 * q_mix)

SI_17 = Claim(
    id="SI-17",
    title="A mixed factor enters the alignment through two numbers",
    says=(
        "The factor M is any weighted sum of the covariances of the gradient's own batch and of "
        "independent batches. Its alignment depends on the weights through three numbers: an "
        "effective damping λ_M = λ/W_M, the own batch's share u_0, and the energy g_M of the "
        "shares. The same batch has u_0 = g_M = 1, an independent batch u_0 = 0 and "
        "g_M = φ_2/φ, the exact covariance u_0 = g_M = 0. The shares are printed for two batches."
    ),
    source=DERIVED,
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, ge.isotropic(ge.kfac_alignment(ge.ONE)))),
        "correlation": Part(Kind.LIMIT, sp.Eq(rho2_cov, ge.isotropic(ge.kfac_alignment(s)))),
        "fixed_point": Part(Kind.LIMIT, sp.Eq(W_mix, _OWN + _OTHER)),
        "own_share": Part(Kind.LIMIT, sp.Eq(u_own, _OWN / W_mix)),
        "share_energy": Part(
            Kind.LIMIT, sp.Eq(g_mix, u_own**2 + phi_2 / phi * (1 - u_own) ** 2, evaluate=False)
        ),
    },
    definitions={**MEANINGS, q_mix: E(s / (lam + s * W_mix))},
    assumptions=(*BASE, LINEAR_PART, WHITENING_BATCH, DAMPED),
    example=EXAMPLE,
    beyond_paper=True,
)


@dataclass(frozen=True)
class Mixture:
    """What a mixed factor does: scale W, effective damping, the share of each batch (k,)."""

    scale: float
    effective_damping: float
    shares: Array


def solve_mixture(
    spectrum: Spectrum, *, weights: npt.ArrayLike, aspects: npt.ArrayLike, damping: float
) -> Mixture:
    """Solve the fixed point of M = sum_j a_j Shat_j for weights a_j (k,) and aspects d/n_j (k,).

    Raises: ValueError for damping = 0 where the batches together have at most d rows.
    """
    a, aspect = np.broadcast_arrays(
        np.asarray(weights, dtype=np.float64), np.asarray(aspects, dtype=np.float64)
    )
    exact = bool((aspect[a > 0] == 0).any())
    rows = math.inf if exact else float((1.0 / aspect[a > 0]).sum())
    if damping == 0 and rows <= 1:
        raise ValueError(f"rows over dimension={rows!r}, needs > 1 where damping = 0")
    s, p = spectrum.eigenvalues, spectrum.weights
    total = float(a.sum())

    def kept(scale: float) -> float:
        return float(p @ (s * scale / (damping + s * scale)))

    def excess(log_scale: float) -> float:
        scale = math.exp(log_scale)
        return float((a / (scale + a * aspect * kept(scale))).sum()) - 1.0

    high = math.log(total)
    low = high - 1.0
    while excess(low) <= 0:
        low -= 2.0 * (high - low)
    root = high if excess(high) >= 0 else optimize.brentq(excess, low, high, xtol=1e-15, rtol=1e-15)
    scale = math.exp(root)
    return Mixture(scale, damping / scale, a / (scale + a * aspect * kept(scale)))


@in_float_range
def mixture_alignment(
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    damping: float,
    shares: npt.ArrayLike | None = None,
    aspects: npt.ArrayLike | None = None,
    u: float | None = None,
    g: float | None = None,
    weight: str = "identity",
) -> float:
    """Return rho^2 of (M + damping)^-1 X'y/n for M = sum_j a_j Shat_j.

    shares: the weights a_j (k,) >= 0, the gradient's own batch first; they need not sum to one.
    aspects: d/n_j (k,) of these batches, 0.0 for the exact covariance, default ``aspect`` for all;
    the first must be ``aspect``, unless its weight is 0. Instead of both, ``u`` (own share, in
    [0, 1]) and ``g`` (energy of the shares) can be given: ``damping`` is then the effective one.
    weight: "identity", or "covariance" for the squared correlation.
    Units:  damping in [x]^2, c1 in [y], residual_var in [y]^2.
    Raises: ValueError for a value outside its bound, for shares with u or g, for damping = 0 with
        at most d rows in all, and where aspect * g * E[P^2] >= 1 (the noise has no limit).
    Source: derived; independent batches and exact covariances are limits of it.
    """
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    need_nonnegative(damping=damping)
    if shares is None:
        if u is None or g is None or aspects is not None:
            raise ValueError(f"shares=None with u={u!r}, g={g!r}, needs shares, or u and g")
        own, energy, effective = _two_numbers(u, g, aspect, damping)
    else:
        if u is not None or g is not None:
            raise ValueError(f"u={u!r}, g={g!r}, need None where shares are given")
        weights, sizes = _batches(shares, aspects, aspect)
        found = solve_mixture(spectrum, weights=weights, aspects=sizes, damping=damping)
        own, effective = float(found.shares[0]), found.effective_damping
        energy = float((sizes / aspect) @ found.shares**2)
    return evaluate(spectrum, weight, aspect, c1, residual_var, effective, own, energy)


def evaluate(
    spectrum: Spectrum,
    weight: str,
    aspect: float,
    c1: float,
    residual_var: float,
    effective_damping: float,
    own_share: float,
    share_energy: float,
) -> float:
    """Return the printed relation at an effective damping, u and g."""
    s = spectrum.eigenvalues
    gain = aspect * share_energy * spectrum.expect((s / (s + effective_damping)) ** 2)
    if gain >= 1:
        raise ValueError(f"aspect g E[P^2]={gain!r}, needs < 1: the noise has no limit")
    part = "alignment" if weight == "identity" else "correlation"
    found = SI_17[part].number(
        spectrum,
        aspect=aspect,
        c1=c1,
        residual_var=residual_var,
        effective_damping=effective_damping,
        own_share=own_share,
        share_energy=share_energy,
    )
    return float(found)


def _two_numbers(u: float, g: float, aspect: float, damping: float) -> tuple[float, float, float]:
    need_nonnegative(u=u, g=g)
    if u > 1:
        raise ValueError(f"u={u!r}, needs <= 1")
    if g < u * u * (1 - 1e-12):
        raise ValueError(f"g={g!r}, needs >= u^2={u * u!r}: the own batch's part of it")
    return float(u), float(g), float(damping)


def _batches(
    shares: npt.ArrayLike, aspects: npt.ArrayLike | None, aspect: float
) -> tuple[Array, Array]:
    weights = reals("shares", shares)
    if weights.ndim != 1 or weights.size == 0:
        raise ValueError(f"shares has shape {weights.shape}, needs (k,) with k >= 1")
    for i, value in enumerate(weights.tolist()):
        need_nonnegative(**{f"shares[{i}]": value})
    if weights.sum() == 0:
        raise ValueError("shares sum to 0.0, need > 0")
    sizes = np.full(weights.shape, aspect) if aspects is None else reals("aspects", aspects)
    if sizes.shape != weights.shape:
        raise ValueError(f"aspects has shape {sizes.shape}, needs {weights.shape}")
    for i, value in enumerate(sizes.tolist()):
        need_nonnegative(**{f"aspects[{i}]": value})
    if weights[0] > 0 and abs(sizes[0] - aspect) > 1e-12 * aspect:
        raise ValueError(f"aspects[0]={float(sizes[0])!r}, needs aspect={aspect!r}: the own batch")
    return weights, sizes
