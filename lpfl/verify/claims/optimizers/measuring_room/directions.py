"""OP-42: labels and directions beside dense formulas from the singular values of the rows."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import single_index as model
from lpfl.problems.links import LINKS
from lpfl.problems.single_index import directions, inputs, moments
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]

REPLICATES = 3
SCALES = (0.4, 1.6)
ZERO = 1e-9  # singular values of a few normal rows are far above it, rounding far below


@check(
    "OP-42",
    (
        Integers("input_dim", 4, 8),
        Integers("more_rows", 1, 4),
        Integers("fewer_rows", 1, 2),
        Reals("damping", 0.1, 2.0, log=True),
        Reals("factor_exponent", 0.2, 1.5),
        Choice("link", ("tanh", "relu", "he12")),
    ),
)
def directions_and_labels(trial: Trial) -> Iterator[Comparison]:
    """Draw few rows, more and fewer than dimensions, for a dense and a diagonal covariance."""
    trial.admit()
    spec = CovarianceSpec(trial.input_dim, "geometric", 1.0, "haar", 0)
    for kind, sigma in (
        ("dense", trial.tensor(spec.matrix())),
        ("diagonal", trial.tensor(spec.spectrum())),
    ):
        problem = model.draw_problem(
            sigma,
            replicates=REPLICATES,
            generator=trial.stream("teacher", kind),
            link=trial.link,
            noise_std=0.5,
        )
        yield from labels(trial, problem, kind)
        for rows in (trial.input_dim + trial.more_rows, trial.input_dim - trial.fewer_rows):
            yield from of_batch(trial, problem, rows, f"{kind}, {rows} rows")


def labels(trial: Trial, problem: model.SingleIndexProblem, kind: str) -> Iterator[Comparison]:
    """Draw rows of every law without noise, and the link of their product with the teacher."""
    clear, n = replace(problem, noise_std=0.0), trial.input_dim
    drawn = {
        "Gaussian": model.sample(clear, n, generator=trial.stream("labels")),
        "elliptical": inputs.elliptical_sample(
            clear, n, scales=SCALES, generator=trial.stream("elliptical")
        ),
        "uniform": inputs.independent_sample(
            clear, n, law="uniform", generator=trial.stream("uniform")
        ),
    }
    for name, rows in drawn.items():
        index = (as_numpy(rows.inputs) @ as_numpy(problem.teacher)[..., None])[..., 0]
        yield Same(
            part="labels",
            measured=rows.targets,
            predicted=as_numpy(LINKS[trial.link](trial.tensor(index))),
            tolerance=rounding(trial.dtype, dim=4 * n),
            scale=1.0 + np.square(index),
            label=f"{name} rows, {kind}",
        )


def of_batch(
    trial: Trial, problem: model.SingleIndexProblem, n: int, label: str
) -> Iterator[Comparison]:
    """Every direction of one batch of n rows, and with the factor of another one."""
    rows = moments.plain_rows(model.sample(problem, n, generator=trial.stream("rows", label)))
    other = moments.plain_rows(model.sample(problem, n, generator=trial.stream("other", label)))
    batch, second = moments.moments(rows), moments.moments(other)
    X, y = as_numpy(rows.inputs), as_numpy(rows.targets)
    h = np.einsum("rnd,rn->rd", X, y) / n
    centred = np.einsum("rnd,rn->rd", X, y - y.mean(-1, keepdims=True)) / n
    plain = {
        "SGD": (directions.sgd_direction(batch), h),
        "centred": (directions.centred_direction(batch), centred),
        "sign": (directions.sign_direction(batch), np.sign(h)),
    }
    exact = rounding(trial.dtype, dim=8 * n)
    for name, (found, stated) in plain.items():
        yield compared("plain", found, stated, exact, f"{name}, {label}")
    lam, p = trial.damping, trial.factor_exponent
    for damping in (lam, 0.0):
        said = f"damping {damping:.3g}, {label}"
        stated, error = filtered(trial, X, h, damping)
        yield compared("same_batch", directions.kfac_direction(batch, damping=damping), stated,
                       error, said)  # fmt: skip
        if damping or n < trial.input_dim:
            through = directions.kfac_direction_of_rows(rows, damping=damping)
            yield compared("rows", through, stated, error, said)
        stated, error = filtered(trial, as_numpy(other.inputs), h, damping)
        found = directions.kfac_direction(batch, damping=damping, whitening=second)
        yield compared("other", found, stated, error, f"another batch, {said}")
        for name, seen, drawn in (("own", batch, X), ("another", second, as_numpy(other.inputs))):
            stated, error = filtered(trial, drawn, h, damping, power=p)
            (found,) = directions.power_directions(batch, seen.second_moment, [p], damping=damping)
            yield compared("powers", found, stated, error, f"{name} factor, {said}")
        yield from given_factors(trial, problem, batch, damping, said)


def given_factors(
    trial: Trial,
    problem: model.SingleIndexProblem,
    batch: moments.Moments,
    damping: float,
    label: str,
) -> Iterator[Comparison]:
    """The population's covariance as a factor, a stack of factors, and powers of a diagonal."""
    sigma, h, p = problem.covariance, as_numpy(batch.cross_moment), trial.factor_exponent
    known = as_numpy(sigma)
    root = np.linalg.cholesky(np.diag(known) if known.ndim == 1 else known).T
    size = len(root)
    wide = np.broadcast_to(size**0.5 * root, (REPLICATES, size, size))  # rows with this moment
    stated, error = filtered(trial, wide, h, damping)
    found = directions.factor_direction(batch, sigma, damping=damping)
    yield compared("other", found, stated, error, f"factor, {label}")
    if sigma.ndim == 2:
        stack = sigma.expand(REPLICATES, size, size)
        found = directions.factor_direction(batch, stack, damping=damping)
        yield compared("other", found, stated, error, f"stack of factors, {label}")
    if damping == 0.0:
        found = directions.population_direction(batch, sigma)
        yield compared("other", found, stated, error, f"population, {label}")
    stated, error = filtered(trial, wide, h, damping, power=p)
    (found,) = directions.power_directions(batch, sigma, [p], damping=damping)
    yield compared("powers", found, stated, error, f"factor, {label}")


def filtered(
    trial: Trial, X: Array, h: Array, damping: float, *, power: float = 1.0
) -> tuple[Array, Tolerance]:
    """Return (X'X/n + damping)^-power h from the singular values of X, and its rounding.

    Without damping the directions that no row has are left out.
    """
    _, s, V = np.linalg.svd(X / X.shape[-2] ** 0.5, full_matrices=True)
    values = np.zeros(V.shape[:-1])
    values[..., : s.shape[-1]] = np.square(s)
    kept = values > ZERO if damping == 0.0 else np.full(values.shape, True)
    gain = np.where(kept, values + damping, 1.0) ** -power * kept
    stated = np.einsum("rkd,rk->rd", V, gain * np.einsum("rkd,rd->rk", V, h))
    smallest = np.where(kept, values + damping, np.inf).min()
    condition = 1.0 + float((values.max() + damping) / smallest)
    return stated, rounding(trial.dtype, dim=8 * X.shape[-1], condition=condition)


def compared(part: str, found: Tensor, stated: Array, tolerance: Tolerance, label: str) -> Same:
    """Compare directions (R, d), each relative to its length."""
    return Same(
        part=part,
        measured=found,
        predicted=stated,
        tolerance=tolerance,
        scale=np.linalg.norm(stated, axis=-1),
        axes=1,
        label=label,
    )
