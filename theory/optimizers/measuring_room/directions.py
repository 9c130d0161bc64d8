"""OP-42: the directions of single-index learning, and the labels behind them."""

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.measuring_room.drawn import EQUAL, EXAMPLE

OP_42 = Claim(
    id="OP-42",
    title="Directions and labels are what their names say",
    says=(
        "A label without noise is the link of the row's product with the teacher, for every law "
        "of the rows. The direction of SGD is X′y/n; behind a batch normalisation the mean of y "
        "is taken out; the sign is that of every entry. KFAC multiplies X′y/n with (Q + λI)⁻¹, or "
        "with a power of it, for more and for fewer rows than dimensions; without damping it is a "
        "power of the pseudo-inverse. Q is that of the same batch, of another one, of the "
        "population, or any factor, diagonal or dense."
    ),
    source=Source.derived("the definitions, from singular values of the rows"),
    parts={
        "labels": Part(Kind.IDENTITY, EQUAL, "labels without noise"),
        "plain": Part(Kind.IDENTITY, EQUAL, "directions without a factor"),
        "same_batch": Part(Kind.IDENTITY, EQUAL, "direction with the batch's own factor"),
        "rows": Part(Kind.IDENTITY, EQUAL, "the same through the rows"),
        "other": Part(Kind.IDENTITY, EQUAL, "direction with another factor"),
        "powers": Part(Kind.IDENTITY, EQUAL, "direction with a power of a factor"),
    },
    example=EXAMPLE,
)
