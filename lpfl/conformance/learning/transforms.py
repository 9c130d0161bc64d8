"""Invertible changes of coordinates of the inputs, the outputs or the hidden layer."""

import torch
from torch import Tensor

TRANSFORMS = ("rotation", "permutation", "scale", "diagonal", "general")
SIDES = ("inputs", "outputs", "hidden")


def haar(dim: int, stream: torch.Generator) -> Tensor:
    """Return a uniformly distributed orthogonal matrix (dim, dim)."""
    Q, R = torch.linalg.qr(torch.randn(dim, dim, generator=stream, dtype=torch.float64))
    return Q * R.diagonal().sign()


def draw_transform(kind: str, dim: int, stream: torch.Generator, *, spread: float = 2.0) -> Tensor:
    """Return an invertible matrix (dim, dim) of this kind.

    "scale" is ``spread`` times I; the entries of "diagonal" and the singular values of "general"
    (between uniform bases) run evenly from 1/spread to spread on a logarithmic scale.
    Raises: ValueError for an unknown kind.
    """
    eye = torch.eye(dim, dtype=torch.float64)
    if kind == "rotation":
        return haar(dim, stream)
    if kind == "permutation":
        order = torch.randperm(dim, generator=stream)
        return eye[order if bool((order != torch.arange(dim)).any()) else order.roll(1)]
    if kind == "scale":
        return spread * eye
    values = spread ** torch.linspace(-1, 1, dim, dtype=torch.float64)
    values = values[torch.randperm(dim, generator=stream)]
    if kind == "diagonal":
        return torch.diag(values)
    if kind == "general":
        return (haar(dim, stream) * values) @ haar(dim, stream)
    raise ValueError(f"transform={kind!r}, needs one of {TRANSFORMS}")
