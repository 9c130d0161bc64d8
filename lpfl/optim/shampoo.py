"""Shampoo: both sides of the gradient preconditioned by its own second moments."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg.spectral import psd_powers
from lpfl.optim.core.average import Average, include
from lpfl.optim.core.hyper import choice, decay, fraction, non_negative
from lpfl.optim.core.invariances import ROTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer, MatrixRule

STATISTICS = ("sum", "average")


class ShampooState(NamedTuple):
    """Second moments of the gradient: left (..., a, a), right (..., b, b)."""

    left: Average
    right: Average


def accumulate(past: Average | None, value: Tensor) -> Average:
    """Return the running sum, as an average of weight one."""
    return Average(value if past is None else past.total + value, 1.0)


def shampoo_start(W: Tensor) -> ShampooState:
    """Return the state before the first gradient: nothing seen, with weight zero."""
    left, right = (W.new_zeros(*W.shape[:-2], size, size) for size in W.shape[-2:])
    return ShampooState(Average(left, 0.0), Average(right, 0.0))


@guards.on_tensors
def shampoo_direction(
    grad: Tensor, L: Tensor, R: Tensor, *, exponent: float, epsilon: float
) -> Tensor:
    """Return ``(L + epsilon I)^{-exponent} grad (R + epsilon I)^{-exponent}``.

    Shapes: grad (..., a, b); L (..., a, a), R (..., b, b) positive semi-definite. epsilon 0 takes
    pseudo-inverse powers. Units: epsilon in those of the squared gradient.
    Raises: ValueError if epsilon < 0, or shapes that do not fit.
    """
    power = -guards.number("exponent", exponent)
    epsilon = guards.number("epsilon", epsilon, least=0.0)
    if L.shape == R.shape:  # one call costs less than two
        (left, right), (U, V) = psd_powers(torch.stack((L, R)), power, epsilon=epsilon)
    else:
        left, U = psd_powers(L, power, epsilon=epsilon)
        right, V = psd_powers(R, power, epsilon=epsilon)
    inner = U.mT @ grad @ V * (left.unsqueeze(-1) * right.unsqueeze(-2))
    return U @ inner @ V.mT


def shampoo_step(
    W: Tensor,
    grad: Tensor,
    state: ShampooState | None,
    *,
    step_size: float,
    exponent: float = 0.25,
    statistics: str = "sum",
    averaging: float = 0.99,
    epsilon: float = 0.0,
) -> tuple[Tensor, ShampooState]:
    """Return weights and state after one step on W (..., a, b); the state starts as None.

    L sums (statistics "sum") or averages ("average": weights decay as averaging^age, normalised
    to one) grad grad', R the same with grad' grad, the current gradient included;
    W+ = W - step_size (L + epsilon I)^{-exponent} grad (R + epsilon I)^{-exponent}.
    Source: Gupta, Koren and Singer 2018, algorithm 1 (exponent 1/4, sums); exponent 1/2 as in
    Morwani et al. 2024.
    """
    squares = (grad @ grad.mT, grad.mT @ grad)
    left, right = (None, None) if state is None else state
    if statistics == "average":
        state = ShampooState(
            include(left, squares[0], averaging), include(right, squares[1], averaging)
        )
        L, R = state.left.mean, state.right.mean
    else:
        state = ShampooState(accumulate(left, squares[0]), accumulate(right, squares[1]))
        L, R = state.left.total, state.right.total
    direction = shampoo_direction(grad, L, R, exponent=exponent, epsilon=epsilon)
    return W.sub(direction, alpha=step_size), state


@dataclass(frozen=True, kw_only=True)
class Shampoo(MatrixRule):
    """Shampoo (Gupta, Koren and Singer 2018)."""

    name: ClassVar[str] = "shampoo"

    exponent: float = fraction(0.25, "inverse power of each side")
    statistics: str = choice("sum", "sums or moving averages of grad grad'", among=STATISTICS)
    averaging: float = decay(0.99, "decay of the moving averages")
    epsilon: float = non_negative(0.0, "added to each statistic; 0: pseudo-inverse powers")

    def start(self, W: Tensor) -> Any:
        return shampoo_start(W)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return shampoo_step(W, grad, state, **self.hyperparameters())

    @property
    def invariances(self) -> tuple[str, ...]:
        return ROTATIONS


shampoo = layerwise(Shampoo)
