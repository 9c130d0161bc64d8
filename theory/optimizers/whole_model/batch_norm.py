"""OP-18: batch normalisation between the layers."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.notation import eta
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.notation import D_W, W, W_next, along_row

OP_18 = Claim(
    id="OP-18",
    title="batch_norm descends through the normalisation of the hidden units",
    says=(
        "The network is y = F BN(Gx). Both layers follow the gradient of its loss on the batch, "
        "standard deviations differentiated, the head alternatively refitted. The gradient in a "
        "row of G is orthogonal to the row. The head handed back is folded, F over the standard "
        "deviations of the latest batch at the new G."
    ),
    source=Source.other_work("Ioffe and Szegedy 2015") + Source.derived("the folded head"),
    parts={
        "rule": Part(Kind.IDENTITY, sp.Eq(W_next, W - eta * D_W, evaluate=False)),
        "orthogonal": Part(Kind.IDENTITY, sp.Eq(along_row, 0, evaluate=False)),
    },
    example={"step_size": 0.1},
)
