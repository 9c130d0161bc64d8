"""LR-30: KFAC's input factor as a moving average."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_BELOW_ONE,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import d, eta, k, n
from theory.linear_representation.variants.factors.notation import (
    a_f,
    b_f,
    c_loss,
    q_f,
    q_mean,
    s_f,
    v_rel,
    w_now,
)

_PLACES = d - k + 1
_SHIFT = -k * (1 - q_f) + _PLACES * (q_f - w_now)  # n times the mean loss of the step
_SPREAD = _PLACES * (1 - 2 * w_now + q_f)  # n times its mean square
_MEMORY = _PLACES * (eta**2 * (1 - b_f) * (1 - w_now) - 2 * eta * q_f * b_f) / (1 - a_f * b_f)

ROWS_LOST = (
    -k
    + 2 * k * q_f
    + (3 * q_f - 2 * w_now) * _PLACES
    + (eta * _SPREAD + 2 * (1 - eta) * (_MEMORY - _SHIFT)) / (2 - eta)
)

LR_30 = Claim(
    id="LR-30",
    title="KFAC with a moving average of the input factor",
    says=(
        "Q is an average with weights b_f^age, with or without the batch of the step, Gaussian "
        "inputs, head refitted. The noise floor is η/((2 − η)(n − c_f)), in units of σ² tr(H⁻¹) "
        "tr(Σ_s⁻¹): c_f is exact at both ends, d + 1 for the same batch and η(d + 1 − 2k)/(2 − η) "
        "for an infinite memory, and to first order in d/n between them. The mean of T has the "
        "stated multiplier per step, once more steps than the memory have passed. Its last term is "
        "the correlation of T with the memory. At large η the correction is not visible, because T "
        "shrinks too fast. Without noise a step misses (1 − η)T, which the same batch gives "
        "exactly, by a mean square that depends on the decay, up to terms of size ((d + 1)/n)². "
        "None of these depends on the covariance in the metric of Σ_s."
    ),
    source=DERIVED,
    parts={
        "floor": Part(Kind.LIMIT, sp.Eq(v_rel, eta / ((2 - eta) * (n - c_loss)), evaluate=False)),
        "multiplier": Part(
            Kind.RATE,
            sp.Eq(
                q_mean,
                1 - eta * (1 + _SHIFT / n + eta * _SPREAD / (2 * n * (1 - eta))),
                evaluate=False,
            ),
        ),
        "signature": Part(Kind.RATE, sp.Eq(s_f, eta**2 * _SPREAD / n, evaluate=False)),
    },
    definitions={
        q_f: (1 - b_f) / (1 + b_f),
        a_f: (1 - eta) ** 2,
        c_loss: ROWS_LOST,
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        STEP_BELOW_ONE,
        Assumption("a decay below 1", b_f < 1),
        Assumption("four times more rows than inputs: an expansion in d/n", n >= 4 * d),
    ),
    example={**EXAMPLE, "factor_decay": 0.9, "current_share": 0.1},
    beyond_paper=True,
)
