"""LR-31: KFAC with factors that are renewed every K_f steps."""

import sympy as sp
from scipy.special import chdtr
from sympy.utilities.lambdify import implemented_function

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import d, eta, eta_max, k, multiplier, n
from theory.linear_representation.variants.factors.input_factor import POPULATION, SQUARE
from theory.linear_representation.variants.factors.notation import (
    K_f,
    alpha_tail,
    g_kept,
    g_old,
    g_own,
    p_grow,
    q_mean,
    q_square,
    v_rel,
    w_eig,
)
from theory.linear_representation.variants.factors.stale_cycle import stale_cycle

_FREE = n - k
_ONE = _FREE / (n - d - 1)  # mean of the effective step over η with the factor of another batch
_TWO = _FREE**2 * (_FREE - 1) / ((n - d) * (n - d - 1) * (n - d - 3))
# Moments of A, the inverse of a Wishart matrix of n - k degrees of freedom and p dimensions, over
# p: E tr A, E tr A^2, E tr A^3, E tr A tr A^2. From Haff's identity (1979) for A^2 and I tr A^2.
_p, _q = d - k, n - d - 1
_A1 = 1 / _q
_A2 = (_q + _p) / (_q * (_q + 1) * (_q - 2))
_A3 = (_q + 2 * _p) * _A2 / ((_q - 4) * (_q + 2))
_A12 = (_p * (_q - 2) + 4) * _A2 / ((_q - 4) * (_q + 2))
_SQUARE = (1 - eta) ** 2 * (1 - 2 * eta * _FREE * _A1 + eta**2 * _FREE * (_FREE + _p + 1) * _A2)
_OWN = _A1 - 2 * eta * _FREE * _A2 + eta**2 * _FREE * (_A12 + (_FREE + 1) * _A3)
_NOISE = eta**2 * (_OWN + _FREE * _A2)
# Distribution function of chi-square: degrees of freedom, place.
F_chi = implemented_function("F_chi", chdtr)
_place = n * eta / 2
_GROWING_ONE = F_chi(_FREE, _place)
# The smaller eigenvalue of a Wishart matrix of two dimensions: integrate its density by parts.
_GROWING_TWO = F_chi(2 * _FREE - 2, 2 * _place) + sp.sqrt(sp.pi * _place / 2) * (
    F_chi(_FREE - 2, _place) - F_chi(_FREE, _place)
) * (1 - F_chi(_FREE - 1, _place))

LR_31 = Claim(
    id="LR-31",
    title="KFAC with an input factor renewed every K_f steps",
    says=(
        "The factor of one batch serves K_f steps, the first of them on that batch. The first step "
        "multiplies T by exactly 1 − η. In each of the others the mean over the batch, given the "
        "factor, multiplies an eigenvector by 1 − η(n − k)/n · ω_f, with ω_f an eigenvalue of Σ_s "
        "times the complement block of the inverse factor. A factor that is never renewed is "
        "unstable in the mean beyond 2n/((n − k)ω_f) for the largest of them. On batches of many "
        "rows such a factor makes T grow if the smallest eigenvalue of a Wishart matrix of n − k "
        "degrees of freedom and d − k dimensions is below nη/2; the share p_f is stated for d − k "
        "= 1 and 2, with F_χ the distribution function of chi-square. The means over a "
        "cycle of two and of three steps follow from moments of an inverse Wishart matrix. High "
        "moments do not exist: after a cycle |T| has a power tail of exponent (n − d + 1)/(2(K_f − "
        "1)), so that E|T|² is infinite unless K_f < 1 + (n − d + 1)/4, and medians are compared "
        "in place of means. Where they exist, the mean square over a cycle and the noise floor at "
        "its end are exact at the level linear in T and σ; the floor is in units of σ² tr(H⁻¹) "
        "tr(Σ_s⁻¹). They are closed forms for a cycle of two steps. For a longer one they are "
        "moments of an inverse Wishart matrix of degree up to 2K_f − 1, from a recursion, and the "
        "floor exists for n > d + 4K_f − 3. It lies above that of a factor renewed at every step. "
        "An average of many batches may be old without harm: renewed every K_f steps it acts like "
        "the population's covariance, whose mean square is raised to the power K_f by a cycle and "
        "whose floor has no tail. Both are limits of a long memory."
    ),
    source=DERIVED,
    parts={
        "cycle_of_two": Part(
            Kind.RATE, sp.Eq(q_mean, (1 - eta) * (1 - eta * _ONE), evaluate=False)
        ),
        "cycle_of_three": Part(
            Kind.RATE,
            sp.Eq(q_mean, (1 - eta) * (1 - 2 * eta * _ONE + eta**2 * _TWO), evaluate=False),
        ),
        "cycle_square": Part(Kind.RATE, sp.Eq(q_square, _SQUARE, evaluate=False)),
        "cycle_floor": Part(Kind.LIMIT, sp.Eq(v_rel, _NOISE / (1 - _SQUARE), evaluate=False)),
        "square_of_cycle": Part(
            Kind.RATE, sp.Eq(q_square, (1 - eta) ** 2 * g_kept, evaluate=False)
        ),
        "floor_of_cycle": Part(
            Kind.LIMIT,
            sp.Eq(v_rel, eta**2 * (g_own + g_old) / (1 - (1 - eta) ** 2 * g_kept), evaluate=False),
        ),
        "average_square": Part(Kind.LIMIT, sp.Eq(q_square, SQUARE**K_f, evaluate=False)),
        "average_floor": Part(Kind.LIMIT, sp.Eq(v_rel, POPULATION, evaluate=False)),
        "stale_multiplier": Part(
            Kind.RATE, sp.Eq(multiplier, 1 - eta * _FREE / n * w_eig, evaluate=False)
        ),
        "stale_stability": Part(Kind.RATE, sp.Eq(eta_max, 2 * n / (_FREE * w_eig), evaluate=False)),
        "growing_one": Part(Kind.LAW, sp.Eq(p_grow, _GROWING_ONE, evaluate=False), "d = k + 1"),
        "growing_two": Part(Kind.LAW, sp.Eq(p_grow, _GROWING_TWO, evaluate=False), "d = k + 2"),
        "tail": Part(Kind.RATE, sp.Eq(alpha_tail, (n - d + 1) / (2 * (K_f - 1)), evaluate=False)),
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        Assumption("at least as many rows as inputs", n >= d),
        Assumption("a factor that serves more than one step", K_f >= 2),
    ),
    example={**EXAMPLE, "factor_every": 2},
    beyond_paper=True,
)


def cycle_floor(*, factor_every: int, step_size: float, n: int, d: int, k: int) -> float:
    """Return E|T|_F^2 at the end of a cycle over sigma^2 tr(H^-1) tr(Sigma_s^-1), stationary.

    factor_every steps on the factor of the first of their batches, Gaussian batches of n rows, d
    inputs, rank k, head refitted on every batch.
    Raises: ValueError on a bad argument, for n <= d + 4 factor_every - 3, or without a floor.
    Source: derived (LR-31).
    """
    cycle = stale_cycle(factor_every, step_size=step_size, n=n, d=d, k=k)._asdict()
    kept = LR_31["square_of_cycle"].number(step_size=step_size, cycle_kept=cycle["cycle_kept"])
    if not kept < 1.0:
        raise ValueError(
            f"step_size={step_size}: mean-square multiplier {kept:.6g} of a cycle of "
            f"{factor_every}, needs < 1"
        )
    return float(LR_31["floor_of_cycle"].number(step_size=step_size, **cycle))
