"""OP-36 and OP-37: first-layer gradients beside autograd, preconditioners beside dense forms."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import precondition
from lpfl.problems.links import ACTIVATIONS
from lpfl.problems.single_index import network as networks
from lpfl.problems.single_index.module import SingleIndexModule
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles.matrices import NULL
from lpfl.verify.setups.drawing import normals
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

COPIES = 3
SIZES = (Integers("input_dim", 2, 8), Integers("hidden", 2, 8), Integers("row_count", 4, 12))


@check("OP-36", SIZES)
def gradients(trial: Trial) -> Iterator[Comparison]:
    """Differentiate the loss automatically for every activation and scaling."""
    trial.admit()
    normal = normals(trial, "network")
    d, N, n = trial.input_dim, trial.hidden, trial.row_count
    X, y = normal(COPIES, n, d) + 0.3, normal(COPIES, n)
    G, f = normal(COPIES, N, d), normal(COPIES, N)
    for name, normalised in product(ACTIVATIONS, (True, False)):
        network = networks.TwoLayerNetwork(G, f, name, normalised)
        for part, closed in (
            ("plain", networks.first_layer_gradient),
            ("batch_norm", networks.batch_norm_first_layer_gradient),
        ):
            predicted, condition = automatic(network, X, y, batch_norm=part == "batch_norm")
            yield Same(
                part=part,
                measured=closed(network, X, y),
                predicted=predicted,
                tolerance=rounding(trial.dtype, dim=n * N, condition=condition),
                scale=np.linalg.norm(predicted, axis=(-2, -1)) + 1.0,
                axes=2,
                label=f"{name}, {'normalised' if normalised else 'plain'} network",
            )
        yield from of_module(trial, network, X, y)


def of_module(
    trial: Trial, network: networks.TwoLayerNetwork, X: Tensor, y: Tensor
) -> Iterator[Comparison]:
    """Evaluate loss and gradient of the torch module of the last replicate."""
    last = COPIES - 1
    module = SingleIndexModule(network, replicate=last)
    loss = module.loss(X[last], y[last])
    (grad,) = torch.autograd.grad(loss, module.first.weight)
    asked, _ = automatic(network, X, y, batch_norm=False)
    label = f"{network.activation}, {'normalised' if network.normalised else 'plain'} network"
    size = X.shape[-2] * network.width
    for measured, predicted, what in (
        (grad, asked[last], "gradient"),
        (loss, as_numpy(networks.loss(network, X, y))[last], "loss"),
    ):
        yield Same(
            part="module",
            measured=measured,
            predicted=predicted,
            tolerance=rounding(trial.dtype, dim=size),
            scale=np.linalg.norm(predicted) + 1.0,
            axes=np.ndim(predicted),
            label=f"{label}, {what}",
        )


def automatic(
    network: networks.TwoLayerNetwork, X: Tensor, y: Tensor, *, batch_norm: bool
) -> tuple[np.ndarray, float]:
    """Return the automatic gradient of the loss, and a condition number of the normalisation."""
    G = network.first_layer.clone().requires_grad_(True)
    hidden = torch.einsum("rnd,rkd->rnk", X, G)
    condition = 1.0
    if batch_norm:
        spread = hidden.std(1, keepdim=True, correction=0)
        size, least = float(hidden.detach().abs().max()), float(spread.detach().min())
        condition = 1.0 + (size / least) ** 3 + 1.0 / least
        hidden = (hidden - hidden.mean(1, keepdim=True)) / spread
    units = {"identity": hidden, "tanh": hidden.tanh(), "erf": hidden.erf(), "relu": hidden.relu()}
    scale = network.width**-0.5 if network.normalised else 1.0
    outputs = scale * (units[str(network.activation)] * network.second_layer[:, None]).sum(-1)
    total = ((outputs - y) ** 2).sum() / (2 * y.shape[-1])
    (grad,) = torch.autograd.grad(total, G)
    return as_numpy(grad), condition


@check("OP-37", (*SIZES, Reals("damping", 0.05, 5.0, log=True), Reals("epsilon", 0.01, 1.0)))
def preconditioners(trial: Trial) -> Iterator[Comparison]:
    """Apply every preconditioner for more and for fewer rows than columns."""
    trial.admit()
    normal = normals(trial, "gradient")
    d, N, lam = trial.input_dim, trial.hidden, trial.damping
    grad = normal(COPIES, N, d)
    for label, n in (("more rows", 2 * d + 2), ("fewer rows", max(1, d - 1))):
        X, other = normal(COPIES, n, d) + 0.3, normal(COPIES, n, d)
        for part, rows, whitening in (("same_batch", X, None), ("other_batch", other, other)):
            Q = rows.mT @ rows / n
            measured = precondition.kfac(grad, X, damping=lam, whitening_inputs=whitening)
            lifted = Q + lam * torch.eye(d, dtype=trial.dtype, device=trial.device)
            yield divided(trial, part, measured, grad, Q, lam, condition_of(lifted), label=label)
        yield powered(trial, grad, X, label)
        yield powered(trial, grad, X, f"{label}, another batch", whitening=other)
        direct = precondition.kfac(grad, X, damping=0.0)
        moment = np.swapaxes(as_numpy(X), -1, -2) @ as_numpy(X) / n
        s = np.linalg.svd(as_numpy(X), compute_uv=False)
        dense = as_numpy(grad) @ np.linalg.pinv(moment, rcond=NULL, hermitian=True)
        condition = float((s[:, 0] / s[:, -1]).max()) ** 4
        yield Same(
            part="ridgeless",
            measured=direct,
            predicted=dense,
            tolerance=rounding(trial.dtype, dim=d + n, condition=condition),
            axes=2,
            label=label,
        )
    root = normal(d, 2 * d)
    sigma = root @ root.mT / (2 * d)
    dense_step = precondition.kfac_population(grad, grad, covariance=sigma)
    yield divided(
        trial, "population", dense_step, grad, sigma.expand(COPIES, d, d), 0.0, condition_of(sigma),
        label="dense",
    )  # fmt: skip
    diagonal = sigma.diagonal()
    flat = precondition.kfac_population(grad, grad, covariance=diagonal)
    spread = torch.diag(diagonal).expand(COPIES, d, d)
    yield divided(trial, "population", flat, grad, spread, 0.0, condition_of(spread),
                  label="diagonal")  # fmt: skip
    yield from entrywise_and_spectral(trial, grad)


def powered(
    trial: Trial, grad: Tensor, X: Tensor, label: str, *, whitening: Tensor | None = None
) -> Comparison:
    """Compare a direction with another exponent, damped, with a dense power."""
    rows = as_numpy(X if whitening is None else whitening)
    lam, p, Q = trial.damping, 0.6, np.swapaxes(rows, 1, 2) @ rows / rows.shape[-2]
    values, vectors = np.linalg.eigh(Q)
    powers = (np.maximum(values, 0.0) + lam) ** -p
    dense = (vectors * powers[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    return Same(
        part="power",
        measured=precondition.kfac(grad, X, damping=lam, exponent=p, whitening_inputs=whitening),
        predicted=as_numpy(grad) @ dense,
        tolerance=rounding(
            trial.dtype, dim=sum(Q.shape), condition=1.0 + float(values.max()) / lam
        ),
        axes=2,
        label=label,
    )


def divided(
    trial: Trial, part: str, measured: Tensor, grad: Tensor, Q: Tensor, lam: float,
    condition: float, *, label: str,
) -> Comparison:  # fmt: skip
    """Compare a direction with the printed relation."""
    letters = {"D_W": as_numpy(grad), "Q_W": as_numpy(Q), "lambda": lam}
    sizes = {"r_W": grad.shape[-2], "c_W": grad.shape[-1]}
    size = float(torch.linalg.matrix_norm(Q, ord=2).max()) / lam if lam else 1.0
    return Same(
        part=part,
        measured=measured,
        predicted=trial.claim[part].matrix(letters, sizes=sizes),
        tolerance=rounding(trial.dtype, dim=sum(sizes.values()), condition=condition * (1 + size)),
        axes=2,
        label=label,
    )


def entrywise_and_spectral(trial: Trial, grad: Tensor) -> Iterator[Comparison]:
    """Read Adam's first direction, and the singular values of Shampoo's and of polar factors."""
    g, exact = as_numpy(grad), rounding(trial.dtype, dim=4)
    for epsilon in (trial.epsilon, 0.0):
        yield Same(
            part="adam",
            measured=precondition.adam_first(grad, grad, epsilon=epsilon),
            predicted=trial.number("adam", gradient=g, epsilon=epsilon),
            tolerance=exact,
            label=f"epsilon {epsilon:.3g}",
        )
    U, s, Vh = np.linalg.svd(g, full_matrices=False)

    def inner(direction: Tensor) -> Any:
        return np.swapaxes(U, -1, -2) @ as_numpy(direction) @ np.swapaxes(Vh, -1, -2)

    eye, ratio = np.eye(s.shape[-1]), float((s[:, 0] / s[:, -1]).max())
    solved: Tolerance = rounding(trial.dtype, dim=sum(g.shape[-2:]), condition=ratio)
    damped = trial.number("shampoo", singular_before=s, damping=trial.damping)
    for part, direction, values in (
        ("shampoo", precondition.shampoo_first(grad, grad, damping=trial.damping), damped),
        ("shampoo", precondition.shampoo_first(grad, grad), np.ones_like(s)),
        ("polar", precondition.polar(grad, grad), np.ones_like(s)),
    ):
        yield Same(
            part=part,
            measured=inner(direction),
            predicted=eye * values[..., None, :],
            tolerance=solved,
            scale=1.0,
            axes=2,
        )
