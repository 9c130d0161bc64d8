"""A loss with a prescribed gradient g and Hessian c I: v + sum g (p - p0) + c/2 |p - p0|^2."""

from collections.abc import Sequence

import torch

from lpfl.conformance.drives.session import Gradients, LossFunction


def surrogate(
    params: Sequence[torch.nn.Parameter],
    gradients: Gradients,
    *,
    curvature: float = 0.0,
    value: float = 0.0,
    origin: Sequence[torch.Tensor] | None = None,
) -> LossFunction:
    """Return the loss function; p0 is ``origin``, or the parameter whenever the loss is called.

    A parameter whose gradient is None does not enter the loss, whose value is ``value``.
    """

    def loss() -> torch.Tensor:
        total = torch.full((), value, dtype=torch.float64)
        for i, (p, g) in enumerate(zip(params, gradients, strict=True)):
            if g is not None:
                away = p - (p.detach() if origin is None else origin[i])
                part = (g.to(p) * away).sum() + 0.5 * curvature * away.square().sum()
                total = total.to(part.device) + part
        return total

    return loss
