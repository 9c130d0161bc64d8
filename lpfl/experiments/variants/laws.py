"""What theory says about E|T_t|^2 of each variant, from a start in the slowest mode."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpfl.experiments.variants.truth import Truth
from theory.linear_representation import (
    factor_floor,
    factor_multiplier,
    momentum_spectrum,
    output_factor,
)
from theory.linear_representation.variants.factors.input_factor import LR_29
from theory.linear_representation.variants.steps.samples import LR_40

Array = NDArray[np.float64]
Law = Callable[[Truth, float, int, int], Array]
"""(truth, step size, rows of a batch, steps) -> E|T_t|^2 at t = 0..steps; ValueError: no floor."""

DECAY, MOMENTUM = 0.9, 0.5
FEW_STEPS = 32


def settled(truth: Truth, gain: float, floor: float, steps: int) -> Array:
    """Return the path whose square shrinks by ``gain`` per step, towards ``floor`` in units of A.

    Raises: ValueError if it grows.
    """
    if not gain < 1:
        raise ValueError(f"gain={gain}, needs < 1: no floor")
    level = floor * truth.tangent_noise
    return level + (truth.start - level) * gain ** np.arange(steps + 1.0)


def same_batch(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """KFAC, both factors of the batch (LR-12)."""
    known: dict[str, Any] = {
        "step_size": step_size,
        "n": n,
        "d": truth.input_dim,
        "k": truth.rank,
    }
    gain = factor_multiplier("same_batch", **known) ** 2
    return settled(truth, gain, factor_floor("same_batch", **known), steps)


def population(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """KFAC with the true covariance (LR-29)."""
    d, k = truth.input_dim, truth.rank
    floor = factor_floor("population", step_size=step_size, n=n, d=d, k=k)
    gain = LR_29["mean_square"].number(step_size=step_size, batch_size=n, input_dim=d, rank=k)
    return settled(truth, float(gain), floor, steps)


def averaged(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """KFAC with a moving average of the input factor (LR-30)."""
    known: dict[str, Any] = {
        "step_size": step_size,
        "n": n,
        "d": truth.input_dim,
        "k": truth.rank,
        "decay": DECAY,
    }
    gain = factor_multiplier("average", **known) ** 2
    return settled(truth, gain, factor_floor("average", **known), steps)


def sampled(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """KFAC with one sample a row in the output factor (LR-33).

    The floor v of LR-33 is x / (2 o_1 - x) in units of 1/(n - d - 1), with x = eta o_2: both
    moments of the step follow from the multiplier and the floor.
    """
    d, k = truth.input_dim, truth.rank
    multiplier, floor = output_factor(
        "sampled", step_size=step_size, n=n, d=d, k=k, samples_per_row=1
    )
    first, relative = 1.0 - multiplier, floor * (n - d - 1)
    second = 2.0 * first * relative / (1.0 + relative)
    return settled(truth, 1.0 - 2.0 * first + second, floor, steps)


def empirical(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """KFAC with the empirical output factor (LR-33); step_size in units of sigma^2."""
    std = truth.noise_std
    multiplier, floor = output_factor(
        "empirical",
        step_size=step_size * std**2,
        n=n,
        d=truth.input_dim,
        k=truth.rank,
        noise_std=std,
    )
    return settled(truth, multiplier**2, floor, steps)


def heavy_ball(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """KFAC with momentum (LR-38): the start and every step's noise follow one recursion."""
    roots = momentum_spectrum("heavy_ball", step_size=step_size, momentum=MOMENTUM)
    total, product = float(roots.sum().real), float(np.prod(roots).real)
    kept, answer = np.ones(steps + 1), np.ones(steps + 1)
    for t in range(1, steps + 1):
        before = (kept[t - 2], answer[t - 2]) if t > 1 else (0.0, 0.0)
        kept[t] = total * kept[t - 1] - product * before[0] if t > 1 else 1.0 - step_size
        answer[t] = total * answer[t - 1] - product * before[1]
    noise = step_size**2 * truth.tangent_noise / (n - truth.input_dim - 1)
    gathered = np.concatenate([[0.0], np.cumsum(answer**2)[:-1]])
    return truth.start * kept**2 + noise * gathered


def kalman(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """KFAC with the step sizes of LR-40, which leave no choice: step_size is not read."""
    error = LR_40["error"].number(
        num_steps=np.arange(steps + 1.0),
        tangent_noise=truth.tangent_noise,
        start=truth.start,
        batch_size=n,
        input_dim=truth.input_dim,
    )
    return np.asarray(error)


def gradient(truth: Truth, step_size: float, n: int, steps: int) -> Array:
    """SGD with a refitted head: the mean-square recursion whose fixed point is LR-32.

    With kappa_ij = eta lambda_i mu_j and nu = n - k, the square of mode (i, j) becomes
    E_ij (1 - 2 kappa nu/n + kappa^2 nu (nu + 1)/n^2) + kappa nu/n^2 (eta sigma^2 + sum_l kappa_il
    E_il).
    """
    free = n - truth.rank
    kappa = step_size * np.outer(truth.heads, truth.schurs)
    kept = 1.0 - 2.0 * kappa * free / n + kappa**2 * free * (free + 1) / n**2
    E = np.zeros_like(kappa)
    E[truth.slowest] = truth.start
    path = [E.sum()]
    for _ in range(steps):
        driven = step_size * truth.noise_std**2 + (kappa * E).sum(1, keepdims=True)
        E = kept * E + kappa * free / n**2 * driven
        path.append(E.sum())
    return np.asarray(path)


def crossing(path: Array, level: float) -> Array:
    """Return after how many steps paths (steps + 1, ...) first fall to ``level``; inf if never.

    Between two steps the logarithm is interpolated.
    """
    below = path <= level
    first = below.argmax(axis=0)
    never = ~below.any(axis=0)
    after = np.take_along_axis(path, first[None], 0)[0]
    before = np.take_along_axis(path, np.maximum(first - 1, 0)[None], 0)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.log(before / level) / np.log(before / after)
    return np.where(never, np.inf, np.where(first == 0, 0.0, first - 1 + part))


def best_step(
    law: Law, truth: Truth, n: int, grid: Array, *, most_steps: int
) -> tuple[float, float]:
    """Return (step size of the grid, steps) that reach the accuracy first; (nan, inf) if none.

    A path is followed no further than the fastest one so far, and at first for a few steps only.
    """
    best = (np.nan, np.inf)
    for step_size in grid:
        most = most_steps if best[1] == np.inf else int(np.ceil(best[1]))
        steps, followed = np.inf, 0
        while steps == np.inf and followed < most:
            followed = min(most, max(FEW_STEPS, 4 * followed))
            try:
                path = law(truth, float(step_size), n, followed)
            except ValueError:
                break
            steps = float(crossing(path, truth.accuracy))
        if steps < best[1]:
            best = (float(step_size), steps)
    return best
