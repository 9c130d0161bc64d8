"""Moves of KFAC for a loss times a constant: factors by autograd, and those of the torch form."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from lpfl.linalg import second_moment, standard_normal
from lpfl.optim.kfac import Kfac, kfac_step
from lpfl.optim.torch_form import RuleOptimizer
from lpfl.problems import linear_representation as model
from lpfl.seeding import generator

Move = Callable[[model.Weights, model.Batch, float], Tensor]


def loss(outputs: Tensor, targets: Tensor, factor: float) -> Tensor:
    """Return the loss of every row (n,): ``factor`` times half of the squared distance."""
    return factor * (outputs - targets).square().sum(-1) / 2.0


def moved(part: str, weights: model.Weights, batch: model.Batch, factor: float) -> Tensor:
    """Return the move of G (k, d) for a step of size 1, with the factors of the loss itself.

    The output factor is the Hessian of the mean loss in the layer's output (loss_gauss_newton), or
    the second moment of the rows' gradients: on the targets (loss_empirical), on samples around the
    model's outputs of variance 1 (loss_sampled) or of the loss's own 1/factor (loss_matched).
    """
    F, G = (W[0].detach() for W in weights)
    X, Y = rows_of(batch)
    hidden = (X @ G.mT).requires_grad_(True)
    (slopes,) = torch.autograd.grad(loss(hidden @ F.mT, Y, factor).sum(), hidden)
    gradient = slopes.mT @ X / len(X)
    if part == "loss_gauss_newton":
        P = torch.autograd.functional.hessian(lambda h: loss(h @ F.mT, Y[0], factor), hidden[0])
        return kfac_step(G, None, gradient, second_moment(X), left=P, step_size=1.0) - G
    targets = Y
    if part != "loss_empirical":
        variance = 1.0 / factor if part == "loss_matched" else 1.0
        stream = generator(0, "loss samples", device=Y.device)  # the same ones for every factor
        drawn = standard_normal(*Y.shape, generator=stream, dtype=Y.dtype)
        targets = (hidden @ F.mT).detach() + variance**0.5 * drawn
    (seen,) = torch.autograd.grad(loss(hidden @ F.mT, targets, factor).sum(), hidden)
    return (
        kfac_step(G, None, gradient, second_moment(X), left=second_moment(seen), step_size=1.0) - G
    )


def module_moved(kind: str, weights: model.Weights, batch: model.Batch, factor: float) -> Tensor:
    """Return the move of G (k, d) in one step of the torch form with this output factor."""
    X, Y = rows_of(batch)
    (m, k), d = weights.head.shape[-2:], X.shape[-1]
    first, last = nn.Linear(d, k, bias=False), nn.Linear(k, m, bias=False)
    for layer, W in ((first, weights.representation), (last, weights.head)):
        layer.weight = nn.Parameter(W[0].detach().clone())
    module = nn.Sequential(first, last)
    optimizer = RuleOptimizer(module, rule=Kfac, lr=1.0, output_factor=kind)
    last.weight.requires_grad_(False)
    loss(module(X), Y, factor).mean().backward()
    optimizer.step()
    return first.weight.detach() - weights.representation[0]


def rows_of(batch: model.Batch) -> tuple[Tensor, Tensor]:
    """Return inputs (n, d) and targets (n, m) of a batch of one replicate."""
    assert batch.inputs is not None
    assert batch.targets is not None
    return batch.inputs[0], batch.targets[0]


RUNS: tuple[tuple[str, str, Move], ...] = (
    *(
        (part, "factor of the loss", partial(moved, part))
        for part in ("loss_gauss_newton", "loss_matched", "loss_sampled", "loss_empirical")
    ),
    ("loss_empirical", "torch form", partial(module_moved, "empirical")),
    ("loss_outputs", "torch form", partial(module_moved, "gauss_newton")),
    ("loss_outputs", "torch form, sampled", partial(module_moved, "sampled")),
)
"""Part, label and move of every run."""
