"""Updates of both layers near a solution: scenarios, solutions in several gauges, their spectra."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import linear_representation as model
from lpfl.verify.expect import Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import Array, difference_tolerance
from lpfl.verify.space import Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial
from theory.linear_representation.rates.spectra import modes

SIZES = (
    Integers("input_dim", 3, 12, log=True),
    Integers("rank", 1, lambda v: min(3, v["input_dim"] - 1)),
    Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 4),
)
COUNTED = ("rank", "input_dim", "output_dim", "num_layers", "middle_width")
HEAD_COND = Reals("head_log10_cond", 0.0, 1.0)
COVARIANCE = Covariances(max_log10_cond=2.0)


def anchor(**fields: float) -> Scenario:
    """Return a scenario at sizes whose Jacobian is still quick to decompose."""
    covariance = CovarianceSpec(24, "geometric", 2.0, "haar", 0)
    sizes = {"input_dim": 24, "rank": 4, "output_dim": 10, "head_log10_cond": 1.0}
    return Scenario({**sizes, "covariance": covariance, **fields})


def weights_count(trial: Trial) -> int:
    """Return the number p of weights of both layers."""
    return int(trial.rank * (trial.input_dim + trial.output_dim))


def tolerance_of(trial: Trial, *matrices: torch.Tensor) -> Tolerance:
    """Return the error of an eigenvalue of the Jacobian of both layers."""
    return difference_tolerance(trial, weights_count(trial), *matrices)


def turned_solution(trial: Trial, problem: model.LinearRepresentation) -> model.Weights:
    """Return F* R^{-1}, R G* for a random gauge R with singular values in [1/2, 2]."""
    G = model.tilt(problem.representation_star, 0.0, trial.stream("gauge"))
    R = G @ problem.representation_star.mT
    return model.Weights(torch.linalg.solve(R, problem.head_star, left=False), G)


def balanced_solution(problem: model.LinearRepresentation) -> model.Weights:
    """Return F = U sqrt(s), G = sqrt(s) V' from the decomposition U s V' of F* G*."""
    k = problem.head_star.shape[-1]
    U, s, Vh = torch.linalg.svd(problem.product_star, full_matrices=False)
    root = s[..., :k].sqrt()
    return model.Weights(U[..., :k] * root.unsqueeze(-2), root.unsqueeze(-1) * Vh[..., :k, :])


def same_eigenvalues(
    part: str, measured: NDArray[Any], predicted: Array, tolerance: Tolerance, *, label: str = ""
) -> Same:
    """Compare complex eigenvalues with real predictions, pair by pair, absolutely."""
    pairs = np.stack([measured.real, measured.imag], axis=-1)
    wanted = np.stack([predicted, np.zeros_like(predicted)], axis=-1)
    return Same(
        part=part,
        measured=pairs,
        predicted=wanted,
        axes=1,
        scale=1.0,
        tolerance=tolerance,
        label=label,
    )


def sizes(trial: Trial) -> dict[str, int]:
    """Return rank, input_dim and output_dim of the scenario."""
    return {name: int(trial.scenario[name]) for name in ("rank", "input_dim", "output_dim")}


def same_multipliers(part: str, jacobian: Array, stated: Array, tolerance: Tolerance) -> Same:
    """Compare all eigenvalues of ``jacobian``, sorted, with those that a function gives."""
    found = np.linalg.eigvals(jacobian)
    return same_eigenvalues(
        part, found[np.argsort(found.real)], stated, tolerance, label="all of them"
    )


def same_spectrum(
    trial: Trial, spectrum: str, jacobian: Array, tolerance: Tolerance, **steps: float
) -> Iterator[Same]:
    """Compare the eigenvalues of ``jacobian`` with every mode of a spectrum of the claim.

    Both multisets are sorted, so that each measured eigenvalue meets one multiplier of one mode. A
    count is that of the eigenvalues around a multiplier, less those that other modes have there.
    """
    sizes = {name: trial.scenario[name] for name in COUNTED if name in trial.scenario}
    heads = setup.head_eigenvalues(trial.scenario)
    found = modes(trial.claim, spectrum, sizes, head_eigenvalues=heads, **steps)
    owner = np.concatenate([np.full(v.size * n, i) for i, (v, n) in enumerate(found.values())])
    values = np.concatenate([np.repeat(v, n) for v, n in found.values()])
    order = np.argsort(values, kind="stable")
    eigenvalues = np.linalg.eigvals(jacobian)
    eigenvalues = eigenvalues[np.argsort(eigenvalues.real)]
    complete = eigenvalues.size == values.size  # if not, the counts say so
    one_apart = rounding(trial.dtype, dim=1, why="a count is an integer")
    for i, (mode, (multipliers, times)) in enumerate(found.items()):
        own = owner[order] == i
        if own.any() and complete:
            yield same_eigenvalues(
                f"{spectrum}_{mode}", eigenvalues[own], values[order][own], tolerance
            )
        around = np.abs(eigenvalues[:, None] - multipliers) <= tolerance.value
        stated = np.abs(values[:, None] - multipliers) <= tolerance.value
        yield Same(
            part=f"{spectrum}_{mode}_count",
            measured=around.sum(0) - (stated.sum(0) - times),
            predicted=np.full(multipliers.size, times),
            scale=1.0,
            tolerance=one_apart,
        )
