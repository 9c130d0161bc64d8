"""SOAP: Adam in the eigenbasis of Shampoo's statistics."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from lpfl.linalg.spectral import combined
from lpfl.optim.adam import adam_direction
from lpfl.optim.core.average import blended
from lpfl.optim.core.hyper import choice, count, decay, non_negative
from lpfl.optim.core.invariances import ROTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer, MatrixRule

BASES = ("iterated", "exact")


class SoapState(NamedTuple):
    """State of one matrix (..., a, b).

    left (..., a, a), right (..., b, b): moving averages of grad grad' and grad' grad; left_basis,
    right_basis: their eigenvectors in columns, largest first; first: moving average of the gradient
    in the original basis; second: of its square in the eigenbasis; seen: number of gradients.
    """

    left: Tensor
    right: Tensor
    left_basis: Tensor
    right_basis: Tensor
    first: Tensor
    second: Tensor
    seen: int


def soap_start(W: Tensor) -> SoapState:
    """Return the state before the first gradient."""
    left, right = (W.new_zeros(*W.shape[:-2], size, size) for size in W.shape[-2:])
    zero = torch.zeros_like(W)
    return SoapState(left, right, left, right, zero, zero, 0)


def soap_step(
    W: Tensor,
    grad: Tensor,
    state: SoapState,
    *,
    step_size: float,
    beta1: float = 0.95,
    beta2: float = 0.95,
    averaging: float = 0.95,
    epsilon: float = 1e-8,
    frequency: int = 1,
    warmup: int = 1,
    bases: str = "iterated",
) -> tuple[Tensor, SoapState]:
    """Return weights and state after one gradient of W (..., a, b).

    The first ``warmup`` gradients only fill the statistics. Later ones are projected on the
    eigenvectors known before them, Adam (bias-corrected from the end of the warm-up) divides the
    projected mean by the root of the projected second moment, and the result is projected back.
    Then the statistics take the gradient in, and every ``frequency`` steps the eigenvectors are
    renewed: exactly at the end of the warm-up, by :func:`iterated` later (bases "iterated"), or
    exactly every time ("exact"). Where a statistic has a null space at the end of the warm-up, its
    eigenvectors there are arbitrary, and so are the steps: a warm-up of b/a gradients makes the
    method a function of its inputs and equivariant under rotations.
    Units: step_size in those of W, epsilon in those of the gradient.
    Source: Vyas et al. 2024 (arXiv 2409.11321), algorithms 3 and 4; epsilon outside the root.
    """
    seen = state.seen + 1
    age = seen - warmup
    QL, QR = state.left_basis, state.right_basis
    first, second = state.first, state.second
    if age > 0:
        first = blended(first, grad, beta1)
        second = blended(second, (QL.mT @ grad @ QR).square(), beta2)
        direction = adam_direction(
            QL.mT @ first @ QR, second, age, beta1=beta1, beta2=beta2, epsilon=epsilon
        )
        W = combined(1.0, W, -step_size, QL @ direction, QR.mT)
    left = combined(averaging, state.left, 1.0 - averaging, grad, grad.mT)
    right = combined(averaging, state.right, 1.0 - averaging, grad.mT, grad)
    if age >= 0 and age % frequency == 0:
        if age == 0 or bases == "exact":
            QL, QR = eigenvectors(left), eigenvectors(right)
        else:
            QL, second = iterated(left, QL, second)
            QR, turned = iterated(right, QR, second.mT)
            second = turned.mT
    return W, SoapState(left, right, QL, QR, first, second, seen)


def eigenvectors(statistic: Tensor) -> Tensor:
    """Return the eigenvectors of symmetric matrices (..., a, a) in columns, largest first."""
    return torch.linalg.eigh(statistic).eigenvectors.flip(-1)


def iterated(statistic: Tensor, basis: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return the basis after one power iteration, and the second moment with its rows in order.

    The columns q are sorted by q'Sq, largest first, and the rows of the second moment with them.
    The new basis is the orthogonal factor of S Q.
    Shapes: statistic S, basis Q (..., a, a); second (..., a, b).
    Source: Vyas et al. 2024, algorithm 4; the order as in the code of its authors.
    """
    product = (basis.mT @ statistic).mT  # column by column, as LAPACK reads it
    order = (basis * product).sum(-2).argsort(dim=-1, descending=True, stable=True)
    product = product.gather(-1, order.unsqueeze(-2).expand_as(product))
    second = second.gather(-2, order.unsqueeze(-1).expand_as(second))
    return torch.linalg.qr(product).Q, second


@dataclass(frozen=True, kw_only=True)
class Soap(MatrixRule):
    """SOAP: Adam in the eigenbasis of Shampoo's statistics (Vyas et al. 2024)."""

    name: ClassVar[str] = "soap"

    beta1: float = decay(0.95, "decay of the mean gradient")
    beta2: float = decay(0.95, "decay of the mean squared projected gradient")
    averaging: float = decay(0.95, "decay of both statistics")
    epsilon: float = non_negative(1e-8, "added to the root, in units of the gradient")
    frequency: int = count(1, "steps between new eigenvectors", least=1)
    warmup: int = count(1, "gradients that only fill the statistics", least=1)
    bases: str = choice("iterated", "new eigenvectors: one iteration, or exact", among=BASES)

    def start(self, W: Tensor) -> Any:
        return soap_start(W)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return soap_step(W, grad, state, **self.hyperparameters())

    @property
    def invariances(self) -> tuple[str, ...]:
        return ROTATIONS


soap = layerwise(Soap)
