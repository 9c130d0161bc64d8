"""Rules that act on a whole matrix: Muon, Scion, Shampoo, SOAP, KFAC, FOOF.

Same signature as in :mod:`lpfl.verify.oracles.entrywise`. Averages are formed from everything seen
so far, with the printed weight of every age, not by a recursion.
"""

import copy
import math
from typing import Any

import numpy as np

from lpfl.verify.oracles.entrywise import (
    Array,
    Options,
    Rule,
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


def remembered(
    claim: Claim,
    m: State,
    key: str,
    value: Array,
    decay: float,
    *,
    every: int = 1,
    includes_current: bool = True,
) -> Array:
    """Return the mean of what was seen under ``key`` in every ``every``-th step, as printed.

    includes_current: with the value of this step; without it, where there is an earlier one.
    """
    value = shaken(value, m.get("nudge", 0.0))
    past, count = m.setdefault(key, []), m.get(key + " steps", 0)
    m[key + " steps"] = count + 1
    known = list(past)
    if count % every == 0:
        past.append(value)
    if includes_current or not known:
        known = list(past)
    t = len(known)
    ages = np.arange(t)[::-1]
    weights = claim["kept"].number(averaging=decay, steps_ago=ages, steps_seen=t)
    return np.tensordot(np.atleast_1d(weights), np.stack(known), axes=1)


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
    """SOAP, its bases renewed by one power iteration or exactly."""
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
            if age == 0 or o["bases"] == "exact":
                m["Q" + key] = np.linalg.eigh(mixed).eigenvectors[..., ::-1]
            else:
                renew(m, key, mixed)
    return W


def renew(m: State, key: str, mixed: Array) -> None:
    """Replace a basis of SOAP by one power iteration; the second moment follows its order."""
    Q = m["Q" + key]
    sizes = np.diagonal(transposed(Q) @ mixed @ Q, axis1=-2, axis2=-1)
    order = np.argsort(-sizes, axis=-1)
    along = (order[..., :, None], -2) if key == "L" else (order[..., None, :], -1)
    m["v"] = np.take_along_axis(m["v"], *along)
    m["Q" + key] = np.linalg.qr(np.take_along_axis(mixed @ Q, order[..., None, :], -1)).Q


def factor_step(claim: Claim, W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Return the move of KFAC or FOOF before clip, momentum and decoupled decay."""
    Q, P = seen
    assert Q is not None
    kept = {"every": o["factor_every"], "includes_current": o["includes_current"]}
    slope = coupled(W, g, o)
    Q = remembered(claim, m, "Q", Q, o["averaging"], **kept)
    if P is not None and claim is OP_10:
        P = remembered(claim, m, "P", P, o["averaging"], **kept)
    move = divided(claim, W, slope, P if claim is OP_10 else None, Q, o) - W
    if o["graft"] == "sgd":
        length = np.linalg.norm(slope, axis=(-2, -1), keepdims=True)
        wanted = claim["graft"].number(step_size=o["step_size"], gradient_norm=length)
        move = move * wanted / np.linalg.norm(move, axis=(-2, -1), keepdims=True)
    return move


def divided(claim: Claim, W: Array, slope: Array, P: Array | None, Q: Array, o: Options) -> Array:
    """Return the plain step with one of three kinds of damping; P None stands for I."""
    eye = np.broadcast_to(np.eye(W.shape[-2]), (*W.shape[:-1], W.shape[-2]))
    values = {"D_W": slope, "Q_W": Q, "eta": o["step_size"], "lambda": o["damping"]}
    if o["damping_kind"] == "kronecker":
        return W - o["step_size"] * kronecker_solve(slope, eye if P is None else P, Q, o["damping"])
    if o["damping_kind"] == "pi":
        P = eye if P is None else P
        ratio = np.trace(Q, axis1=-2, axis2=-1) / np.trace(P, axis1=-2, axis2=-1)
        values["pi_W"] = np.sqrt(ratio * P.shape[-1] / Q.shape[-1])
        values |= {"P_W": P, "lambda_r": math.sqrt(o["damping"])}
        return by_letter(OP_10, "pi", W, values)
    values["lambda_P"] = o["output_damping"]
    if P is None:
        return by_letter(claim, "step" if claim is OP_11 else "last_layer", W, values)
    return by_letter(claim, "step", W, {**values, "P_W": P})


def kronecker_solve(slope: Array, P: Array, Q: Array, damping: float) -> Array:
    """Return D with ``P D Q + damping D = slope`` from the dense system in all entries of D."""
    found = []
    for S, left, right in zip(slope, P, Q, strict=True):
        system = np.kron(left, right) + damping * np.eye(S.size)
        found.append(np.linalg.solve(system, S.ravel()).reshape(S.shape))
    return np.stack(found)


def coupled(W: Array, g: Array, o: Options) -> Array:
    """Return the gradient, with the decay in it where the two are coupled."""
    return g + o["weight_decay"] * W if o["decay_kind"] == "coupled" else g


def with_memory(claim: Claim, W: Array, move: Array, m: State, o: Options) -> Array:
    """Return the next W: clip, momentum of one of three kinds, decoupled decay."""
    move, b = move * m.pop("clip", 1.0), o["momentum"]
    after = W + move
    if b:
        kind, old = o["momentum_kind"], m.get("v", np.zeros_like(W))
        part = claim["averaged" if kind == "averaged" else "velocity"]
        v = m["v"] = part.number(velocity=old, plain_step=move, momentum=b)
        after = W + v
        if kind == "nesterov":
            after = claim["nesterov"].number(weight=W, plain_step=move, velocity_next=v, momentum=b)
    if o["weight_decay"] and o["decay_kind"] == "decoupled":
        kept = claim["decay"].number(
            weight=W, step_size=o["step_size"], weight_decay=o["weight_decay"]
        )
        after = after + (kept - W)
    return after


def kfac(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """KFAC; without an output factor the one of the last layer, the identity."""
    return with_memory(OP_10, W, factor_step(OP_10, W, g, m, o, seen), m, o)


def foof(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """FOOF: the input factor alone."""
    return with_memory(OP_11, W, factor_step(OP_11, W, g, m, o, seen), m, o)


Piece = tuple[Array, Array, State, Options, Seen]


def clip_factor(rule: Rule, pieces: list[Piece]) -> Array:
    """Return what the clip multiplies the steps of layers that move together with, (R, 1, 1)."""
    claim, total = (OP_11 if rule is foof else OP_10), 0.0
    for W, g, m, o, seen in pieces:
        move = factor_step(claim, W, g, copy.deepcopy(m), o, seen)
        inner = (coupled(W, g, o) * -move).sum(axis=(-2, -1), keepdims=True)
        total = total + o["step_size"] * inner
    bound = min(o["kl_clip"] for *_, o, _ in pieces)
    total = np.maximum(total, np.finfo(np.float64).tiny)
    factor: Array = claim["clip"].number(largest_decrease=bound, decrease_ahead=total)
    return factor
