"""What theory says about the squared tangents |T|_F^2 of a run, drawn on top of it."""

from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpfl.experiments.fig1.compare import Run
from lpfl.experiments.fig1.global_law import predicted_rows, squared_tangents
from lpfl.experiments.fig1.tasks import Tasks
from theory.linear_representation import local_rate, tangent_floor

Array = NDArray[np.float64]
LOCAL = 1.0


def spectra(tasks: Tasks, replicate: int) -> dict[str, Any]:
    """Return the eigenvalues of H and of Sigma_s, with their eigenvectors."""
    train = tasks.train
    F = train.head_star[replicate].cpu().numpy()
    B = train.complement[replicate].cpu().numpy()
    inverse = np.linalg.inv(train.cov_x[replicate].cpu().numpy())
    lam, left = np.linalg.eigh(F.T @ F)
    mu, right = np.linalg.eigh(np.linalg.inv(B @ inverse @ B.T))
    return {"head": lam, "schur": mu, "left": left, "right": right}


def floor_of(run: Run, tasks: Tasks, batch_size: int, replicate: int = 0) -> float | None:
    """Return the predicted stationary E|T|_F^2; None if the method has no prediction here."""
    return _guarded(run, tasks, batch_size, spectra(tasks, replicate))


def rate_of(run: Run, tasks: Tasks, replicate: int = 0) -> float | None:
    """Return the predicted slowest contraction per step near the solution; None if unknown."""
    own = spectra(tasks, replicate)
    if run.entrant.key not in ("kfac", "ngd", "amgd", "ngd_empirical"):
        return None
    return local_rate(
        run.entrant.key,
        step_size=run.rate,
        head_eigenvalues=own["head"],
        schur_eigenvalues=own["schur"],
        noise_std=tasks.train.noise_std,
    )


def prediction(run: Run, tasks: Tasks, batch_size: int) -> tuple[Array, Array] | None:
    """Return (steps, predicted |T|_F^2), the median over replicates, or None.

    KFAC: from the start, by the global law (LR-28) plus the noise gathered so far (LR-12). AMGD,
    NGD: from half-way on, by the local rates and floors (LR-15, LR-16, LR-20, LR-21); None if the
    largest |T|_F^2 half-way is above 1, where these do not hold.
    """
    replicates = run.values["tangents"].shape[1]
    middle = run.steps // 2
    if run.entrant.key != "kfac" and not run.values["tangents"][middle].max() <= LOCAL:
        return None
    curves = []
    for r in range(replicates):
        own = spectra(tasks, r)
        floor = _guarded(run, tasks, batch_size, own)
        if floor is None:
            return None
        if run.entrant.key == "kfac":
            gathered = floor * (1 - _decay(1 - run.rate, run.steps))
            curves.append(global_law(tasks, r, run.rate, run.steps) + gathered)
        elif run.entrant.key == "amgd":
            curves.append(_amgd(run, tasks, batch_size, own, r, middle))
        else:
            rate = local_rate(run.entrant.key, step_size=run.rate, noise_std=tasks.train.noise_std)
            left = _decay(rate, run.steps - middle)
            curves.append(run.values["tangents"][middle, r] * left + floor * (1 - left))
    steps = np.arange(run.steps + 1)
    begin = 0 if run.entrant.key == "kfac" else middle
    return steps[begin:].astype(float), np.median(np.stack(curves), axis=0)


def global_law(tasks: Tasks, replicate: int, rate: float, steps: int) -> Array:
    """Return |T|_F^2 at times 0..steps of KFAC on infinite data: (steps + 1,)."""
    train = tasks.train
    root, G_star, B, G = (
        x[replicate].cpu().numpy()
        for x in (train.root, train.representation_star, train.complement, tasks.start[1])
    )
    path = islice(predicted_rows(root, G_star, G, step_size=rate), steps + 1)
    return np.array([squared_tangents(rows, G_star, B) for rows in path])


def _amgd(
    run: Run, tasks: Tasks, batch_size: int, own: dict[str, Any], replicate: int, middle: int
) -> Array:
    if run.representations is None:
        raise ValueError("run has no representations, needs those of AMGD")
    G = run.representations[middle, replicate]
    G_star, B = (
        x[replicate].cpu().numpy()
        for x in (tasks.train.representation_star, tasks.train.complement)
    )
    T = np.linalg.solve(G @ G_star.T, G @ B.T)
    start = (own["left"].T @ T @ own["right"]) ** 2
    total = np.zeros(run.steps - middle + 1)
    for i, lam in enumerate(own["head"]):
        for j, mu in enumerate(own["schur"]):
            pair: dict[str, Any] = {"head_eigenvalues": [lam], "schur_eigenvalues": [mu]}
            left = _decay(local_rate("amgd", step_size=run.rate, **pair), run.steps - middle)
            floor = tangent_floor(
                "amgd_large_batch",
                step_size=run.rate,
                noise_std=tasks.train.noise_std,
                n=batch_size,
                **pair,
            )
            total += start[i, j] * left + floor * (1 - left)
    return total


def _decay(rate: float, steps: int) -> Array:
    """Return rate^(2t) for t = 0..steps."""
    return np.asarray(rate ** (2.0 * np.arange(steps + 1)))


def _guarded(run: Run, tasks: Tasks, batch_size: int, own: dict[str, Any]) -> float | None:
    """Return the floor, or None where there is none (another method, an unstable rate)."""
    method = {"amgd": "amgd_large_batch"}.get(run.entrant.key, run.entrant.key)
    if method not in ("kfac", "ngd", "amgd_large_batch", "ngd_empirical"):
        return None
    try:
        return tangent_floor(
            method,
            step_size=run.rate,
            noise_std=tasks.train.noise_std,
            n=batch_size,
            head_eigenvalues=own["head"],
            schur_eigenvalues=own["schur"],
            output_dim=tasks.train.head_star.shape[1],
        )
    except ValueError:
        return None
