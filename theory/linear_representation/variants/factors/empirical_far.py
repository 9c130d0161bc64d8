"""LR-34: KFAC with the empirical output factor, near and far from the solution."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import eta, eta_max, lam_i, multiplier, sigma
from theory.linear_representation.variants.factors.notation_outputs import (
    c_scale,
    c_scale_next,
    kappa_E,
    lam_P,
    lam_S,
    t_cycle,
    t_fall,
    t_s,
    t_s_next,
    t_tan,
    t_tan_next,
)

CAUCHY = Source.other_work("the map x − 1/x keeps Lebesgue measure and the family of Cauchy laws")

LR_34 = Claim(
    id="LR-34",
    title="The empirical output factor far from the solution",
    says=(
        "In the population, with the least-squares head, the empirical factor holds the noise and "
        "the misfit. Each singular value z_s of H^(1/2) T Σ_s^(1/2) then moves by itself, to first "
        "order in T. Near the solution the multiplier is 1 − η/σ², stable up to η = 2σ². Far from "
        "it the square of z_s falls by 2η per step, whatever its size: the factor normalises the "
        "gradient. For 2σ² < η < 4σ² the values settle on a 2-cycle with z_s² = η/2 − σ². Without "
        "noise nothing settles: z_s follows Boole's map, and a Cauchy law of scale g_C becomes one "
        "of scale g_C + η/g_C, so that its median grows like √(2ηt). For one row the step is known "
        "exactly at any angle: z_1 is the tangent in the metric of Σ. Damping l_P of the factor "
        "slows head mode i to 1 − ηλ_i/(σ²λ_i + l_P). With both layers moved by η and residuals in "
        "the head's factor too, the shared error has multiplier 1 − 2η/σ²."
    ),
    source=DERIVED + CAUCHY,
    parts={
        "map": Part(
            Kind.RATE, sp.Eq(t_s_next, t_s - eta * t_s / (sigma**2 + t_s**2), evaluate=False)
        ),
        "one_row": Part(
            Kind.IDENTITY,
            sp.Eq(t_tan_next, (1 - kappa_E) * t_tan / (1 + kappa_E * t_tan**2), evaluate=False),
        ),
        "near": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta / sigma**2, evaluate=False)),
        "boundary": Part(Kind.RATE, sp.Eq(eta_max, 2 * sigma**2, evaluate=False)),
        "far": Part(Kind.RATE, sp.Eq(t_fall, 2 * eta, evaluate=False)),
        "two_cycle": Part(Kind.RATE, sp.Eq(t_cycle, eta / 2 - sigma**2, evaluate=False)),
        "cycle_multiplier": Part(
            Kind.RATE, sp.Eq(multiplier, 3 - 8 * sigma**2 / eta, evaluate=False)
        ),
        "damped": Part(
            Kind.RATE,
            sp.Eq(multiplier, 1 - eta * lam_i / (sigma**2 * lam_i + lam_P), evaluate=False),
        ),
        "joint": Part(Kind.RATE, sp.Eq(multiplier, 1 - 2 * eta / sigma**2, evaluate=False)),
        "cauchy": Part(Kind.LAW, sp.Eq(c_scale_next, c_scale + eta / c_scale, evaluate=False)),
    },
    definitions={kappa_E: eta / (sigma**2 + lam_S * t_tan**2 / (1 + t_tan**2))},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        STEP_POSITIVE,
    ),
    example=EXAMPLE,
    beyond_paper=True,
)
