"""Three ways to remember past steps."""

from torch import Tensor

MOMENTUM_KINDS = ("heavy_ball", "averaged", "nesterov")


def carried(step: Tensor, velocity: Tensor, *, momentum: float, kind: str) -> tuple[Tensor, Tensor]:
    """Return the move of the weights and the next velocity, for a step without memory; any shape.

    heavy_ball: v+ = momentum v + step, moved by v+. averaged: v+ = momentum v + (1 - momentum)
    step, moved by v+. nesterov: v+ as for the heavy ball, moved by step + momentum v+.
    Source: Polyak 1964; Nesterov in the form of Sutskever et al. 2013 that torch.optim.SGD has.
    """
    weight = 1.0 - momentum if kind == "averaged" else 1.0
    velocity = momentum * velocity + weight * step
    return (step + momentum * velocity if kind == "nesterov" else velocity), velocity
