"""Shampoo: both sides of the gradient preconditioned by its own second moments."""

from typing import NamedTuple

from torch import Tensor

from lpfl.linalg.spectral import psd_power
from lpfl.optim.average import Average, include
from lpfl.optim.invariances import ROTATIONS
from lpfl.optim.layerwise import layerwise, no_state
from lpfl.optim.method import (
    Hyperparameters,
    Method,
    require_choice,
    require_decay,
    require_non_negative,
    require_step_size,
)

STATISTICS = ("sum", "average")


class ShampooState(NamedTuple):
    """Second moments of the gradient: left (..., a, a), right (..., b, b)."""

    left: Average
    right: Average


def accumulate(past: Average | None, value: Tensor) -> Average:
    """Return the running sum, as an average of weight one."""
    return Average(value if past is None else past.total + value, 1.0)


def shampoo_direction(
    grad: Tensor, L: Tensor, R: Tensor, *, exponent: float, epsilon: float
) -> Tensor:
    """Return ``(L + epsilon I)^{-exponent} grad (R + epsilon I)^{-exponent}``.

    Shapes: grad (..., a, b); L (..., a, a), R (..., b, b) positive semi-definite. epsilon 0 takes
    pseudo-inverse powers. Units: epsilon in those of the squared gradient.
    """
    left = psd_power(L, -exponent, epsilon=epsilon)
    return left @ grad @ psd_power(R, -exponent, epsilon=epsilon)


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
    else:
        state = ShampooState(accumulate(left, squares[0]), accumulate(right, squares[1]))
    direction = shampoo_direction(
        grad, state.left.mean, state.right.mean, exponent=exponent, epsilon=epsilon
    )
    return W - step_size * direction, state


def shampoo(
    *,
    step_size: float = 1e-2,
    exponent: float = 0.25,
    statistics: str = "sum",
    averaging: float = 0.99,
    epsilon: float = 0.0,
    head: str = "joint",
) -> Method:
    """Shampoo on head and representation.

    Raises: ValueError unless step_size > 0, 0 < exponent <= 1, 0 <= averaging < 1, epsilon >= 0.
    """
    require_step_size(step_size)
    require_choice("statistics", statistics, STATISTICS)
    require_decay("averaging", averaging)
    require_non_negative("epsilon", epsilon)
    if not 0.0 < exponent <= 1.0:
        raise ValueError(f"exponent={exponent}, needs 0 < . <= 1")

    def rule(W: Tensor, grad: Tensor, state: ShampooState | None) -> tuple[Tensor, ShampooState]:
        return shampoo_step(
            W,
            grad,
            state,
            step_size=step_size,
            exponent=exponent,
            statistics=statistics,
            averaging=averaging,
            epsilon=epsilon,
        )

    hyperparameters: Hyperparameters = {
        "step_size": step_size,
        "exponent": exponent,
        "statistics": statistics,
        "averaging": averaging,
        "epsilon": epsilon,
    }
    return layerwise(
        "shampoo",
        start=no_state,
        rule=rule,
        head=head,
        hyperparameters=hyperparameters,
        invariances=ROTATIONS,
    )
