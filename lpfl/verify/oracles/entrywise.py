"""Rules that act on each entry: gradient descent, momentum, Adam, AdamW, signSGD.

A rule takes ``(W, gradient, state, options, seen)`` and returns the next W; it keeps its state in
the dict. Every formula is the printed relation of a claim. ``seen`` is what the layer saw: input
factor and output factor, or None.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.core.claim import Claim
from theory.optimizers.rules.adaptive import OP_03, OP_04, OP_05
from theory.optimizers.rules.gradient import OP_01, OP_02

Array = NDArray[np.float64]
State = dict[str, Any]
Options = Mapping[str, Any]
Seen = tuple[Array | None, Array | None]
Rule = Callable[[Array, Array, State, Options, Seen], Array]


def sgd(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Gradient descent."""
    return OP_01["rule"].number(
        weight=W, gradient=g, step_size=o["step_size"], weight_decay=o["weight_decay"]
    )


def sgd_momentum(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Heavy ball, or Nesterov's form."""
    eta, b = o["step_size"], o["momentum"]
    old = m.get("v", np.zeros_like(W))
    kept = OP_02["averaged" if o["averaged"] else "velocity"]
    v = m["v"] = kept.number(velocity=old, gradient=g, momentum=b)
    if o["nesterov"]:
        known = {"weight": W, "gradient": g, "velocity_next": v, "step_size": eta, "momentum": b}
        return OP_02["nesterov"].number(**known)
    return OP_02["heavy_ball"].number(weight=W, velocity_next=v, step_size=eta)


def adam_direction(claim: Claim, first: Array, second: Array, age: int, o: Options) -> Array:
    """Return Adam's direction by the printed relation of a claim."""
    return claim["direction"].number(
        gradient_average_next=first,
        square_average_next=second,
        steps_seen=age,
        first_decay=o["beta1"],
        second_decay=o["beta2"],
        epsilon=o["epsilon"],
    )


def averages(claim: Claim, m: State, g: Array, square_of: Array, o: Options) -> tuple[Any, Any]:
    """Take a gradient, and what is squared, into both averages and return them."""
    zero = np.zeros_like(g)
    m["m"] = claim["first"].number(
        gradient_average=m.get("m", zero), gradient=g, first_decay=o["beta1"]
    )
    m["v"] = claim["second"].number(
        square_average=m.get("v", zero), gradient=square_of, second_decay=o["beta2"]
    )
    return m["m"], m["v"]


def adam(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Adam."""
    m["t"] = m.get("t", 0) + 1
    direction = adam_direction(OP_03, *averages(OP_03, m, g, g, o), m["t"], o)
    return OP_03["step"].number(weight=W, direction_entry=direction, step_size=o["step_size"])


def adamw(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """Adam with decoupled decay."""
    m["t"] = m.get("t", 0) + 1
    direction = adam_direction(OP_04, *averages(OP_04, m, g, g, o), m["t"], o)
    return OP_04["step"].number(
        weight=W,
        direction_entry=direction,
        step_size=o["step_size"],
        weight_decay=o["weight_decay"],
    )


def sign_sgd(W: Array, g: Array, m: State, o: Options, seen: Seen) -> Array:
    """SignSGD, or Signum."""
    old = m.get("a", np.zeros_like(W))
    a = m["a"] = OP_05["average"].number(gradient_average=old, gradient=g, momentum=o["momentum"])
    return OP_05["step"].number(weight=W, gradient_average_next=a, step_size=o["step_size"])
