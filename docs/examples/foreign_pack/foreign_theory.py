"""The statements of a small pack: one, of a gradient step on a square."""

import sympy as sp

from theory.core.claim import Assumption, Claim, collect
from theory.core.notation import NOTATION, eta, scalar
from theory.core.pack import Pack
from theory.core.part import Kind, Part
from theory.core.source import Source

halving = scalar("h_x", "halving", "what is left of a number after a step on its square")

CLAIM = Claim(
    id="FOR-01",
    title="A gradient step on a square",
    says="A step of size eta on x squared over two leaves 1 - eta of x.",
    source=Source.derived(),
    parts={"left_over": Part(Kind.IDENTITY, sp.Eq(halving, 1 - eta, evaluate=False))},
    assumptions=(Assumption("step size at most 1", eta <= 1),),
    example={"step_size": 0.5},
)
PACK = Pack(
    prefix="FOR",
    title="A foreign pack",
    claims=collect([CLAIM]),
    checks="foreign_checks",
    notation=NOTATION,
)
