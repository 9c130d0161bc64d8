"""Rules that act on a whole matrix: Muon, Scion, Shampoo, SOAP, KFAC, FOOF.

Same signature as in :mod:`lpfl.verify.oracles.entrywise`. Averages are formed from everything seen
so far, with the printed weight of every age, not by a recursion.
"""

import math
from typing import Any

import numpy as np

from lpfl.verify.oracles.entrywise import (
    Array,
    Options,
    Seen,
    State,
    adam_direction,
    averages,
)
from lpfl.verify.oracles.matrices import newton_schulz, polar, power, shaken, transposed
from theory.core.claim import Claim
from theory.optimizers.rules.kronecker import OP_08, OP_09, OP_10, OP_11
from theory.optimizers.rules.spectral import OP_06, OP_07

QUINTIC = {"newton_schulz_first": 3.4445, "newton_schulz_third": -4.775,
           "newton_schulz_fifth": 2.0315}  # fmt: skip


def by_letter(claim: Claim, part: str, W: Array, values: dict[str, Any]) -> Array:
    """Return the printed matrix relation of a part at W and further values by letter."""
    sizes = {"r_W": W.shape[-2], "c_W": W.shape[-1]}
    return claim[part].matrix({"W_W": W, **values}, sizes=sizes)


def shape_factor(kind: str, rows: int, columns: int) -> float:
    """Return Muon's factor on the step by shape."""
    return {
        "none": 1.0,
        "aspect": math.sqrt(rows / columns) if rows > columns else 1.0,
        "match_rms": 0.2 * math.sqrt(rows if rows > columns else columns),
    }[kind]


def orthogonal(M: Array, steps: int) -> Array:
    """Return the polar factor, exact or after Newton-Schulz steps."""
    if steps == 0:
        return polar(M)
    return newton_schulz(
        M, steps, lambda s: OP_06["newton_schulz"].number(singular_before=s, **QUINTIC)
    )


def mean_gradient(claim: Claim, m: State, W: Array, g: Array, momentum: float) -> Array:
    """Take a gradient into the average that starts at zero and return it."""
    old = m.get("a", np.zeros_like(W))
    m["a"] = claim["average"].number(gradient_average=old, gradient=g, momentum=momentum)
    return m["a"]


def muon(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Muon."""
    b = o["momentum"]
    M = mean_gradient(OP_06, m, W, g, b)
    if o["nesterov"]:
        M = OP_06["look_ahead"].number(gradient_average_next=M, gradient=g, momentum=b)
    values = {
        "O_W": orthogonal(M, o["newton_schulz_steps"]),
        "eta": o["step_size"],
        "omega": o["weight_decay"],
        "s_W": shape_factor(o["scale"], *W.shape[-2:]),
    }
    return by_letter(OP_06, "step", W, values)


def scion(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Scion."""
    M = mean_gradient(OP_07, m, W, g, o["momentum"])
    values = {
        "O_W": orthogonal(M, o["newton_schulz_steps"]),
        "eta": o["step_size"],
        "rho_B": o["radius"],
    }
    return by_letter(OP_07, "constrained" if o["constrained"] else "unconstrained", W, values)


def remembered(claim: Claim, m: State, key: str, value: Array, decay: float) -> Array:
    """Return the mean of everything seen under ``key``, with the printed weights."""
    value = shaken(value, m.get("nudge", 0.0))
    past = m.setdefault(key, [])
    past.append(value)
    if decay == 0.0:
        return value
    t = len(past)
    weights = [
        claim["kept"].number(averaging=decay, steps_ago=t - 1 - s, steps_seen=t) for s in range(t)
    ]
    return np.asarray(sum(weight * old for weight, old in zip(weights, past, strict=True)))


def shampoo(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Shampoo, with sums or averages."""
    sides = {}
    for key, square in (("L_p", g @ transposed(g)), ("R_p", transposed(g) @ g)):
        if o["statistics"] == "average":
            total = remembered(OP_08, m, key, square, o["averaging"])
        else:
            m.setdefault(key, []).append(shaken(square, m.get("nudge", 0.0)))
            total = np.sum(m[key], axis=0) * OP_08["sum"].number()
        sides[key] = power(total, -o["exponent"], o["epsilon"])
    return by_letter(OP_08, "step", W, {"D_W": g, "eta": o["step_size"], **sides})


def soap(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """SOAP with exact eigenvectors."""
    m["seen"] = m.get("seen", 0) + 1
    age = m["seen"] - o["warmup"]
    if age > 0:
        QL, QR = m["QL"], m["QR"]
        first, second = averages(OP_09, m, g, transposed(QL) @ g @ QR, o)
        U = adam_direction(OP_09, transposed(QL) @ first @ QR, second, age, o)
        values = {"Q_L": QL, "Q_R": QR, "U_W": U, "eta": o["step_size"]}
        W = by_letter(OP_09, "step", W, values)
    b = o["averaging"]
    for key, square in (("L", g @ transposed(g)), ("R", transposed(g) @ g)):
        m.setdefault(key, []).append(shaken(square, m.get("nudge", 0.0)))
        if age >= 0 and age % o["frequency"] == 0:
            t = len(m[key])
            mixed = sum((1 - b) * b ** (t - 1 - s) * old for s, old in enumerate(m[key]))
            m["Q" + key] = np.linalg.eigh(mixed).eigenvectors
    return W


def with_velocity(claim: Claim, m: State, W: Array, moved: Array, momentum: float) -> Array:
    """Return the next W when the plain move enters a velocity that starts at zero."""
    if momentum == 0.0:
        return moved
    old = m.get("v", np.zeros_like(W))
    m["v"] = claim["velocity"].number(velocity=old, plain_step=moved - W, momentum=momentum)
    return W + m["v"]


def kfac(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """KFAC; without an output factor the one of the last layer, the identity."""
    Q, P = seen
    assert Q is not None
    Q = remembered(OP_10, m, "Q", Q, o["averaging"])
    values = {"D_W": g, "Q_W": Q, "eta": o["step_size"], "lambda": o["damping"]}
    if P is None:
        moved = by_letter(OP_10, "last_layer", W, values)
    else:
        P = remembered(OP_10, m, "P", P, o["averaging"])
        moved = by_letter(OP_10, "step", W, {**values, "P_W": P, "lambda_P": o["output_damping"]})
    return with_velocity(OP_10, m, W, moved, o["momentum"])


def foof(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """FOOF: the input factor alone."""
    Q = seen[0]
    assert Q is not None
    Q = remembered(OP_11, m, "Q", Q, o["averaging"])
    values = {"D_W": g, "Q_W": Q, "eta": o["step_size"], "lambda": o["damping"]}
    return with_velocity(OP_11, m, W, by_letter(OP_11, "step", W, values), o["momentum"])
