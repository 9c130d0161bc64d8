"""Methods that scale each layer's step to the size of its weights: LARS and LAMB.

Sources: You et al. 2017, algorithm 1; You et al. 2020, algorithm 2 (its first versions had no
bias correction). With the option ``trust_clip``, which is off in the papers, the ratio of LAMB is
at most 1, and the rate of a layer by LARS at most lr (LARC).
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import BIAS, EPS, NO_BIAS, average, corrections, denominator

VECTORS = ("as matrices", "no trust ratio", "no trust ratio and no decay")
RATIO = ("|w|", "|w| up to 10", "ratio up to 1", "ratio up to 10")
LARS_RATIO = ("|g| + weight_decay |w|", "|g + weight_decay w|", "|g| + weight_decay |w| + eps")
VELOCITY = ("of lr * trust * g", "of trust * g", "of g, trust outside")
UNDECAYED = ("trust ratio", "no trust ratio")
LAMB_RATIO_SEES = ("corrected moments", "raw moments, correction outside")


def plain(p: Tensor, o: Any, c: Convention) -> bool:
    """Return whether these weights are stepped without a trust ratio."""
    if c["without weight decay"] == "no trust ratio" and not o.weight_decay:
        return True
    return p.ndim < 2 and c["vectors"] != "as matrices"


def lamb(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    outside = c["trust ratio of"] == LAMB_RATIO_SEES[1]
    first, second = corrections(c, o, m["t"])
    one, two = (1.0, 1.0) if outside else (first, second)
    mean, v = average(m, "m", g, o.beta1), average(m, "v", g * g, o.beta2)
    decay = 0.0 if plain(p, o, c) and c["vectors"] == VECTORS[2] else o.weight_decay
    move = mean / one / denominator(v, o.eps, two, c["eps"])
    r = masked(move, g, o, c) + decay * p
    trust = 1.0
    if not plain(p, o, c) and float(p.norm()) > 0 and float(r.norm()) > 0:
        weight = float(p.norm())
        trust = (min(weight, 10.0) if c["trust ratio"] == RATIO[1] else weight) / float(r.norm())
        if c["trust ratio"].startswith("ratio up to"):
            trust = min(trust, float(c["trust ratio"].split()[-1]))
        trust = min(trust, 1.0) if o.trust_clip is True else trust
    return p - o.lr * trust * (second**0.5 / first if outside else 1.0) * r


def lars(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    decay = 0.0 if plain(p, o, c) and c["vectors"] == VECTORS[2] else o.weight_decay
    seen, weight = g + decay * p, float(p.norm())
    size = (
        float(seen.norm()) if c["ratio to"] == LARS_RATIO[1] else float(g.norm()) + decay * weight
    )
    trust = 1.0
    if not plain(p, o, c) and weight > 0 and float(g.norm()) > 0:
        trust = o.trust * weight / (size + (o.eps if c["ratio to"] == LARS_RATIO[2] else 0.0))
        trust = min(trust / o.lr, 1.0) if o.trust_clip is True and o.lr else trust
    inside = {VELOCITY[0]: o.lr * trust, VELOCITY[1]: trust, VELOCITY[2]: 1.0}[c["velocity"]]
    share = 1.0 if c["buffer"] == "sum" and "v" not in m else 1 - o.dampening
    v = m["v"] = o.momentum * m.get("v", 0 * g) + share * inside * seen
    if o.nesterov:
        v = inside * seen + o.momentum * v
    return p - o.lr * trust / inside * v


LAMB = Oracle(
    claim="lamb",
    source="You et al. 2020, algorithm 2",
    step=per_parameter(lamb),
    options={
        "lr": 1e-3,
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-6,
        "weight_decay": 0.0,
        "trust_clip": False,
    },
    conventions={
        "eps": EPS,
        "bias correction": BIAS,
        "trust ratio": RATIO,
        "vectors": VECTORS,
        "trust ratio of": LAMB_RATIO_SEES,
        "without weight decay": UNDECAYED,
    },
    variants={"trust ratio": frozenset(RATIO[1:]), "vectors": frozenset(VECTORS[1:2])},
    departures={
        "bias correction": NO_BIAS,
        "trust ratio of": frozenset(LAMB_RATIO_SEES[1:]),
        "vectors": frozenset(VECTORS[2:]),
        "without weight decay": frozenset(UNDECAYED[1:]),
    },
    hidden={"eps": (1e-6,)},
)
LARS = Oracle(
    claim="lars",
    source="You et al. 2017, algorithm 1",
    step=per_parameter(lars),
    options={
        "lr": 0.1,
        "momentum": 0.9,
        "dampening": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
        "trust": 1e-3,
        "eps": 1e-8,
        "trust_clip": False,
    },
    asides=({"trust_clip": True, "trust": 0.05},),
    conventions={
        "ratio to": LARS_RATIO,
        "velocity": VELOCITY,
        "vectors": VECTORS,
        "without weight decay": UNDECAYED,
        "buffer": ("sum", "dampened from the start"),
    },
    variants={"vectors": frozenset(VECTORS[1:2])},
    departures={
        "vectors": frozenset(VECTORS[2:]),
        "without weight decay": frozenset(UNDECAYED[1:]),
    },
    relevant={"buffer": "dampening"},
    hidden={"eps": (1e-8, 0.0), "trust": (1e-3, 0.02)},
    aliases={"trust": ("trust_coefficient", "trust_coeff", "eta")},
)

ORACLES = (*with_caution(LAMB), LARS)
