"""SOAP with bases that stay: Adam on weights turned by the bases."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lpfl.linalg import haar
from lpfl.optim import OPTIMIZERS
from lpfl.optim.rule import Layer
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import entrywise
from lpfl.verify.setups.optimizers import trajectory
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

NEVER = 10**6  # steps between new bases


def turned_adam(trial: Trial, options: dict[str, Any]) -> Iterator[Comparison]:
    """Fill the statistics in bases of our choice, then run; read every part of the step.

    The warm-up shows one entry per row and column in bases Q_L, Q_R, with squares that add up to
    1, 4, 9, .. : these are the eigenbases. The gradients after it are drawn freely.
    """
    a, b = trial.weight_rows, trial.weight_columns
    QL, QR = (haar(1, size, trial.stream("basis", size), trial.dtype)[0] for size in (a, b))
    inner = warm_gradients(a, b, trial.averaging)
    rule = OPTIMIZERS["soap"].optimizer(  # type: ignore[attr-defined]
        **options, frequency=NEVER, warmup=len(inner)
    )
    data = trajectory.prescribed(trial, name="turned")
    W = data.start[0]
    state = rule.start(W)
    for warm in inner:
        W, state = rule.update(W, QL @ trial.tensor(warm) @ QR.mT, state, Layer())
    V, memory = as_numpy(QL.mT @ W @ QR), dict[str, Any]()
    gaps = []
    for squares in (
        sum(g @ g.T for g in shown(inner, trial)),
        sum(g.T @ g for g in shown(inner, trial)),
    ):
        values = np.sort(np.diagonal(squares))
        gaps.append(values[-1] / np.diff(values).min() if len(values) > 1 else 1.0)
    for t, grad in enumerate(data.gradients[:, 0], 1):
        V_old = V
        V = entrywise.adam(V, as_numpy(QL.mT @ grad @ QR), memory, options, (None, None))
        W, state = rule.update(W, grad, state, Layer())
        scale = (
            np.linalg.norm(V) + np.linalg.norm(V_old) + t * options["step_size"] * math.sqrt(a * b)
        )
        measured = as_numpy(QL.mT @ W @ QR)
        tolerance = rounding(
            trial.dtype,
            dim=(t + len(inner)) * max(a, b),
            condition=max(gaps) * magnification(options),
            why=f"epsilon over the gap of the statistics, 1/{max(gaps):.3g} of the largest",
        )
        off = np.linalg.norm(measured - V) / scale
        yield Same(
            part="adam", measured=off, predicted=trial.number("adam"), tolerance=tolerance,
            scale=1.0, label=f"step {t}",
        )  # fmt: skip
        direction = entrywise.adam_direction(trial.claim, memory["m"], memory["v"], t, options)
        yield Same(
            part="direction",
            measured=(V_old - measured) / options["step_size"],
            predicted=direction,
            tolerance=tolerance.times(1.0 / options["step_size"], "over the step size"),
            scale=scale,
            axes=2,
            label=f"step {t}",
        )
    yield from both_averages(trial, rule, options)


def magnification(options: dict[str, Any]) -> float:
    """Return how far Adam magnifies an error in its gradient: at most its size over epsilon."""
    return 30.0 / options["epsilon"]  # gradients of this setup lie below 30


def shown(inner: list[np.ndarray], trial: Trial) -> list[np.ndarray]:
    """Return the warm-up gradients times the root of their weight in the statistics."""
    T, beta = len(inner), trial.averaging
    return [g * math.sqrt((1 - beta) * beta ** (T - 1 - s)) for s, g in enumerate(inner)]


def warm_gradients(a: int, b: int, beta: float) -> list[np.ndarray]:
    """Return gradients whose weighted squares add up to diagonal statistics."""
    short, long = min(a, b), max(a, b)
    count = math.ceil(long / short)
    gradients = []
    for t in range(count):
        g = np.zeros((short, long))
        for j in range(t * short, min((t + 1) * short, long)):
            g[j % short, j] = (1.0 + j) / math.sqrt((1 - beta) * beta ** (count - 1 - t))
        gradients.append(g if a == short and a <= b else g.T)
    return gradients


def both_averages(trial: Trial, rule: Any, options: dict[str, Any]) -> Iterator[Comparison]:
    """Read the averages off the state on single entries, where every basis is a sign."""
    one = trial.tensor([[1.0]])
    state, first, second = rule.start(one), 0.0, 0.0
    rule = OPTIMIZERS["soap"].optimizer(**options, warmup=1)  # type: ignore[attr-defined]
    for t, size in enumerate((3.0, 1.0, -2.0, 0.5)):
        _, state = rule.update(one, size * one, state, Layer())
        if t == 0:
            continue
        first = trial.number("first", gradient_average=first, gradient=size)
        second = trial.number("second", square_average=second, gradient=size)
        tolerance = rounding(trial.dtype, dim=t + 1, why="epsilon times the number of terms")
        for part, measured, predicted in (
            ("first", state.first, first),
            ("second", state.second, second),
        ):
            yield Same(
                part=part, measured=float(measured), predicted=predicted, tolerance=tolerance,
                scale=4.0,
            )  # fmt: skip
