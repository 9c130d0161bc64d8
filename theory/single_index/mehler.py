"""SI-07: risk of the best function of the learned direction."""

from __future__ import annotations

import numpy as np
import sympy as sp

from theory.core.gauss.hermite import LinkStatistics
from theory.single_index.domain import need_nonnegative
from theory.single_index.notation import a_deg, k, rho2_cov, sigma

# Mehler's kernel: E[He_k(z) He_k(z')] = k! rho^k for correlation rho
LOST = a_deg**2 * (1 - rho2_cov**k)
RISK = sp.Sum(LOST.subs(a_deg, sp.Function("a")(k)), (k, 1, sp.oo)) + sigma**2
_lost = sp.lambdify((a_deg, k, rho2_cov), LOST, "numpy")


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
    rho2 = covariance_alignment
    need_nonnegative(covariance_alignment=rho2)
    if rho2 > 1:
        raise ValueError(f"covariance_alignment={rho2!r}, needs <= 1")
    a = link.coefficients
    degrees = np.arange(1, a.size)
    noise = link.noise_std**2
    tail = max(link.second_moment - noise - float(a @ a), 0.0)
    unsure = tail * rho2**a.size / 2
    lost = float(np.sum(_lost(a[1:], degrees, rho2)))
    return lost + tail - unsure + noise, unsure + a.size * link.radius
