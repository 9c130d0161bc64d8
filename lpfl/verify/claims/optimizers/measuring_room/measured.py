"""OP-38 and OP-39: ridge fits and measurements beside dense forms."""

from collections.abc import Iterator

import numpy as np
import torch
from scipy import linalg as scipy_linalg

from lpfl.linalg import (
    complement_rows,
    orthonormal_rows,
    principal_tangents,
    second_moment,
    subspace_distance,
)
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.linalg.gram import HALVED, LEAST, MANY
from lpfl.measure import alignment as measure
from lpfl.measure import ridge
from lpfl.measure.unit_response import Units, scaled
from lpfl.problems import linear_representation as linear
from lpfl.problems import single_index as model
from lpfl.problems.single_index import network as networks
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.drawing import normals
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

COPIES = 3
SIZES = (Integers("input_dim", 3, 8), Integers("row_count", 4, 12))


@check("OP-38", (*SIZES, Reals("penalty", 0.01, 2.0, log=True)))
def ridge_fit(trial: Trial) -> Iterator[Comparison]:
    """Fit more and fewer features than rows, and read every number of the fit."""
    trial.admit()
    normal, n = normals(trial, "ridge"), trial.row_count
    for label, width in (("fewer features", n - 1), ("more features", 2 * n)):
        F, y = normal(COPIES, n, width) + 1.0, normal(COPIES, n) + 2.0
        fit = ridge.fit_ridge(F, y, penalty=trial.penalty)
        Z, t = (as_numpy(V) for V in (F, y))
        Z, t = Z - Z.mean(1, keepdims=True), t - t.mean(1, keepdims=True)
        letters = {"Z_F": Z, "y_F": t[..., None], "mu_F": trial.penalty}
        sizes = {"n_F": n, "N_F": width}
        top = float(np.linalg.norm(Z, ord=2, axis=(-2, -1)).max()) ** 2 / n
        tolerance = rounding(trial.dtype, dim=n + width, condition=1.0 + top / trial.penalty)
        yield Same(
            part="coefficients",
            measured=fit.coefficients[..., None],
            predicted=trial.claim["coefficients"].matrix(letters, sizes=sizes),
            tolerance=tolerance,
            axes=2,
            label=label,
        )
        rest = as_numpy(y - ridge.predict(fit, F))
        scale = np.abs(as_numpy(y)).max()
        yield Same(
            part="mean",
            measured=rest.mean(1),
            predicted=0.0,
            tolerance=tolerance,
            scale=scale,
            label=label,
        )
        yield Same(
            part="train",
            measured=fit.train_error,
            predicted=np.square(rest).mean(1),
            tolerance=tolerance,
            scale=scale**2,
            label=label,
        )
    yield fresh_error(trial)
    yield same_rows(trial)


def fresh_error(trial: Trial) -> Comparison:
    """Evaluate a fit on rows that are drawn again here from the same stream, chunk by chunk."""
    d, N, rows, chunk = trial.input_dim, 4, 25, 10
    normal = normals(trial, "fit")
    problem = model.draw_problem(
        torch.ones(d, dtype=trial.dtype, device=trial.device), replicates=COPIES,
        generator=trial.stream("teacher"), noise_std=0.5,
    )  # fmt: skip
    network = networks.TwoLayerNetwork(normal(COPIES, N, d), normal(COPIES, N))
    fit = ridge.RidgeFit(normal(COPIES, N), normal(COPIES), normal(COPIES))
    measured = ridge.error_on_fresh_rows(
        problem, network, fit, rows=rows, generator=trial.stream("fresh"), chunk=chunk
    )
    stream, errors = trial.stream("fresh"), []
    for size in (10, 10, 5):
        seen = model.sample(problem, size, generator=stream)
        hidden = np.tanh(as_numpy(seen.inputs) @ np.swapaxes(as_numpy(network.first_layer), 1, 2))
        outputs = (hidden * as_numpy(fit.coefficients)[:, None]).sum(-1)
        errors.append(as_numpy(seen.targets) - outputs - as_numpy(fit.intercept)[:, None])
    return Same(
        part="fresh",
        measured=measured,
        predicted=np.square(np.concatenate(errors, axis=1)).mean(1),
        tolerance=rounding(trial.dtype, dim=rows * N),
    )


def same_rows(trial: Trial) -> Comparison:
    """Refit behind a network on rows that are given, and read the train error on them."""
    normal, d, n = normals(trial, "same rows"), trial.input_dim, trial.row_count
    problem = model.draw_problem(
        torch.ones(d, dtype=trial.dtype, device=trial.device), replicates=COPIES,
        generator=trial.stream("teacher"), noise_std=0.5,
    )  # fmt: skip
    network = networks.TwoLayerNetwork(normal(COPIES, 3, d), normal(COPIES, 3))
    given = model.sample(problem, n, generator=trial.stream("given"))
    errors = ridge.refit_errors(
        problem, network, penalty=trial.penalty, fit_rows=n, test_rows=4,
        generator=trial.stream("test"), same_rows=given,
    )  # fmt: skip
    Z = np.tanh(as_numpy(given.inputs) @ np.swapaxes(as_numpy(network.first_layer), 1, 2))
    y = as_numpy(given.targets)
    Z, y = Z - Z.mean(1, keepdims=True), (y - y.mean(1, keepdims=True))[..., None]
    system = np.swapaxes(Z, 1, 2) @ Z / n + trial.penalty * np.eye(3)
    rest = y - Z @ np.linalg.solve(system, np.swapaxes(Z, 1, 2) @ y / n)
    return Same(
        part="train",
        measured=errors.train,
        predicted=np.square(rest).mean((1, 2)),
        tolerance=rounding(trial.dtype, dim=n, condition=1.0 + 3.0 / trial.penalty),
        scale=np.square(y).mean((1, 2)),
        label="on the rows of the step",
    )


@check("OP-39", SIZES)
def measurements(trial: Trial) -> Iterator[Comparison]:
    """Compare measurements of random vectors and matrices with their dense definitions."""
    trial.admit()
    normal, d, n = normals(trial, "vectors"), trial.input_dim, trial.row_count
    a, b, root = normal(COPIES, d), normal(COPIES, d), normal(d, 2 * d)
    for label, weight in (
        ("Euclidean", None),
        ("diagonal", normal(d).square() + 0.1),
        ("dense", root @ root.mT / d + 0.1 * torch.eye(d, dtype=a.dtype, device=a.device)),
    ):
        T = np.eye(d) if weight is None else as_numpy(weight)
        T = np.diag(T) if T.ndim == 1 else T
        x, z = as_numpy(a), as_numpy(b)
        cosine = np.einsum("ri,ij,rj->r", x, T, z)
        cosine = cosine / np.sqrt(np.einsum("ri,ij,rj->r", x, T, x))
        cosine = cosine / np.sqrt(np.einsum("ri,ij,rj->r", z, T, z))
        for part, measured, predicted in (
            ("alignment", measure.alignment(a, b, weight=weight), cosine**2),
            ("signed", measure.signed_alignment(a, b, weight=weight), cosine * np.abs(cosine)),
            ("signed", measure.signed_alignment(-a, b, weight=weight), -cosine * np.abs(cosine)),
        ):
            yield Same(
                part=part,
                measured=measured,
                predicted=predicted,
                tolerance=rounding(trial.dtype, dim=4 * d, condition=condition_of(
                    trial.tensor(T))),
                scale=1.0,
                label=label,
            )  # fmt: skip
    yield from matrices(trial)
    yield from subspaces(trial)
    yield from means(trial)
    index = normal(COPIES, n)
    left = orthonormal_rows(normal(COPIES, 2, n)).mT
    degree = min(3, n - 2)
    h = as_numpy(index)
    basis = np.linalg.qr(np.stack([h**j for j in range(degree + 1)], axis=-1))[0][..., 1:]
    powers = np.linalg.cond(np.stack([h**j for j in range(degree + 1)], axis=-1)).max()
    yield Same(
        part="overlaps",
        measured=measure.feature_overlaps(left, index, degree=degree),
        predicted=np.square(np.swapaxes(as_numpy(left), 1, 2) @ basis),
        tolerance=rounding(trial.dtype, dim=n, condition=float(powers)),
        scale=1.0,
    )


def means(trial: Trial) -> Iterator[Comparison]:
    """Take out means, form second moments, and change the units of a problem."""
    normal, d, n = normals(trial, "means"), trial.input_dim, trial.row_count
    rows, exact = normal(COPIES, n, d) + 1.0, rounding(trial.dtype, dim=4 * n)
    wide = normal(COPIES, n, LEAST + d)  # from LEAST on by the symmetric product of BLAS
    X, W = as_numpy(rows), as_numpy(wide)
    spec = CovarianceSpec(d, "geometric", 1.0, "haar", 0)
    problem = linear.LinearRepresentation(
        normal(COPIES, 3, 2), orthonormal_rows(normal(COPIES, 2, d)),
        trial.tensor(spec.matrix()), trial.tensor(spec.root()), 0.3,
    )  # fmt: skip
    other = scaled(problem, Units(y=1.7, noise=0.6, x=2.5))
    root = as_numpy(problem.root)
    for part, found, asked, label in (
        ("centred", measure.centred(rows), X - X.mean(1, keepdims=True), ""),
        ("second_moment", second_moment(rows), np.swapaxes(X, 1, 2) @ X / n, ""),
        ("second_moment", second_moment(wide), np.swapaxes(W, 1, 2) @ W / n, "many columns"),
        ("units", other.cov_x, 2.5**2 * root @ root, "covariance"),
        ("units", other.root, 2.5 * root, "root"),
        ("units", other.head_star, 1.7 / 2.5 * as_numpy(problem.head_star), "head"),
        ("units", trial.tensor(np.full((1, 1), other.noise_std)), np.full((1, 1), 0.306), "noise"),
    ):
        yield Same(part=part, measured=found, predicted=asked, tolerance=exact, axes=2, label=label)
    many = normal(COPIES, MANY * (HALVED + d), HALVED + d)  # by halves
    M = as_numpy(many)
    yield Same(
        part="second_moment",
        measured=second_moment(many),
        predicted=np.swapaxes(M, 1, 2) @ M / M.shape[1],
        tolerance=rounding(trial.dtype, dim=M.shape[1]),
        axes=2,
        label="many rows",
    )


def matrices(trial: Trial) -> Iterator[Comparison]:
    """Compare remainders and top singular values with a singular value decomposition."""
    normal = normals(trial, "matrices")
    for N in (trial.input_dim - 1, trial.input_dim + 2):
        M = normal(COPIES, N, trial.input_dim)
        u, v = normal(COPIES, N), normal(COPIES, trial.input_dim)
        rest = as_numpy(M) - 0.7 * as_numpy(u)[:, :, None] * as_numpy(v)[:, None, :]
        size = 0.7 * np.linalg.norm(as_numpy(u), axis=1) * np.linalg.norm(as_numpy(v), axis=1)
        found = measure.rank_one_remainder(M, u, v, scale=0.7)
        s = np.linalg.svd(rest, compute_uv=False)
        tolerance = rounding(trial.dtype, dim=4 * (N + trial.input_dim))
        for part, measured, predicted in (
            ("operator", found.operator, s[:, 0] / size),
            ("frobenius", found.frobenius, np.sqrt(np.square(s).sum(-1)) / size),
        ):
            yield Same(part=part, measured=measured, predicted=predicted, tolerance=tolerance)
        top = measure.top_singular(M, count=2)
        values = np.linalg.svd(as_numpy(M), compute_uv=False)
        ratio = float((values[:, 0] / values[:, 1]).max()) ** 2
        tolerance = rounding(trial.dtype, dim=4 * (N + trial.input_dim), condition=ratio)
        inner = top.left.mT @ M @ top.right
        yield Same(
            part="top_singular",
            measured=inner.diagonal(dim1=-2, dim2=-1),
            predicted=values[:, :2],
            tolerance=tolerance,
        )
        yield Same(
            part="top_singular",
            measured=top.values,
            predicted=values[:, :2],
            tolerance=tolerance,
            label="values",
        )


def subspaces(trial: Trial) -> Iterator[Comparison]:
    """Compare distance and tangents of two subspaces with their principal angles."""
    normal, d = normals(trial, "subspaces"), trial.input_dim
    G_star, T = orthonormal_rows(normal(COPIES, 2, d)), normal(COPIES, 2, d - 2)
    T = 2.0 * T / torch.linalg.matrix_norm(T, ord=2, keepdim=True)  # angles up to atan 2
    gauge = normal(COPIES, 2, 2) + 4.0 * torch.eye(2, dtype=T.dtype, device=T.device)
    G = gauge @ (G_star + T @ complement_rows(G_star))
    angles = np.stack(
        [
            scipy_linalg.subspace_angles(as_numpy(x).T, as_numpy(y).T)
            for x, y in zip(G, G_star, strict=True)
        ]
    )
    steep = float(np.max(1.0 / np.cos(angles))) ** 2
    tolerance = rounding(trial.dtype, dim=4 * d, condition=condition_of(G) * steep)
    tangents = principal_tangents(G, G_star)
    yield Same(
        part="distance",
        measured=subspace_distance(G, G_star),
        predicted=np.sin(angles[:, 0]),
        tolerance=tolerance,
    )
    yield Same(
        part="tangents",
        measured=tangents,
        predicted=np.tan(angles[:, : tangents.shape[-1]]),
        tolerance=tolerance,
        scale=np.tan(angles[:, :1]),
    )
