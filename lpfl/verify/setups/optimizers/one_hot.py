"""The weight of every past step in a statistic, read off a move.

Each step contributes to an entry of its own, so that the last move tells all weights at once. The
state of the optimizer is not looked at.
"""

from typing import Any

import numpy as np
import torch

from lpfl.optim import OPTIMIZERS
from lpfl.optim.rule import Layer
from lpfl.verify.expect import Same
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

REST = 0.5  # of the identity in every factor, which keeps it invertible


def predicted_weights(trial: Trial, part: str, steps: int) -> np.ndarray:
    """Return the printed weights of the steps 1 .. steps, the oldest first."""
    values = trial.number(part, **_ages(trial, part, steps))
    return np.broadcast_to(np.asarray(values, dtype=np.float64), (steps,))


def _ages(trial: Trial, part: str, steps: int) -> dict[str, Any]:
    known = {"steps_ago": np.arange(steps)[::-1], "steps_seen": steps}
    return {name: known[name] for name in trial.claim[part].needs() if name in known}


def factor_weights(trial: Trial, name: str, options: dict[str, Any], *, side: str) -> Same:
    """Show a factor I/2 with a single 1 more on the diagonal in each step; the other one is I.

    The last move of entry i is step size / ((1/2 + weight_i + damping) (1 + other damping)).
    """
    T = trial.steps
    rule = OPTIMIZERS[name].optimizer(**options)  # type: ignore[attr-defined]
    eye = trial.tensor(np.eye(T))
    W, grad = torch.zeros_like(eye), torch.ones_like(eye)
    state, before = rule.start(W), W
    for t in range(T):
        shown = torch.diag_embed(eye[t]) + REST * eye
        layer = Layer(shown, eye) if side == "inputs" else Layer(eye, shown)
        before = W
        W, state = rule.update(W, grad, state, layer)
    last = as_numpy(before - W)
    on, off = options["damping"], options["output_damping"]
    if side == "outputs":
        last, on, off = last.T, off, on
    weights = options["step_size"] / (last[0] * (1.0 + off)) - on - REST
    reach = (1.0 + on) * T
    return Same(
        part="kept",
        measured=weights,
        predicted=predicted_weights(trial, "kept", T),
        tolerance=rounding(trial.dtype, dim=T, condition=reach * (1.0 + on)),
        scale=1.0 + on,
        label=side,
    )


def shampoo_weights(trial: Trial, part: str, options: dict[str, Any]) -> Same:
    """Show a gradient with a single 1 on the diagonal in each step but the last, which is I."""
    T = trial.steps
    rule = OPTIMIZERS["shampoo"].optimizer(**options)  # type: ignore[attr-defined]
    eye = trial.tensor(np.eye(T))
    W = torch.zeros_like(eye)
    state, before = rule.start(W), W
    for t in range(T):
        before = W
        W, state = rule.update(W, torch.diag_embed(eye[t]) if t < T - 1 else eye, state, Layer())
    last = as_numpy((before - W).diagonal() / options["step_size"])
    epsilon, power = options["epsilon"], 2.0 * options["exponent"]
    totals = np.sign(last) * np.abs(last) ** (-1.0 / power) - epsilon
    weights = np.append(totals[:-1] - totals[-1], totals[-1])
    reach = (T + epsilon) * (1.0 + 1.0 / epsilon) / power
    return Same(
        part=part,
        measured=weights,
        predicted=predicted_weights(trial, part, T),
        tolerance=rounding(trial.dtype, dim=T, condition=max(1.0, reach)),
        scale=1.0 + epsilon,
        label="weights of past gradients",
    )
