"""LR-29: KFAC's input factor from the population or from another batch."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.notation import d, eta, eta_F, eta_max, k, n
from theory.linear_representation.variants.factors import input_factor_joint
from theory.linear_representation.variants.factors.notation import (
    eta_one,
    g_sum,
    g_T,
    g_u,
    m_two,
    n_f,
    q_mean,
    q_square,
    r_one,
    v_rel,
    x_talk,
)

FREE = n - k
SPREAD = n - 2 * k + d + 1  # degrees of freedom of the batch plus size of the complement plus 1
SAME_BATCH = eta / ((2 - eta) * (n - d - 1))
POPULATION = eta / (2 * n - eta * SPREAD)
SQUARE = 1 - 2 * eta * FREE / n + eta**2 * FREE * SPREAD / n**2


JOINT_GAIN = k * g_u + (d - k) * g_T


def _gain(step: sp.Expr) -> sp.Expr:
    return step / (n * (2 - step) - step)


LR_29 = Claim(
    id="LR-29",
    title="KFAC with the input factor of the population or of another batch",
    says=(
        "With the refitted head and Q = Σ the mean of T has multiplier 1 − η(n − k)/n, and its "
        "mean square an exact one. No step size makes the mean square zero, so one step never ends "
        "at T = 0. The noise floor is lower than that of the same batch, for every η up to 1: an "
        "inverse batch covariance costs the factor n/(n − d − 1), and the population has none. It "
        "exists for n < d too. The factor of another batch of n_f rows gives the mean step the "
        "factor (n − k)/n · n_f/(n_f − d − 1), which may exceed 1. If the head moves together with "
        "G and the factors are those of the population, errors of the head enter T. With the same "
        "batch they do not. With factors of another batch on both layers the floor follows from "
        "two coupled mean squares. Floors are in units of σ² tr(H⁻¹) tr(Σ_s⁻¹), exact at the level "
        "linear in T and σ."
    ),
    source=DERIVED,
    parts={
        "multiplier": Part(Kind.RATE, sp.Eq(q_mean, 1 - eta * FREE / n, evaluate=False)),
        "mean_square": Part(Kind.RATE, sp.Eq(q_square, SQUARE, evaluate=False)),
        "best_step": Part(Kind.RATE, sp.Eq(eta_one, n / SPREAD, evaluate=False)),
        "no_one_step_solution": Part(
            Kind.RATE, sp.Eq(q_square, (d - k + 1) / SPREAD, evaluate=False)
        ),
        "stability": Part(Kind.RATE, sp.Eq(eta_max, 2 * n / SPREAD, evaluate=False)),
        "floor": Part(Kind.LIMIT, sp.Eq(v_rel, POPULATION, evaluate=False)),
        "same_batch_floor": Part(Kind.LIMIT, sp.Eq(v_rel, SAME_BATCH, evaluate=False)),
        "price": Part(Kind.ORDERING, sp.Lt(POPULATION, SAME_BATCH, evaluate=False)),
        "independent_multiplier": Part(Kind.RATE, sp.Eq(q_mean, 1 - eta * r_one, evaluate=False)),
        "independent_floor": Part(
            Kind.LIMIT,
            sp.Eq(
                v_rel,
                eta * FREE * m_two / (2 * n**2 * r_one - eta * FREE * SPREAD * m_two),
                evaluate=False,
            ),
        ),
        "independent_stability": Part(
            Kind.RATE, sp.Eq(eta_max, 2 * n**2 * r_one / (FREE * SPREAD * m_two), evaluate=False)
        ),
        "cross_talk": Part(Kind.RATE, sp.Eq(x_talk, eta**2 * (d - k) / n, evaluate=False)),
        "no_cross_talk": Part(Kind.IDENTITY, sp.Eq(x_talk, sp.Integer(0), evaluate=False)),
        "joint_multiplier": Part(Kind.RATE, sp.Eq(q_mean, 1 - eta, evaluate=False)),
        "joint_floor": Part(Kind.LIMIT, sp.Eq(v_rel, g_T / (1 - JOINT_GAIN), evaluate=False)),
        "independent_joint_floor": Part(
            Kind.LIMIT, sp.Eq(v_rel, input_factor_joint.FLOOR, evaluate=False)
        ),
        "joint_gain": Part(Kind.RATE, sp.Eq(g_sum, JOINT_GAIN, evaluate=False)),
    },
    definitions={
        r_one: FREE / n * n_f / (n_f - d - 1),
        m_two: n_f**2 * (n_f - k - 1) / ((n_f - d) * (n_f - d - 1) * (n_f - d - 3)),
        g_T: _gain(eta),
        g_u: _gain(eta + eta_F),
        **input_factor_joint.DEFINITIONS,
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        STEP_UP_TO_ONE,
        Assumption("more rows than the rank", n > k),
        Assumption("the mean square of the population's factor is stable", eta * SPREAD < 2 * n),
        Assumption("more rows of the other batch than d + 3", n_f > d + 3),
        Assumption("the two step sizes together are below 2", eta + eta_F < 2),
    ),
    example={**EXAMPLE, "factor_rows": 200, "head_step_size": 0.5},
    beyond_paper=True,
)
