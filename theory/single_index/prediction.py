"""SI-07: how well the learned direction predicts, and the risk of its best function."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import numeric
from theory.core.gauss.hermite import LinkStatistics
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    BASE,
    DAMPED,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    SAME_BATCH,
)
from theory.single_index.domain import need_nonnegative
from theory.single_index.notation import a_deg, j, rho2_cov, risk, sigma
from theory.single_index.notation import s_cov as s

# a(j): the j-th Hermite coefficient of the link. Mehler: E[He_j(z) He_j(z')] = j! rho^j.
_COEFFICIENT = sp.Function("a")(j)
_LOST = sp.Sum(_COEFFICIENT**2 * (1 - rho2_cov**j), (j, 1, sp.oo))

SI_07 = Claim(
    id="SI-07",
    title="Prediction quality of the learned direction",
    says=(
        "The squared correlation of βᵀx with β⋆ᵀx follows the formulas of the squared cosine with "
        "the weight Σ. Without damping and with more samples than dimensions it is the same for "
        "every spectrum. The squared correlation fixes the risk of the best function of βᵀx by "
        "Mehler's formula. This risk is no lower bound for a whole network, whose random features "
        "learn the linear part as well."
    ),
    source=DERIVED + Source.other_work("Mehler's formula: the risk"),
    parts={
        "correlation": Part(Kind.LIMIT, sp.Eq(rho2_cov, ge.isotropic(ge.kfac_alignment(s)))),
        "fixed_point": ge.FIXED_POINT,
        "sgd": Part(Kind.LIMIT, sp.Eq(rho2_cov, ge.isotropic(ge.sgd_alignment(s)))),
        "ridgeless": Part(Kind.LIMIT, sp.Eq(rho2_cov, ge.isotropic(ge.ridgeless_alignment(s)))),
        "risk": Part(Kind.LIMIT, sp.Eq(risk, _LOST + sigma**2)),
    },
    definitions=ge.MEANINGS,
    assumptions=(*BASE, LINEAR_PART, DAMPED, SAME_BATCH),
    example=EXAMPLE,
)


@lru_cache(maxsize=8)
def _compiled(expression: sp.Expr) -> Callable[..., Any]:
    return numeric(expression)


def _printed_sum() -> tuple[sp.Sum, sp.Expr]:
    """Return the sum over harmonics in SI-07's risk, and what stands beside it."""
    printed = SI_07["risk"].relation.args[1]
    (total,) = printed.atoms(sp.Sum)
    return total, printed.xreplace({total: sp.S.Zero})


def lost_energy(coefficients: np.ndarray, correlation2: float) -> np.ndarray:
    """Return the terms of the sum in SI-07's risk, for the coefficients a_0, a_1, ..."""
    total, _ = _printed_sum()
    degrees = np.arange(int(total.limits[0][1]), coefficients.size)
    term = _compiled(total.function.xreplace({_COEFFICIENT: a_deg}))
    found = term(
        hermite_coefficient=coefficients[degrees],
        degree=degrees,
        covariance_alignment=correlation2,
    )
    return np.asarray(found)


def mehler_risk(link: LinkStatistics, *, covariance_alignment: float) -> tuple[float, float]:
    """Return the risk of the best function of beta.x, and a bound on the error of the number.

    covariance_alignment: rho_S^2, the squared correlation of beta.x with beta*.x, in [0, 1].
    The Hermite series is cut at the degree of ``link``; what is left out has energy
    ``tail`` and enters with weights between 1 - rho_S^(2 (degree + 1)) and 1. The value takes the
    middle of the two.
    Units:  [y]^2, with the noise of the link included.
    Raises: ValueError if covariance_alignment is outside [0, 1].
    Source: derived (Mehler's formula). Not a lower bound for a whole network, whose random
            features learn the linear part as well.
    """
    if not isinstance(link, LinkStatistics):
        raise ValueError(f"link={link!r}, needs LinkStatistics")
    rho2 = covariance_alignment
    need_nonnegative(covariance_alignment=rho2)
    if rho2 > 1:
        raise ValueError(f"covariance_alignment={rho2!r}, needs <= 1")
    a = link.coefficients
    noise = float(_compiled(_printed_sum()[1])(noise_std=link.noise_std))
    tail = max(link.second_moment - link.noise_std**2 - float(a @ a), 0.0)
    unsure = tail * rho2**a.size / 2
    lost = float(np.sum(lost_energy(a, rho2)))
    return lost + tail - unsure + noise, unsure + a.size * link.radius
