"""The linear representation from its rows: gradients, factors, heads, and the order of layers."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpfl.verify.oracles.entrywise import Options, Rule, State
from lpfl.verify.oracles.matrices import shaken, transposed

Array = NDArray[np.float64]


class Layers(NamedTuple):
    """Head F (R, m, k) and representation G (R, k, d)."""

    head: Array
    representation: Array

    def flat(self) -> Array:
        """Return all entries as one vector per replicate."""
        return np.concatenate([W.reshape(len(W), -1) for W in self], axis=-1)


class Rows(NamedTuple):
    """Inputs X (R, n, d) and targets Y (R, n, m) of one batch."""

    inputs: Array
    targets: Array


Step = Callable[[Layers, State, Rows], Layers]


def residual(at: Layers, rows: Rows) -> Array:
    """Return ``F G x - y`` row by row, (R, n, m)."""
    return rows.inputs @ transposed(at.head @ at.representation) - rows.targets


def slopes(at: Layers, rows: Rows) -> Layers:
    """Return the gradients of half the mean squared residual, from the rows."""
    n, E = rows.inputs.shape[-2], residual(at, rows)
    hidden = rows.inputs @ transposed(at.representation)
    back: Array = E @ at.head
    return Layers(transposed(E) @ hidden / n, transposed(back) @ rows.inputs / n)


def refitted(G: Array, rows: Rows, nudge: float = 0.0) -> Array:
    """Return the head that fits the rows best, by the pseudo-inverse of the hidden units.

    nudge: of the second moment of the hidden units, then used in its place.
    """
    hidden = rows.inputs @ transposed(G)
    if nudge:
        moment = shaken(transposed(hidden) @ hidden, nudge)
        return transposed(np.linalg.solve(moment, transposed(hidden) @ rows.targets))
    fitted: Array = np.linalg.pinv(hidden) @ rows.targets
    return transposed(fitted)


def seen(layer: str, at: Layers, rows: Rows) -> tuple[Array, Array | None]:
    """Return input and output factor of a layer, from the rows."""
    n = rows.inputs.shape[-2]
    if layer == "representation":
        return transposed(rows.inputs) @ rows.inputs / n, transposed(at.head) @ at.head
    hidden = rows.inputs @ transposed(at.representation)
    return transposed(hidden) @ hidden / n, None


def layerwise(
    rule: Rule, options: Options, order: str, head_options: Options | None = None
) -> Step:
    """Return the step that moves the layers by ``rule`` in an order of the drive.

    order: "joint", "head_first", "representation_first", "least_squares" or "frozen".
    """
    chosen = {"head": head_options or options, "representation": options}

    def moved(layer: str, at: Layers, state: State, rows: Rows) -> Array:
        W, grad = getattr(at, layer), getattr(slopes(at, rows), layer)
        own = state.setdefault(layer, {"nudge": state.get("nudge", 0.0)})
        return rule(W, grad, own, chosen[layer], seen(layer, at, rows))

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        if order == "least_squares":
            at = at._replace(head=refitted(at.representation, rows, state.get("nudge", 0.0)))
        if order in ("least_squares", "frozen"):
            return at._replace(representation=moved("representation", at, state, rows))
        if order == "joint":
            return Layers(*[moved(layer, at, state, rows) for layer in Layers._fields])
        names = ("head", "representation")
        for layer in names if order == "head_first" else names[::-1]:
            at = at._replace(**{layer: moved(layer, at, state, rows)})
        return at

    return step


def path(step: Step, start: Layers, batches: Iterator[Rows], nudge: float = 0.0) -> Array:
    """Return the weights before and after every step, (T + 1, R, p); nudge: of second moments."""
    at, state = start, State(nudge=nudge)
    walked = [at.flat()]
    for rows in batches:
        at = step(at, state, rows)
        walked.append(at.flat())
    return np.stack(walked)
