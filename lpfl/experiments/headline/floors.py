"""The floor that label noise leaves, against the rows of a batch: KFAC beside AMGD."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.experiments.core.race import race
from lpfl.experiments.fig1.sweep import sweep_tasks
from lpfl.experiments.fig1.tasks import Sizes
from lpfl.linalg import tangent_matrix
from lpfl.optim import OPTIMIZERS
from lpfl.problems.linear_representation import Batch, LinearRepresentation, Weights
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.seeding import generator
from theory.linear_representation import tangent_floor

Array = NDArray[np.float64]
KFAC_RATE = 0.5
AMGD_SHARE = 0.5  # of the step size 2 / (largest + smallest eigenvalue), the fastest without noise
MEMORIES = 6.0  # of the slowest direction, before the first square is counted, and counted
CONDITION = 10.0


def spectra(problem: LinearRepresentation) -> tuple[Array, Array]:
    """Return the eigenvalues of H and of the Schur complement; all replicates share the first."""
    B = problem.complement
    heads = torch.linalg.eigvalsh(problem.head_star.mT @ problem.head_star)[0]
    schurs = torch.linalg.eigvalsh(torch.linalg.inv(B @ torch.linalg.inv(problem.cov_x) @ B.mT))[0]
    return heads.cpu().numpy(), schurs.cpu().numpy()


def measured_floors(
    sizes: Sizes, rows: Sequence[int], replicates: int, *, seed: int, device: str
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Return |T|_F^2 (rows, replicates) of each method at its floor, and what theory predicts.

    Each replicate is a run of its own from the truth on one problem, averaged over its later part.
    """
    one, _ = sweep_tasks(sizes, [(CONDITION, sizes.head_condition)], 1, seed=seed, device=device)
    heads, schurs = spectra(one)
    problem = replace(
        one,
        **{
            name: getattr(one, name).expand(replicates, -1, -1).contiguous()
            for name in ("head_star", "representation_star", "cov_x", "root")
        },
        noise_std=sizes.noise_std,
    )
    slowest, fastest = heads[0] * schurs[0], heads[-1] * schurs[-1]
    rates = {"KFAC": KFAC_RATE, "AMGD": AMGD_SHARE * 2.0 / float(slowest + fastest)}
    half = int(np.ceil(MEMORIES / (rates["AMGD"] * slowest)))
    measured: dict[str, list[Array]] = {name: [] for name in rates}
    predicted: dict[str, list[float]] = {name: [] for name in rates}

    def squares(weights: Weights) -> torch.Tensor:
        T = tangent_matrix(weights.representation, problem.representation_star, problem.complement)
        return T.square().sum((-2, -1))

    for n in rows:
        stream = generator(seed, "headline", "floor", n, device=device)

        def batch(step: int, n: int = n, stream: torch.Generator = stream) -> Batch:
            return sample_moments(problem, n, stream)

        outcome = race(
            [OPTIMIZERS[name.lower()](step_size=rate) for name, rate in rates.items()],
            Weights(problem.head_star, problem.representation_star),
            batch,
            num_steps=2 * half,
            observe={"square": squares},
        )
        late = outcome.seen["square"][half:].mean(0).cpu().numpy()
        for place, (name, rate) in enumerate(rates.items()):
            measured[name].append(late[place])
            predicted[name].append(
                tangent_floor(
                    name.lower(),
                    step_size=rate,
                    noise_std=sizes.noise_std,
                    n=n,
                    head_eigenvalues=heads,
                    schur_eigenvalues=schurs,
                )
            )
    return (
        {name: np.stack(values) for name, values in measured.items()},
        {name: np.array(values) for name, values in predicted.items()},
    )
