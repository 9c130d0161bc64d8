"""Preconditioners of one matrix gradient: pure functions ``(gradient, inputs, *, ...)``.

Shapes: gradient (R, N, d), inputs (R, n, d), the layer's inputs of the batch of the gradient.
A function that needs no inputs takes them all the same, so that all share one signature.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg import require_finite, spectral
from lpfl.linalg.damped import damped_solve
from lpfl.linalg.spectral import polar_factor, psd_power

Preconditioner = Callable[[Tensor, Tensor], Tensor]


def sgd(gradient: Tensor, inputs: Tensor) -> Tensor:
    """Return the gradient itself."""
    guards.tensor("gradient", gradient, 2)
    return gradient


@guards.on_tensors
def kfac(
    gradient: Tensor,
    inputs: Tensor,
    *,
    damping: float,
    whitening_inputs: Tensor | None = None,
    factor: Tensor | None = None,
    exponent: float = 1.0,
) -> Tensor:
    """Return ``gradient (Q + damping I)^{-exponent}`` with ``Q = X^T X / n`` of the same batch.

    ``whitening_inputs`` (R, n2, d) gives Q from an independent batch, ``factor``
    (R, d, d) or (d, d) is Q itself: an average, a mixture, that of an earlier step. Damping 0 is
    the ridgeless limit, the pseudo-inverse of Q when it has fewer rows than columns. Solves the
    smaller of the d-by-d and the n-by-n system; the rounding error grows as ``|Q| / damping``.
    Units: damping in [x]^2.
    Raises: ValueError if damping < 0, if damping is 0 and the system is singular, for both a
        factor and whitening_inputs, or for an exponent that is not > 0.
    Source: derived (push-through identity) for n < d.
    """
    damping = guards.number("damping", damping, least=0.0)
    guards.number("exponent", exponent, above=0.0)
    guards.tensor("gradient", gradient, 3)
    if factor is not None and whitening_inputs is not None:
        raise ValueError("factor and whitening_inputs are both given, needs one of them")
    X = inputs if whitening_inputs is None else whitening_inputs
    guards.tensor("inputs", X, 2, last=gradient.shape[-1])
    n, d = X.shape[-2:]
    if factor is not None:
        guards.square("factor", factor, d)
    if exponent != 1.0:
        Q = X.mT @ X / n if factor is None else factor
        return gradient @ psd_power(Q, -exponent, epsilon=damping)
    if factor is not None:
        return damped_solve(factor.expand(len(gradient), d, d), gradient.mT, damping=damping).mT
    if n >= d:
        return damped_solve(X.mT @ X / n, gradient.mT, damping=damping).mT
    gram = X @ X.mT / n
    dual = damped_solve(gram, X @ gradient.mT / n, damping=damping)
    if damping == 0:
        return damped_solve(gram, dual, damping=0.0).mT @ X
    return (gradient - dual.mT @ X) / damping


@guards.on_tensors
def kfac_population(gradient: Tensor, inputs: Tensor, *, covariance: Tensor) -> Tensor:
    """Return ``gradient Sigma^{-1}`` with the population covariance, (d,) or (d, d)."""
    guards.tensor("gradient", gradient, 2)
    guards.tensor("covariance", covariance, 1, last=gradient.shape[-1])
    if covariance.ndim == 1:
        if not bool((covariance > 0).all()):
            raise ValueError(f"covariance has entry {float(covariance.min())}, needs > 0")
        return gradient / covariance
    guards.square("covariance", covariance)
    solution, info = torch.linalg.solve_ex(covariance, gradient.mT)
    if bool(info.any()):
        raise ValueError("covariance is singular, needs a positive definite matrix")
    return solution.mT


@guards.on_tensors
def adam_first(gradient: Tensor, inputs: Tensor, *, epsilon: float = 0.0) -> Tensor:
    """Return Adam's first bias-corrected direction ``g / (|g| + epsilon)``.

    epsilon 0 is the entrywise sign (0 stays 0). Units: epsilon in those of the gradient.
    Source: Kingma & Ba 2015, algorithm 1 at t = 1.
    """
    epsilon = guards.number("epsilon", epsilon, least=0.0)
    guards.tensor("gradient", gradient, 2)
    if epsilon == 0:
        return torch.sign(gradient)
    return gradient / (gradient.abs() + epsilon)


@guards.on_tensors
def polar(gradient: Tensor, inputs: Tensor) -> Tensor:
    """Return the orthogonal polar factor ``U V^T``: Muon with exact orthogonalisation.

    Directions whose singular value is below rounding are dropped, not filled in.
    """
    guards.tensor("gradient", gradient, 2)
    require_finite("gradient", gradient)
    return polar_factor(gradient)


@guards.on_tensors
def newton_schulz(gradient: Tensor, inputs: Tensor, *, steps: int = 5) -> Tensor:
    """Return Muon's approximate polar factor after ``steps`` quintic Newton-Schulz iterations.

    Source: Jordan et al. 2024, as in ``lpfl.linalg.spectral.newton_schulz``.
    """
    guards.tensor("gradient", gradient, 2)
    require_finite("gradient", gradient)
    return spectral.newton_schulz(gradient, steps=steps)


@guards.on_tensors
def shampoo_first(gradient: Tensor, inputs: Tensor, *, damping: float = 0.0) -> Tensor:
    """Return Shampoo's first direction ``(g g^T + damping)^{-1/4} g (g^T g + damping)^{-1/4}``.

    On each singular value it acts as ``s / sqrt(s^2 + damping)``; undamped it is the polar factor.
    Units: damping in those of the squared gradient.
    Raises: ValueError if damping < 0.
    Source: Gupta, Koren & Singer 2018; the map of singular values is derived.
    """
    damping = guards.number("damping", damping, least=0.0)
    if damping == 0:
        return polar(gradient, inputs)
    guards.tensor("gradient", gradient, 2)
    require_finite("gradient", gradient)
    U, s, Vh = torch.linalg.svd(gradient, full_matrices=False)
    return (U * (s / (s.square() + damping).sqrt())[..., None, :]) @ Vh
