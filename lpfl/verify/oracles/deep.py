"""Deep linear networks from their rows, with or without biases: slopes, factors, and steps.

A layer is W (R, a, b), or [W b] (R, a, b + 1) with biases; the first one is nearest to the inputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.optim.core.output_factor import sampled_residuals
from lpfl.verify.oracles.entrywise import Options, Rule, State
from lpfl.verify.oracles.matrices import transposed
from lpfl.verify.oracles.matrixwise import Piece, clip_factor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """Rows of a batch, those that the input factors come from, and which draw it is."""

    inputs: Array
    targets: Array
    shown: Array
    draw: int = 0


def with_ones(rows: Array, biases: bool) -> Array:
    """Return the rows, with a last column of ones where there are biases."""
    if not biases:
        return rows
    return np.concatenate([rows, np.ones((*rows.shape[:-1], 1))], axis=-1)


def forward(layers: Sequence[Array], X: Array, biases: bool) -> list[Array]:
    """Return the inputs of every layer, and last the outputs of the network."""
    found = [with_ones(X, biases)]
    for W in layers:
        found.append(with_ones(found[-1] @ transposed(W), biases))
    found[-1] = found[-1][..., : layers[-1].shape[-2]]
    return found


def slopes(layers: Sequence[Array], seen: Seen, biases: bool) -> list[Array]:
    """Return the gradients of half the mean squared residual, row by row from the top."""
    inputs = forward(layers, seen.inputs, biases)
    back = (inputs[-1] - seen.targets) / seen.inputs.shape[-2]
    found = []
    for W, rows in zip(reversed(layers), reversed(inputs[:-1]), strict=True):
        found.append(transposed(back) @ rows)
        back = (back @ W)[..., : rows.shape[-1] - biases]
    return found[::-1]


def factors(
    layers: Sequence[Array], at: int, seen: Seen, biases: bool, o: Options
) -> tuple[Array, Array | None]:
    """Return input and output factor of layer ``at``; None stands for I."""
    rows = forward(layers, seen.shown, biases)[at]
    Q: Array = transposed(rows) @ rows / rows.shape[-2]
    kind, m = o.get("output_factor", "gauss_newton"), seen.targets.shape[-1]
    over = np.broadcast_to(np.eye(m), (len(seen.targets), m, m))
    for W in reversed(layers[at + 1 :]):
        over = over @ W[..., : W.shape[-1] - biases]
    if kind == "identity" or (kind == "gauss_newton" and at == len(layers) - 1):
        return Q, None
    E: Array = np.sqrt(m) * np.eye(m)
    if kind == "empirical":
        E = forward(layers, seen.inputs, biases)[-1] - seen.targets
    elif kind == "sampled":
        like = torch.from_numpy(seen.targets[0])
        E = sampled_residuals(
            like, samples_per_row=o["samples_per_row"], seed=o["sample_seed"], draw=seen.draw
        ).numpy()[None]
    B: Array = E @ over
    return Q, transposed(B) @ B / B.shape[-2]


def moved(
    rule: Rule,
    options: Sequence[Options],
    layers: Sequence[Array],
    states: Sequence[State],
    seen: Seen,
    *,
    in_turn: bool = False,
    biases: bool = False,
    own: bool = False,
) -> list[Array]:
    """Return the layers after one step. own: biases move apart from their matrices."""
    after = list(layers)
    for together in [[i] for i in range(len(layers))] if in_turn else [range(len(layers))]:
        at = list(after)
        gradients = slopes(at, seen, biases)
        pieces: list[tuple[int, slice, Piece]] = []
        for i in together:
            Q, P = factors(at, i, seen, biases, options[i])
            for part in (slice(None, -1), slice(-1, None)) if own else (slice(None),):
                state = states[i].setdefault(str(part), {})
                block = (Q[..., part, part], P)
                pieces.append(
                    (i, part, (at[i][..., part], gradients[i][..., part], state, options[i], block))
                )
        if options[0].get("kl_clip") is not None:
            factor = clip_factor(rule, [piece for _, _, piece in pieces])
            for _, _, (_, _, state, _, _) in pieces:
                state["clip"] = factor
        for i, part, piece in pieces:
            W = after[i].copy()
            W[..., part] = rule(*piece)
            after[i] = W
    return after


def flat(layers: Sequence[Array]) -> Array:
    """Return all entries as one vector per replicate."""
    return np.concatenate([W.reshape(len(W), -1) for W in layers], axis=-1)


def path(
    rule: Rule,
    options: Sequence[Mapping[str, Any]],
    layers: Sequence[Array],
    batches: Sequence[Seen],
    still: Sequence[int] = (),
    **how: bool,
) -> Array:
    """Return the weights before and after every step, (T + 1, R, p).

    still: the steps in which the weights stay and the states go on.
    """
    states: list[State] = [{} for _ in layers]
    at, walked = list(layers), [flat(layers)]
    for t, seen in enumerate(batches):
        after = moved(rule, options, at, states, seen, **how)
        at = at if t in still else after
        walked.append(flat(at))
    return np.stack(walked)
