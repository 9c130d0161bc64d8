"""A step divided by the second moment of the layer's inputs."""

from torch import Tensor

from lpfl.linalg import right_solve


def damped(cov_x: Tensor, damping: float) -> Tensor:
    """Return ``cov_x + damping I``."""
    if damping == 0.0:
        return cov_x
    shifted = cov_x.clone()
    shifted.diagonal(dim1=-2, dim2=-1).add_(damping)
    return shifted


def foof_step(
    W: Tensor, grad: Tensor, cov_in: Tensor, *, step_size: float, damping: float = 0.0
) -> Tensor:
    """Return ``W - step_size grad (cov_in + damping I)^{-1}``.

    Shapes: W, grad (..., a, b); cov_in (..., b, b), the second moment of the layer's inputs.
    Units: cov_in and damping in squared inputs; step_size in those of the squared weights that
    follow the layer, inverted.
    Raises: torch.linalg.LinAlgError if cov_in + damping I is singular.
    Source: Benzing 2022.
    """
    return W - step_size * right_solve(grad, damped(cov_in, damping))
