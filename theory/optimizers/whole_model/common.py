"""OP-19 to OP-21: what holds for every optimizer: invariances, descent, the head."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import F, F_next, G, Sigma_hat, moved
from theory.optimizers.notation import C_xy, loss_after, loss_before

EXAMPLE = {"step_size": 0.1}

OP_19 = Claim(
    id="OP-19",
    title="Invariances hold at every option",
    says=(
        "Each optimizer states the changes of variables that do not change its training, for the "
        "options that it runs with. Two runs related by one of these stay equal, Δ_C = 0. Two runs "
        "related by another one differ, Δ_C > 0. Momentum, averages, decay and Newton-Schulz steps "
        "leave the statement as it is; damping limits it to rotations."
    ),
    source=Source.derived(),
    parts={
        "kept": Part(Kind.IDENTITY, sp.Eq(moved, 0, evaluate=False), "two runs that stay equal"),
        "broken": Part(Kind.BOUND, sp.Gt(moved, 0, evaluate=False), "two runs that part"),
    },
    example=EXAMPLE,
)

OP_20 = Claim(
    id="OP-20",
    title="Every optimizer descends",
    says=(
        "A few small steps on one batch lower its loss, for every optimizer and every treatment "
        "of the head. Where the head is refitted, the loss is that of the best head."
    ),
    source=Source.derived(),
    parts={
        "descends": Part(Kind.BOUND, sp.Gt(loss_before, loss_after, evaluate=False)),
    },
    example=EXAMPLE,
)

OP_21 = Claim(
    id="OP-21",
    title="The head that is handed back",
    says=(
        "An optimizer that refits the head hands the refitted head back, least squares for the old "
        "representation on the batch. A frozen head comes back unchanged."
    ),
    source=Source.derived(),
    parts={
        "refitted": Part(
            Kind.IDENTITY,
            sp.Eq(F_next, C_xy * G.T * (G * Sigma_hat * G.T).inv(), evaluate=False),
        ),
        "frozen": Part(Kind.IDENTITY, sp.Eq(F_next, F, evaluate=False)),
    },
    example=EXAMPLE,
)
