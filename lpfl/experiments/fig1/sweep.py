"""Steps to a given distance against the condition numbers of Sigma and of F*, without noise."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.experiments.core.curves import first_below
from lpfl.experiments.core.experiment import Say
from lpfl.experiments.core.progress import told
from lpfl.experiments.core.race import race
from lpfl.experiments.fig1.global_law import distance, predicted_rows
from lpfl.experiments.fig1.tasks import Sizes, head_eigenvalues
from lpfl.linalg import haar, subspace_distance, tangent_matrix
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import OPTIMIZERS
from lpfl.problems.linear_representation import (
    LinearRepresentation,
    Weights,
    draw_representation,
    least_squares_head,
    population_batch,
    tilt,
)
from lpfl.seeding import generator
from theory.linear_representation.rates.local import LR_15

Array = NDArray[np.float64]
LEVEL = 0.05
START_TANGENT = 0.5
NATURAL_RATE = 0.1
_WIDE = tuple(2.0**power for power in range(-5, 3))
_SMALL = tuple(2.0**power for power in range(-8, 0))
CONTEST: Mapping[str, tuple[str, int, tuple[float, ...], dict[str, float | bool]]] = {
    "KFAC": ("kfac", 0, (NATURAL_RATE,), {}),
    "NGD": ("ngd", 11, (NATURAL_RATE,), {}),
    "SGD": ("sgd", 1, _WIDE, {}),
    "AMGD": ("amgd", 2, _WIDE, {}),
    "Adam": ("adam", 3, _SMALL, {}),
    "Shampoo": ("shampoo", 6, _WIDE, {}),
    "Muon": ("muon", 7, _SMALL, {}),
    "DFW": ("dfw", 10, _WIDE, {}),
}


@dataclass(frozen=True)
class Sweep:
    """Steps to the level: method -> (pairs, seeds), infinite where it was not reached.

    predicted: the same for KFAC (exactly) and AMGD (linearised, best rate of the grid).
    """

    steps: Mapping[str, Array]
    predicted: Mapping[str, Array]


def sweep_tasks(
    sizes: Sizes, pairs: Sequence[tuple[float, float]], seeds: int, *, seed: int, device: str
) -> tuple[LinearRepresentation, Weights]:
    """Return one task per (condition of Sigma, condition of F*) and seed, and a start.

    The replicate axis is condition by seed; a seed has the same bases, subspace and start at every
    condition, so that only the spectra differ.
    """
    d, m, k = sizes.input_dim, sizes.output_dim, sizes.rank
    stream = generator(seed, "fig1", "sweep", device=device)
    basis, left, right = (haar(seeds, size, stream) for size in (d, m, k))
    G_star = draw_representation(seeds, k, d, stream)
    G = torch.linalg.qr(tilt(G_star, START_TANGENT, stream, gauge=False).mT)[0].mT
    roots, heads = [], []
    for cov_condition, head_condition in pairs:
        spec = CovarianceSpec(d, "geometric", float(np.log10(cov_condition)))
        root_values = torch.from_numpy(spec.spectrum()).sqrt().to(device)
        roots.append((basis * root_values) @ basis.mT)
        lam = head_eigenvalues(k, head_condition).to(device)
        heads.append((left[..., :k] * lam.sqrt()) @ right)
    root = torch.cat(roots)
    root = (root + root.mT) / 2
    Sigma = root @ root
    G_star, G = (x.repeat(len(pairs), 1, 1) for x in (G_star, G))
    problem = LinearRepresentation(torch.cat(heads), G_star, (Sigma + Sigma.mT) / 2, root, 0.0)
    return problem, Weights(least_squares_head(G, population_batch(problem)), G)


def sweep(
    sizes: Sizes,
    pairs: Sequence[tuple[float, float]],
    seeds: int,
    *,
    num_steps: int,
    seed: int,
    device: str,
    say: Say = lambda line: None,
    names: Sequence[str] = tuple(CONTEST),
) -> Sweep:
    """Count the steps to distance LEVEL for every method, at its best rate per condition."""
    problem, start = sweep_tasks(sizes, pairs, seeds, seed=seed, device=device)
    batch = population_batch(problem)
    entries = [(name, rate) for name in names for rate in CONTEST[name][2]]

    def apart(weights: Weights) -> torch.Tensor:
        return subspace_distance(weights.representation, problem.representation_star)

    outcome = race(
        [OPTIMIZERS[CONTEST[n][0]](step_size=rate, **CONTEST[n][3]) for n, rate in entries],
        start,
        told(lambda step: batch, num_steps=num_steps, say=say, subject="sweep"),
        num_steps=num_steps,
        observe={"distance": apart},
        arrived=lambda weights: apart(weights) <= LEVEL,
    )
    first = first_below(outcome.seen["distance"].cpu().numpy(), LEVEL)
    table = first.reshape(len(entries), len(pairs), seeds)
    steps = {}
    for name in names:
        own = table[[i for i, (n, _) in enumerate(entries) if n == name]]
        best = best_rates(own)
        steps[name] = own[best, np.arange(len(pairs))]
    shape = (len(pairs), seeds)
    predicted = {
        "KFAC": _kfac_steps(problem, start, num_steps).reshape(shape),
        "AMGD": _amgd_steps(problem, start, num_steps, shape),
    }
    return Sweep(steps, predicted)


def best_rates(table: Array) -> NDArray[np.intp]:
    """Return per condition the rate with the fewest steps in the median, of (rates, pairs, seeds).

    Rates at which every seed arrives come first: the median alone would forgive a seed that never
    does.
    """
    middle = np.median(table, axis=2)
    everyone = np.where(np.isfinite(table).all(axis=2), middle, np.inf)
    best = np.where(np.isfinite(everyone).any(axis=0), everyone.argmin(0), middle.argmin(0))
    return np.asarray(best, dtype=np.intp)


def slope(conditions: Sequence[float], steps: Array) -> tuple[float, float] | None:
    """Return the fitted exponent, steps ~ condition^exponent, and its standard error over seeds.

    Conditions at which a seed did not arrive are left out; None if fewer than three are left.
    """
    kept = np.isfinite(steps).all(axis=1)
    if kept.sum() < 3:
        return None
    x = np.log(np.asarray(conditions)[kept])
    slopes = np.polyfit(x, np.log(np.maximum(steps[kept], 1.0)), 1)[0]
    return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))


def _kfac_steps(problem: LinearRepresentation, start: Weights, num_steps: int) -> Array:
    """Return the predicted steps of KFAC per replicate: the global law, exactly (LR-28)."""
    counts = []
    parts = (problem.root, problem.representation_star, start.representation)
    for root, G_star, G in zip(*(x.cpu().numpy() for x in parts), strict=True):
        path = islice(predicted_rows(root, G_star, G, step_size=NATURAL_RATE), num_steps + 1)
        near = (t for t, rows in enumerate(path) if distance(rows, G_star) <= LEVEL)
        counts.append(float(next(near, np.inf)))
    return np.array(counts)


def _amgd_steps(
    problem: LinearRepresentation, start: Weights, num_steps: int, shape: tuple[int, int]
) -> Array:
    """Return the predicted steps of AMGD at the best rate of its grid, linearised (LR-15)."""
    T = tangent_matrix(start.representation, problem.representation_star, problem.complement)
    lam, left = torch.linalg.eigh(problem.head_star.mT @ problem.head_star)
    B = problem.complement
    mu, right = torch.linalg.eigh(torch.linalg.inv(B @ torch.linalg.inv(problem.cov_x) @ B.mT))
    modes = (left.mT @ T @ right).cpu().numpy()
    bound = LEVEL / np.sqrt(1 - LEVEL**2)
    conditions, seeds = shape
    table = np.full((len(_WIDE), conditions, seeds), np.inf)
    for r, (own, h, s) in enumerate(zip(modes, lam.cpu(), mu.cpu(), strict=True)):
        pairs = {"head_eigenvalue": h.numpy()[:, None], "schur_eigenvalue": s.numpy()}
        for i, rate in enumerate(_WIDE):
            factors = LR_15["entry"].number(step_size=rate, **pairs)
            table[i, r // seeds, r % seeds] = _first_step(own, factors, bound, num_steps)
    best = best_rates(table)
    return np.asarray(table[best, np.arange(conditions)])


def _first_step(modes: Array, multipliers: Array, bound: float, num_steps: int) -> float:
    """Return the first t with |multipliers^t modes|_op <= bound, infinity if there is none.

    A mode that does not shrink may be small enough at the start for the bound to hold for a while.
    """

    def small(t: int) -> bool:
        return bool(np.linalg.norm(modes * multipliers**t, ord=2) <= bound)

    if np.abs(multipliers).max() >= 1:
        growing = np.where(np.abs(multipliers) >= 1, modes, 0.0)
        for t in range(num_steps + 1):
            if np.abs(growing * multipliers**t).max() > bound:
                return np.inf
            if small(t):
                return float(t)
        return np.inf
    first = bisect_left(range(num_steps + 1), True, key=small)
    return float(first) if first <= num_steps else np.inf
