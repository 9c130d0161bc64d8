"""The linear representation from its rows: gradients, factors, heads, and the order of layers."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.optim.core.output_factor import sampled_residuals
from lpfl.verify.oracles.entrywise import Options, Rule, State
from lpfl.verify.oracles.matrices import shaken, transposed
from lpfl.verify.oracles.matrixwise import Piece, clip_factor

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


ORDER = ("head", "representation")
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
        right: Array = transposed(hidden) @ rows.targets
        return transposed(np.asarray(np.linalg.solve(moment, right), dtype=np.float64))
    fitted: Array = np.linalg.pinv(hidden) @ rows.targets
    return transposed(fitted)


def seen(
    layer: str, at: Layers, rows: Rows, shown: Rows, o: Options, state: State
) -> tuple[Array, Array | None]:
    """Return input and output factor of a layer; None stands for I.

    rows: of the gradients, which the output factor reads. shown: those of the input factor.
    state: number of steps before, and the precision in which residuals are drawn.
    """
    first = layer == "representation"
    X = shown.inputs if first else shown.inputs @ transposed(at.representation)
    Q: Array = transposed(X) @ X / X.shape[-2]
    kind = o.get("output_factor", "gauss_newton")
    if kind == "identity" or (kind == "gauss_newton" and not first):
        return Q, None
    F, m = at.head, at.head.shape[-2]
    E: Array = np.sqrt(m) * np.eye(m)
    if kind == "empirical":
        E = residual(at, rows)
    elif kind == "sampled":
        like = torch.from_numpy(rows.targets).to(state["dtype"])
        options = {"samples_per_row": o["samples_per_row"], "seed": o["sample_seed"]}
        E = sampled_residuals(like, **options, draw=state["count"]).double().numpy()
    B: Array = E @ F if first else E
    return Q, transposed(B) @ B / B.shape[-2]


def layerwise(
    rule: Rule, options: Options, order: str, head_options: Options | None = None
) -> Step:
    """Return the step that moves the layers by ``rule`` in an order of the drive.

    order: "joint", "head_first", "representation_first", "least_squares" or "frozen".
    """
    chosen = {"head": head_options or options, "representation": options}

    def moved(layers: Sequence[str], at: Layers, state: State) -> Layers:
        """Move some layers together, all gradients and factors taken at the same weights."""
        rows, shown = state["pair"][0], state["pair"][-1]
        pieces: list[Piece] = []
        for layer in layers:
            own = state.setdefault(layer, {"nudge": state["nudge"]})
            grad = getattr(slopes(at, rows), layer)
            o = chosen[layer]
            factors = seen(layer, at, rows, shown, o, state)
            pieces.append((getattr(at, layer), grad, own, o, factors))
        if options.get("kl_clip") is not None:
            factor = clip_factor(rule, pieces)
            for _, _, own, _, _ in pieces:
                own["clip"] = factor
        after = [rule(*piece) for piece in pieces]
        return at._replace(**dict(zip(layers, after, strict=True)))

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        if order == "least_squares":
            head_rows = state["pair"][0]
            at = at._replace(head=refitted(at.representation, head_rows, state["nudge"]))
        if order in ("least_squares", "frozen"):
            return moved(("representation",), at, state)
        if order == "joint":
            return moved(Layers._fields, at, state)
        for layer in ORDER if order == "head_first" else ORDER[::-1]:
            at = moved((layer,), at, state)
        return at

    return step


def path(
    step: Step,
    start: Layers,
    batches: Iterable[Sequence[Rows]],
    nudge: float = 0.0,
    dtype: torch.dtype = torch.float64,
) -> Array:
    """Return the weights before and after every step, (T + 1, R, p); nudge: of second moments.

    A step gets its last batch; all batches that it consumes are in its state, under "pair".
    """
    at, state = start, State(nudge=nudge, dtype=dtype)
    walked = [at.flat()]
    for pair in batches:
        state["pair"], state["count"] = pair, len(walked) - 1
        at = step(at, state, pair[-1])
        walked.append(at.flat())
    return np.stack(walked)
