"""OP-03 to OP-05: Adam, AdamW, signSGD."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import eta
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import b_m
from theory.optimizers.notation import (
    a_ij,
    a_next,
    age,
    b_1,
    b_2,
    eps,
    g,
    moved_by,
    omega,
    u_ij,
    w,
    w_next,
    y_ij,
    y_next,
)

EXAMPLE = {"step_size": 0.1, "momentum": 0.5, "weight_decay": 0.1, "first_decay": 0.9}

FIRST = Part(Kind.IDENTITY, sp.Eq(a_next, b_1 * a_ij + (1 - b_1) * g, evaluate=False))
SECOND = Part(Kind.IDENTITY, sp.Eq(y_next, b_2 * y_ij + (1 - b_2) * g**2, evaluate=False))
DIRECTION = Part(
    Kind.IDENTITY,
    sp.Eq(u_ij, a_next / (1 - b_1**age) / (sp.sqrt(y_next / (1 - b_2**age)) + eps), evaluate=False),
)

OP_03 = Claim(
    id="OP-03",
    title="adam is Adam",
    says=(
        "Adam divides the average gradient by the root of the average square, entry by entry. Both "
        "averages start at zero and are divided by the weight gathered so far; ε is added to the "
        "root. A gradient that never changes moves an entry by η|g|/(|g| + ε) in every step, the "
        "first included. An entry whose gradient was always zero stays."
    ),
    source=Source.other_work("Kingma and Ba 2015, algorithm 1"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(w_next, w - eta * u_ij, evaluate=False)),
        "first": FIRST,
        "second": SECOND,
        "direction": DIRECTION,
        "constant": Part(
            Kind.IDENTITY,
            sp.Eq(moved_by, eta * sp.Abs(g) / (sp.Abs(g) + eps), evaluate=False),
        ),
    },
    example=EXAMPLE,
)

OP_04 = Claim(
    id="OP-04",
    title="adamw decays the weights beside Adam's step",
    says=(
        "AdamW subtracts Adam's step from (1 − ηω) w: the decay is multiplied by the step size and "
        "does not enter the averages. A weight whose gradient is always zero shrinks by 1 − ηω."
    ),
    source=Source.other_work("Loshchilov and Hutter 2019, algorithm 2"),
    parts={
        "step": Part(
            Kind.IDENTITY, sp.Eq(w_next, (1 - eta * omega) * w - eta * u_ij, evaluate=False)
        ),
        "first": FIRST,
        "second": SECOND,
        "direction": DIRECTION,
        "shrinks": Part(Kind.IDENTITY, sp.Eq(w_next, (1 - eta * omega) * w, evaluate=False)),
    },
    example=EXAMPLE,
)

OP_05 = Claim(
    id="OP-05",
    title="sign_sgd is signSGD, and Signum with momentum",
    says=(
        "A step moves every entry by η against the sign of the average gradient. The average "
        "starts at zero and weighs the past with b_m, the gradient with 1 − b_m."
    ),
    source=Source.other_work("Bernstein et al. 2018, algorithms 1 and 2"),
    parts={
        "step": Part(Kind.IDENTITY, sp.Eq(w_next, w - eta * sp.sign(a_next), evaluate=False)),
        "average": Part(Kind.IDENTITY, sp.Eq(a_next, b_m * a_ij + (1 - b_m) * g, evaluate=False)),
        "size": Part(Kind.IDENTITY, sp.Eq(moved_by, eta, evaluate=False)),
    },
    example=EXAMPLE,
)
