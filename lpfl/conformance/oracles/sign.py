"""Methods that step by signs: signSGD, Signum and Lion.

Sources: Bernstein et al. 2018, algorithms 1 and 2; Chen et al. 2023, algorithm 2.
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.adaptive.adam import FREE
from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import average, but_vectors, coupled, decayed

MOMENTUM = ("used, then updated", "updated, then used")


def signum(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    seen = average(m, "m", g, o.momentum) if o.momentum else g
    return decayed(p, o.lr * seen.sign(), o, c)


def lion(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    g = coupled(p, g, o, c)
    old = m.get("m", 0 * g)
    new = average(m, "m", g, o.beta2)
    seen = o.beta1 * (old if c["momentum"] == MOMENTUM[0] else new) + (1 - o.beta1) * g
    return decayed(p, masked(o.lr * seen.sign(), g, o, c), o, c)


def reference(claim: str, source: str, step: Any, **options: Any) -> Oracle:
    is_lion = claim == "lion"
    return Oracle(
        claim=claim,
        source=source,
        step=per_parameter(step),
        options={"lr": 1e-3, "weight_decay": 0.0, **options},
        conventions={"decay": FREE, **({"momentum": MOMENTUM} if is_lion else {})},
        variants={"decay": frozenset() if is_lion else frozenset({"L2 in the gradient"})},
        departures={
            "decay": frozenset({"ignored", "L2 in the gradient"} if is_lion else {"ignored"}),
            **({"momentum": frozenset(MOMENTUM[1:])} if is_lion else {}),
        },
        relevant={"decay": "weight_decay"},
    )


ORACLES = but_vectors(
    reference("signsgd", "Bernstein et al. 2018, algorithm 1", signum, momentum=0.0),
    reference("signum", "Bernstein et al. 2018, algorithm 2", signum, momentum=0.9),
    *with_caution(reference("lion", "Chen et al. 2023, algorithm 2", lion, beta1=0.9, beta2=0.99)),
)
